"""A name that cannot be judged gets a reason, never CLEAR; no text breaks the matcher."""

# ruff: noqa: RUF001  letters of other alphabets and full-width ones are the cases

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.screening.core.config import DEFAULT
from services.screening.core.matching.screening import screen
from services.screening.core.model import Entry, Identifier, PartyKind, PartyQuery, Reason, Result
from services.screening.core.names.index import ListIndex
from services.screening.core.names.normalisation import normalise

LISTED = (
    Entry(
        "X-1",
        "EL",
        "TGO General Trading LLC",
        "1",
        aliases=("Three Green Orbit",),
        kind=PartyKind.ORGANISATION,
    ),
    Entry(
        "X-2",
        "SDN",
        "BEKTAS, Halis",
        "2",
        kind=PartyKind.PERSON,
        identifiers=(("Passport", "X0906223"),),
    ),
    Entry("X-3", "SDN", "朝鲜联合机械贸易会社", "3"),
    Entry("X-4", "SDN", "عبدالحی مطمئن", "4", kind=PartyKind.PERSON),
)


@pytest.fixture(scope="module")
def small() -> ListIndex:
    return ListIndex.build(LISTED, "small")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", Reason.NAME_MISSING),
        ("\u3000\t\n", Reason.NAME_MISSING),
        ("\u200b\u200f\u202e", Reason.NAME_UNREADABLE),
        ("\x00", Reason.NAME_UNREADABLE),
        ("\x00\x00Q\x00", Reason.NAME_TOO_SHORT),
        ("\ud800\udfff", Reason.NAME_UNREADABLE),
        ("?!.,;:", Reason.NAME_UNREADABLE),
        ("—", Reason.NAME_UNREADABLE),
        ("🙂🙃", Reason.NAME_UNREADABLE),
        ("👨\u200d👩\u200d👧", Reason.NAME_UNREADABLE),
        ("12345", Reason.NAME_UNREADABLE),
        ("٣٤٥", Reason.NAME_UNREADABLE),
        ("\u0301\u0301\u0301", Reason.NAME_UNREADABLE),
        ("𓀀𓀁𓀂 𓀃𓀄", Reason.NAME_UNREADABLE),
        ("x", Reason.NAME_TOO_SHORT),
        ("é", Reason.NAME_TOO_SHORT),
        ("X.", Reason.NAME_TOO_SHORT),
        ("김", Reason.NAME_TOO_SHORT),
        ("a" + "\u0301" * 400, Reason.NAME_TOO_SHORT),
        ("zzz", Reason.NAME_PLACEHOLDER),
        ("n/a", Reason.NAME_PLACEHOLDER),
        ("N. A.", Reason.NAME_PLACEHOLDER),
        ("UNKNOWN PERSON", Reason.NAME_PLACEHOLDER),
        ("test test", Reason.NAME_PLACEHOLDER),
        ("-- none --", Reason.NAME_PLACEHOLDER),
        ("неизвестно", Reason.NAME_PLACEHOLDER),
        ("Не указано", Reason.NAME_PLACEHOLDER),
        ("غير معروف", Reason.NAME_PLACEHOLDER),
        ("未知", Reason.NAME_PLACEHOLDER),
        ("없음", Reason.NAME_PLACEHOLDER),
        ("Mr.", Reason.NAME_PLACEHOLDER),
        ("Ltd.", Reason.NAME_PLACEHOLDER),
        ("u\u200bn\u200bknown", Reason.NAME_PLACEHOLDER),
        ("u n k n o w n", Reason.NAME_PLACEHOLDER),
        ("A" * 5000, Reason.NAME_TOO_LONG),
        ("Word " * 1000, Reason.NAME_TOO_LONG),
        ("名" * 5000, Reason.NAME_TOO_LONG),
        ("\ufdfa" * 400, Reason.NAME_TOO_LONG),
        ("b " * 100, Reason.NAME_PLACEHOLDER),
    ],
)
def test_a_name_that_says_nothing_has_a_reason(small: ListIndex, name: str, reason: Reason) -> None:
    for kind in PartyKind:
        screening = screen(small, PartyQuery((name,), kind), DEFAULT)
        assert (screening.result, screening.reasons, screening.hits) == (
            Result.UNDETERMINED,
            (reason,),
            (),
        )


