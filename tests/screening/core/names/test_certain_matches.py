"""Matches that need no judgement."""

import pytest

from services.screening.core.model import Entry
from services.screening.core.names.certain_matches import ExactIndex
from services.screening.core.names.normalisation import normalise
from services.screening.core.names.published_names import listed_names

ENTRIES = (
    Entry("X-1", "X", "BEKTAS, Halis", "1", identifiers=(("Passport", "X0906223"),)),
    Entry("X-2", "X", "Long Trading Company", "2", identifiers=(("Tax ID", "1234"),)),
)


@pytest.fixture(scope="module")
def exact() -> ExactIndex:
    return ExactIndex.build(
        ENTRIES, [(name, normalise(name.text)) for name in listed_names(ENTRIES)]
    )


def test_a_long_identifier_is_found_under_any_type(exact: ExactIndex) -> None:
    assert exact.with_identifier(("License", "x-0906223")) == ((0, ("Passport", "X0906223")),)


def test_a_short_identifier_is_found_only_under_a_type_of_its_family(exact: ExactIndex) -> None:
    assert exact.with_identifier(("Registration Number", "1234"))
    assert not exact.with_identifier(("Passport", "1234"))
    assert not exact.with_identifier(("unknown", "1234"))
    assert not exact.with_identifier(("Tax ID", "1"))


def test_names_are_found_by_key_by_words_and_by_letters(exact: ExactIndex) -> None:
    assert [name.entry for name in exact.with_name(normalise("Bektas Halis"))] == [0]
    assert [name.entry for name in exact.with_words(normalise("Halis Bektas"))] == [0]
    assert [name.entry for name in exact.with_letters(normalise("Longtrading Company"))] == [1]


def test_letters_are_also_found_with_the_given_name_first(exact: ExactIndex) -> None:
    assert [name.entry for name in exact.with_letters(normalise("Halisbektas"))] == [0]


def test_another_name_is_not_found(exact: ExactIndex) -> None:
    assert exact.with_name(normalise("Bektash Halis")) == ()
