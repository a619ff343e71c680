"""Which names can be judged.

The reasons are tested with whole screenings in `matching/test_unjudged.py`.
"""

import pytest

from services.screening.core.config import DEFAULT
from services.screening.core.model import Entry, Flag, PartyQuery, Reason
from services.screening.core.names.certain_matches import ExactIndex
from services.screening.core.names.judgeable import judgeable_names
from services.screening.core.names.normalisation import normalise
from services.screening.core.names.published_names import listed_names

NOTHING_PUBLISHED = ExactIndex.build((), ())


def test_a_name_that_cannot_be_judged_leaves_a_reason_beside_the_others() -> None:
    names, reasons, flags = judgeable_names(
        PartyQuery(("Halis Bektas", "unknown", " ")), DEFAULT, NOTHING_PUBLISHED
    )

    assert [name.text for name in names] == ["Halis Bektas"]
    assert (reasons, flags) == ((Reason.NAME_PLACEHOLDER,), ())


def test_names_that_normalise_alike_are_judged_once() -> None:
    names, _, _ = judgeable_names(
        PartyQuery(("Halis Bektas", "HALIS BEKTAS")), DEFAULT, NOTHING_PUBLISHED
    )

    assert len(names) == 1


def test_a_published_name_is_judged_although_it_looks_like_a_placeholder() -> None:
    entries = (Entry("X-1", "X", "CCCC", "1"),)
    published = ExactIndex.build(
        entries, [(name, normalise(name.text)) for name in listed_names(entries)]
    )

    assert judgeable_names(PartyQuery(("CCCC",)), DEFAULT, NOTHING_PUBLISHED)[0] == ()
    assert [
        name.text for name in judgeable_names(PartyQuery(("CCCC",)), DEFAULT, published)[0]
    ] == ["CCCC"]


@pytest.mark.parametrize("name", ["unk\u200bnown", "Hua\u200bwei"])
def test_a_flag_is_set_whether_or_not_the_name_can_be_judged(name: str) -> None:
    _, _, flags = judgeable_names(PartyQuery((name,)), DEFAULT, NOTHING_PUBLISHED)

    assert flags == (Flag.INVISIBLE_CHARACTERS,)
