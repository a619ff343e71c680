"""The search finds every party that a full screening would hit, with the same score."""

import random

import pytest

from services.screening.core.config import DEFAULT
from services.screening.core.model import Entry, PartyKind, PartyQuery
from services.screening.core.names.index import ListIndex
from services.screening.core.reverse_lookup.search import (
    FIRST_PAGE,
    Search,
    check_parties,
    groups_with_hits,
    queries_for,
)
from tests.screening.core.reverse_lookup.searches import altered, found, index_of, missed, screened


@pytest.mark.parametrize("seed", range(15))
def test_every_hit_of_a_full_screening_is_found_with_the_same_score(
    seed: int, listed: ListIndex, changed: tuple[Entry, ...]
) -> None:
    rng = random.Random(seed)
    parties = []
    for entry in rng.sample(changed, 12):
        names = [altered(name, rng) for name in rng.sample(entry.names, min(2, len(entry.names)))]
        facts = rng.random() < 0.5
        parties.append(
            PartyQuery(
                tuple(names),
                rng.choice([entry.kind, PartyKind.UNKNOWN]),
                birth_date=next((date for date in entry.birth_dates if date[:4].isdigit()), None)
                if facts
                else None,
                countries=entry.countries if facts else ("AT",),
                identifiers=entry.identifiers[:1] if rng.random() < 0.3 else (),
            )
        )

    assert (
        missed(found(index_of(*parties), listed, changed), screened(parties, listed, changed)) == {}
    )


def test_no_hit_of_an_innocent_person_is_missed(
    listed: ListIndex, changed: tuple[Entry, ...], innocents: list[PartyQuery]
) -> None:
    assert (
        missed(found(index_of(*innocents), listed, changed), screened(innocents, listed, changed))
        == {}
    )


def test_a_name_that_many_parties_resemble_is_searched_to_its_last_hit(listed: ListIndex) -> None:
    entry = Entry("X-1", "X", "Karim Bergholzer", "1", kind=PartyKind.PERSON)
    index = ListIndex.build([*listed.entries, entry], "more")
    parties = [
        PartyQuery((f"Karim {letter}. Bergholzer {number}",))
        for number in range(9)
        for letter in "abcdefghijklm"
    ]

    hits = found(index_of(*parties), index, (entry,))

    assert len(parties) > 2 * FIRST_PAGE
    assert hits == screened(parties, index, (entry,))
    assert len(hits) == len(parties)


def test_all_parties_with_one_name_are_found(listed: ListIndex, changed: tuple[Entry, ...]) -> None:
    entry = changed[0]
    parties = [
        PartyQuery((entry.name,), entry.kind, birth_date=f"19{number}") for number in range(10, 90)
    ]

    assert len(found(index_of(*parties), listed, (entry,))) == len(parties)


def test_a_firm_whose_legal_form_is_misspelled_is_found_among_many_names(
    listed: ListIndex, innocents: list[PartyQuery]
) -> None:
    entry = Entry("X-1", "X", "Profit Corporation, C.A.", "1", kind=PartyKind.ORGANISATION)
    index = ListIndex.build([*listed.entries, entry], "more")
    party = PartyQuery(("Profyt Korporation, C.A.",), PartyKind.ORGANISATION)

    hits = found(index_of(*innocents, party), index, (entry,))

    expected = screened([party], index, (entry,))
    assert expected
    assert hits[len(innocents)] == expected[0]


def test_a_name_with_an_error_in_every_word_is_found_although_many_names_share_more_of_it(
    listed: ListIndex,
) -> None:
    entry = Entry("X-1", "X", "Mavk Henvy", "1", kind=PartyKind.PERSON)
    index = ListIndex.build([*listed.entries, entry], "more")
    crowd = [
        PartyQuery((f"{first} Henvy {last} {number}",), PartyKind.PERSON, birth_date="1966-02-13")
        for first in (
            "Mav",
            "Mave",
            "Mavek",
            "Mavkha",
            "Makhen",
            "Mavkhe",
            "Mavken",
            "Mavki",
            "Mavkh",
            "Mako",
        )
        for last in (
            "Envy",
            "Hen",
            "Khen",
            "Kenvy",
            "Avkhe",
            "Henv",
            "Vkhen",
            "Mavka",
            "Akhe",
            "Avkham",
            "Havkhen",
        )
        for number in ("", "Ma", "Vy")
    ]
    party = PartyQuery(("Mak Hevny",))

    hits = found(index_of(*crowd, party), index, (entry,))

    expected = screened([party], index, (entry,))
    assert expected
    assert hits[len(crowd)] == expected[0]


def test_only_hits_of_the_queried_name_lead_to_the_next_page(
    listed: ListIndex, innocents: list[PartyQuery]
) -> None:
    one = Entry("X-1", "X", "Karim Bergholzer", "1", kind=PartyKind.PERSON)
    other = Entry("X-2", "X", "Karim Zwirner", "2", kind=PartyKind.PERSON)
    index = ListIndex.build([*listed.entries, one, other], "more")
    parties = [
        PartyQuery((f"Karim {letter}. Bergholzer {number}",))
        for number in range(9)
        for letter in "abcdefghijk"
    ]
    party_index = index_of(*parties, PartyQuery((other.name,)))
    search: Search[int] = Search(queries_for(index, (one, other)))
    rounds = []
    while pages := search.pages():
        rounds.append({next(iter(page.query.entry_ids)) for page in pages})
        checks = search.checks([party_index.candidates(page) for page in pages])
        requests = [check.request for check in checks]
        search.record(checks, check_parties(index, (one, other), requests, DEFAULT))

    assert rounds[0] == {"X-1", "X-2"}
    assert set().union(*rounds[1:]) == {"X-1"}


@pytest.mark.parametrize("name", ["Карим Бергхольцер", "كريم برغولتسر"])
def test_a_name_of_another_script_is_found_among_many_latin_ones(
    listed: ListIndex, innocents: list[PartyQuery], name: str
) -> None:
    entry = Entry(
        "X-1", "X", "Karim Bergholtser", "1", kind=PartyKind.PERSON, birth_dates=("1970-01-01",)
    )
    index = ListIndex.build([*listed.entries, entry], "more")
    party = PartyQuery((name,), PartyKind.PERSON, birth_date="1970-01-01")

    hits = found(index_of(*innocents, party), index, (entry,))

    assert missed(hits, screened([*innocents, party], index, (entry,))) == {}


def test_a_group_has_hits_if_any_of_its_parties_has(
    listed: ListIndex, changed: tuple[Entry, ...], innocents: list[PartyQuery]
) -> None:
    entry = changed[0]
    groups = [[innocents[0], PartyQuery((entry.name,), entry.kind)], [innocents[0]], []]

    assert groups_with_hits(listed, changed[:1], groups, DEFAULT) == (True, False, False)


def test_parties_of_applications_that_are_not_relevant_are_not_checked(
    listed: ListIndex, changed: tuple[Entry, ...]
) -> None:
    entry = changed[0]
    party = PartyQuery((entry.name,), entry.kind)
    party_index = index_of(party, party)
    search: Search[int] = Search(queries_for(listed, (entry,)), {1}.__contains__)

    checks = search.checks([party_index.candidates(page) for page in search.pages()])

    assert {check.party.application for check in checks} == {1}