def test_a_party_without_any_name_has_a_reason(small: ListIndex) -> None:
    assert screen(small, PartyQuery(()), DEFAULT).reasons == (Reason.NAME_MISSING,)


def test_a_party_of_too_many_names_has_a_reason_and_its_identifiers_are_looked_up(
    small: ListIndex,
) -> None:
    names = tuple(f"Somebody the {number}th" for number in range(DEFAULT.max_names + 1))

    assert screen(small, PartyQuery(names), DEFAULT).reasons == (Reason.TOO_MANY_NAMES,)
    known = screen(small, PartyQuery(names, identifiers=(("Passport", "X0906223"),)), DEFAULT)
    assert (known.result, known.reasons) == (Result.POSSIBLE_MATCH, (Reason.TOO_MANY_NAMES,))


def test_an_identifier_is_looked_up_though_no_name_can_be_judged(small: ListIndex) -> None:
    screening = screen(
        small, PartyQuery(("unknown",), identifiers=(("Passport", "X0906223"),)), DEFAULT
    )

    assert [hit.entry_id for hit in screening.hits] == ["X-2"]


def test_what_stands_around_a_short_name_is_not_counted() -> None:
    listed = Entry("X-1", "SDN", "Bo", "1", kind=PartyKind.PERSON)

    screening = screen(ListIndex.build([listed], "one"), PartyQuery((f"  {' ' * 700}Bo",)), DEFAULT)

    assert [hit.entry_id for hit in screening.hits] == ["X-1"]


SCRIPTS = st.characters() | st.sampled_from(
    "аеорсухАВЕКМНОРСТХαοντρ\u200b\u200c\u200d\u202e\u3164\ufeff\u0301\u0336 .'-·王李華김정은"
    "ا لمحمد وבןשָ မင်းကျွှိုုँक्षा１ａＡ0143$@!|"
)
"""Any character, and often those that the engine treats in some way of its own."""
NAMES = st.text(SCRIPTS, max_size=60)


@settings(deadline=None, max_examples=400)
@given(
    names=st.lists(NAMES, max_size=4),
    kind=st.sampled_from(PartyKind),
    identifiers=st.lists(st.tuples(st.text(max_size=20), st.text(max_size=30)), max_size=2),
    birth_date=st.none() | st.text(max_size=10),
    addresses=st.lists(st.text(max_size=60), max_size=2),
)
def test_whatever_is_written_is_answered_and_never_clear_when_nothing_could_be_judged(
    small: ListIndex,
    names: list[str],
    kind: PartyKind,
    identifiers: list[Identifier],
    birth_date: str | None,
    addresses: list[str],
) -> None:
    query = PartyQuery(tuple(names), kind, birth_date, (), tuple(identifiers), tuple(addresses))

    screening = screen(small, query, DEFAULT)

    if not any(normalise(name).key for name in names):
        assert screening.result is not Result.CLEAR
    if screening.result is Result.CLEAR:
        assert screening.reasons == ()
        assert any(any(char.isalpha() for char in name) for name in names)
    if screening.result is Result.UNDETERMINED:
        assert screening.reasons
    assert all(0 <= hit.score <= 1 and hit.explanation for hit in screening.hits)


@settings(deadline=None, max_examples=400)
@given(NAMES)
def test_what_is_folded_stays_folded(text: str) -> None:
    key = normalise(text).key

    assert normalise(key).key == key
    assert all(char.isascii() and (char.isalnum() or char == " ") for char in key)


@settings(deadline=None, max_examples=100)
@given(st.text(SCRIPTS.filter(lambda char: not "\ud800" <= char <= "\udfff"), max_size=60))
def test_a_listed_name_is_found_by_itself_whatever_it_is(text: str) -> None:
    generation = ListIndex.build([Entry("X-1", "SDN", text, "1"), LISTED[0]], "any")
    if not normalise(text).key:
        return

    screening = screen(generation, PartyQuery((text,)), DEFAULT)

    assert "X-1" in {hit.entry_id for hit in screening.hits}
