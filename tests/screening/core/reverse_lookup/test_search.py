"""What the search among parties promises: whoever a screening finds, it finds, with the same score."""

import random
from math import log
from pathlib import Path

import pytest

from services.screening.core.config import DEFAULT
from services.screening.core.matching.screening import screen
from services.screening.core.model import Entry, PartyKind, PartyQuery
from services.screening.core.names.index import ListIndex
from services.screening.core.names.normalisation import normalise
from services.screening.core.names.vocabulary import CONCEPTS
from services.screening.core.reverse_lookup.index import PartyIndex
from services.screening.core.reverse_lookup.party_name_index import MIN_TRANSLATION_LOG_ODDS
from services.screening.core.reverse_lookup.search import (
    FIRST_PAGE,
    Search,
    check_parties,
    find_matches,
    queries_for,
)

DATA = Path(__file__).parents[1] / "data"
CHANGED = 25


@pytest.fixture(scope="module")
def listed(entries: tuple[Entry, ...]) -> ListIndex:
    return ListIndex.build(entries[:1_200], "listed")


@pytest.fixture(scope="module")
def changed(listed: ListIndex) -> tuple[Entry, ...]:
    persons = [entry for entry in listed.entries if entry.kind is PartyKind.PERSON]
    others = [
        entry for entry in listed.entries if entry.identifiers or entry.kind is not PartyKind.PERSON
    ]
    return tuple(dict.fromkeys((*persons[:5], *random.Random(7).sample(others, CHANGED))))


@pytest.fixture(scope="module")
def strangers() -> list[PartyQuery]:
    with (DATA / "innocent_persons.txt").open(encoding="utf-8") as file:
        names = [line.strip() for line in file if line.strip()]
    return [
        PartyQuery((name,), PartyKind.PERSON, birth_date="1966-02-13", countries=("CH",))
        for name in names[:1_500]
    ]


def index_of(*parties: PartyQuery) -> PartyIndex[int]:
    index: PartyIndex[int] = PartyIndex()
    for application, party in enumerate(parties):
        index.put(application, 1, [party])
    index.commit()
    return index


Scores = dict[int, dict[str, float]]


def found(index: PartyIndex[int], generation: ListIndex, changed: tuple[Entry, ...]) -> Scores:
    search = find_matches(index, generation, changed, DEFAULT)
    return {
        party.application: {hit.entry_id: hit.score for hit in search.hits_of(party)}
        for party in search.parties.values()
    }


def screened(
    parties: list[PartyQuery], generation: ListIndex, changed: tuple[Entry, ...]
) -> Scores:
    """What screening each party against everything says of what changed."""
    ids = {entry.entry_id for entry in changed}
    said = {number: screen(generation, party, DEFAULT).hits for number, party in enumerate(parties)}
    hits = {
        number: {hit.entry_id: hit.score for hit in each if hit.entry_id in ids}
        for number, each in said.items()
    }
    return {number: each for number, each in hits.items() if each}


def missed(hits: Scores, wanted: Scores) -> Scores:
    """What a full screening finds and the search does not, or with another score.

    The other way round is no loss: a full screening compares a name with so many listed ones only, and who is found is
    screened in full before anybody is told.
    """
    return {
        party: lost
        for party, said in wanted.items()
        if (
            lost := {
                entry: score
                for entry, score in said.items()
                if hits.get(party, {}).get(entry) != score
            }
        )
    }


def altered(name: str, chance: random.Random) -> str:
    words = name.split()
    match chance.randrange(5):
        case 0:
            return name
        case 1:
            at = chance.randrange(len(name))
            return name[:at] + name[at + 1 :]
        case 2:
            at = chance.randrange(len(name))
            return name[:at] + chance.choice("aeiourstn") + name[at:]
        case 3:
            return " ".join(reversed(words))
        case _:
            return " ".join(words[:2])


@pytest.mark.parametrize("seed", range(15))
def test_whoever_a_full_screening_finds_is_found_with_the_same_score(
    seed: int, listed: ListIndex, changed: tuple[Entry, ...]
) -> None:
    chance = random.Random(seed)
    parties = []
    for entry in chance.sample(changed, 12):
        names = [
            altered(name, chance) for name in chance.sample(entry.names, min(2, len(entry.names)))
        ]
        facts = chance.random() < 0.5
        parties.append(
            PartyQuery(
                tuple(names),
                chance.choice([entry.kind, PartyKind.UNKNOWN]),
                birth_date=next((date for date in entry.birth_dates if date[:4].isdigit()), None)
                if facts
                else None,
                countries=entry.countries if facts else ("AT",),
                identifiers=entry.identifiers[:1] if chance.random() < 0.3 else (),
            )
        )

    assert (
        missed(found(index_of(*parties), listed, changed), screened(parties, listed, changed)) == {}
    )


def test_of_strangers_too_nobody_is_missed(
    listed: ListIndex, changed: tuple[Entry, ...], strangers: list[PartyQuery]
) -> None:
    assert (
        missed(found(index_of(*strangers), listed, changed), screened(strangers, listed, changed))
        == {}
    )


def test_a_name_that_many_resemble_is_followed_to_its_end(listed: ListIndex) -> None:
    entry = Entry("X-1", "X", "Karim Bergholzer", "1", kind=PartyKind.PERSON)
    generation = ListIndex.build([*listed.entries, entry], "more")
    parties = [
        PartyQuery((f"Karim {letter}. Bergholzer {number}",))
        for number in range(9)
        for letter in "abcdefghijklm"
    ]

    hits = found(index_of(*parties), generation, (entry,))

    assert len(parties) > 2 * FIRST_PAGE
    assert hits == screened(parties, generation, (entry,))
    assert len(hits) == len(parties)


def test_all_who_bear_one_name_are_found(listed: ListIndex, changed: tuple[Entry, ...]) -> None:
    entry = changed[0]
    parties = [
        PartyQuery((entry.name,), entry.kind, birth_date=f"19{number}") for number in range(10, 90)
    ]

    assert len(found(index_of(*parties), listed, (entry,))) == len(parties)


def test_a_number_finds_a_party_of_another_name(listed: ListIndex) -> None:
    entry = next(entry for entry in listed.entries if entry.identifiers)
    party = PartyQuery(("Bergholz Orchard Museum Friends",), identifiers=entry.identifiers[:1])

    (hit,) = found(index_of(party), listed, (entry,)).values()

    assert hit == {entry.entry_id: 1.0}


def test_a_number_with_the_letters_of_a_country_before_it_finds_one_without(
    listed: ListIndex,
) -> None:
    entry = Entry("X-1", "X", "Karim Bergholzer", "1", identifiers=(("VAT", "123456789"),))
    generation = ListIndex.build([*listed.entries, entry], "more")
    party = PartyQuery(("Orchard Museum Friends",), identifiers=(("VAT", "DE123456789"),))

    hits = found(index_of(party), generation, (entry,))

    assert hits == screened([party], generation, (entry,))
    assert hits


def test_a_firm_whose_legal_form_is_misspelled_is_found_among_many_names(
    listed: ListIndex, strangers: list[PartyQuery]
) -> None:
    entry = Entry("X-1", "X", "Profit Corporation, C.A.", "1", kind=PartyKind.ORGANISATION)
    generation = ListIndex.build([*listed.entries, entry], "more")
    party = PartyQuery(("Profyt Korporation, C.A.",), PartyKind.ORGANISATION)

    hits = found(index_of(*strangers, party), generation, (entry,))

    wanted = screened([party], generation, (entry,))
    assert wanted
    assert hits[len(strangers)] == wanted[0]


def test_a_name_with_a_slip_in_every_word_is_found_however_many_share_more_of_it(
    listed: ListIndex,
) -> None:
    entry = Entry("X-1", "X", "Mavk Henvy", "1", kind=PartyKind.PERSON)
    generation = ListIndex.build([*listed.entries, entry], "more")
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

    hits = found(index_of(*crowd, party), generation, (entry,))

    wanted = screened([party], generation, (entry,))
    assert wanted
    assert hits[len(crowd)] == wanted[0]


def test_hits_of_other_names_lead_no_further(
    listed: ListIndex, strangers: list[PartyQuery]
) -> None:
    one = Entry("X-1", "X", "Karim Bergholzer", "1", kind=PartyKind.PERSON)
    other = Entry("X-2", "X", "Karim Zwirner", "2", kind=PartyKind.PERSON)
    generation = ListIndex.build([*listed.entries, one, other], "more")
    parties = [
        PartyQuery((f"Karim {letter}. Bergholzer {number}",))
        for number in range(9)
        for letter in "abcdefghijk"
    ]
    index = index_of(*parties, PartyQuery((other.name,)))
    search: Search[int] = Search(queries_for(generation, (one, other)))
    rounds = []
    while pages := search.pages():
        rounds.append({next(iter(page.query.entry_ids)) for page in pages})
        checks = search.checks([index.candidates(page) for page in pages])
        requests = [check.request for check in checks]
        search.record(checks, check_parties(generation, (one, other), requests, DEFAULT))

    assert rounds[0] == {"X-1", "X-2"}
    assert set().union(*rounds[1:]) == {"X-1"}


@pytest.mark.parametrize("name", ["Карим Бергхольцер", "كريم برغولتسر"])
def test_a_name_of_another_script_is_found_among_many_latin_ones(
    listed: ListIndex, strangers: list[PartyQuery], name: str
) -> None:
    entry = Entry(
        "X-1", "X", "Karim Bergholtser", "1", kind=PartyKind.PERSON, birth_dates=("1970-01-01",)
    )
    generation = ListIndex.build([*listed.entries, entry], "more")
    party = PartyQuery((name,), PartyKind.PERSON, birth_date="1970-01-01")

    hits = found(index_of(*strangers, party), generation, (entry,))

    assert missed(hits, screened([*strangers, party], generation, (entry,))) == {}


@pytest.fixture(scope="module")
def organisations(listed: ListIndex) -> tuple[Entry, ...]:
    known = [
        entry
        for entry in listed.entries
        if entry.kind in (PartyKind.ORGANISATION, PartyKind.UNKNOWN)
    ]
    return tuple(random.Random(11).sample(known, 60))


def otherwise(name: str, chance: random.Random) -> str:
    """Another form of a firm's name: some words in another language, or the letters that some begin with."""
    words = name.split()
    if chance.random() < 0.5:
        return " ".join(translated(word, chance) for word in words)
    first = chance.randrange(len(words))
    last = chance.randrange(first + 1, len(words) + 1)
    size = chance.choice((1, 1, 2, 3))
    return " ".join(
        (*words[:first], "".join(word[:size] for word in words[first:last]), *words[last:])
    )


def translated(word: str, chance: random.Random) -> str:
    for concept in CONCEPTS:
        spellings = [each for each in concept.split() if not each.endswith("*")]
        if word.casefold() in spellings:
            return chance.choice(spellings)
    return word


@pytest.mark.parametrize("seed", range(12))
def test_translations_and_acronyms_are_found_as_by_a_full_screening(
    seed: int, listed: ListIndex, organisations: tuple[Entry, ...], strangers: list[PartyQuery]
) -> None:
    chance = random.Random(seed)
    parties = []
    for entry in chance.choices(organisations, k=80):
        listed_form = normalise(chance.choice(entry.names)).key
        kind = chance.choice((entry.kind, PartyKind.UNKNOWN, PartyKind.ORGANISATION))
        name = otherwise(listed_form, chance) or listed_form
        parties.append(
            PartyQuery((name,), kind, countries=entry.countries, addresses=entry.addresses[:1])
        )

    hits = found(index_of(*strangers, *parties), listed, organisations)

    wanted = screened([*strangers, *parties], listed, organisations)
    # Among fewer names one may be compared that a full screening does not come to: it may be closer, never further.
    assert all(
        score <= hits[party].get(entry, 0)
        for party, said in wanted.items()
        for entry, score in said.items()
    )


@pytest.mark.parametrize(
    ("party", "listed_name"),
    [
        ("SHERKATE CHOOBE SHOMAAL", "NORTH WOOD INDUSTRY COMPANY"),
        ("KURDISTAN CEMENT", "SIMAN-E KURDISTAN"),
        ("BANK MOSKVY PAO", "BANK OF MOSCOW"),
        ("جمعية احياء التراث الاسلامي", "REVIVAL OF ISLAMIC HERITAGE SOCIETY"),
        ("沈忠國際海運有限公司", "SHEN ZHONG INTERNATIONAL SHIPPING"),
        ("Акционерное общество «Муромский приборостроительный завод»", "MUROM INSTRUMENT PLANT"),
        ("Light Infantry Division Sixty-Six", "LIGHT INFANTRY DIVISION 66"),
        ("ETIM", "EASTERN TURKISTAN ISLAMIC MOVEMENT"),
        ("National Iranian Drilling and Exploration Company", "NIDEC"),
        ("ZISCO", "ZIMBABWE IRON AND STEEL COMPANY"),
        ("AMIN IB", "AMIN INVESTMENT BANK"),
        ("Amin Investment Bank", "AMIN IB"),
        ("Chvk Vagner", "Chastnaya Voennaya Kompaniya Vagner"),
        ("Chastnaya Voennaya Kompaniya Vagner", "CHVK VAGNER"),
        ("66 LID", "LIGHT INFANTRY DIVISION 66"),
    ],
)
def test_a_translated_name_or_an_acronym_is_found_among_many_names(
    listed: ListIndex, strangers: list[PartyQuery], party: str, listed_name: str
) -> None:
    entry = Entry("X-1", "X", listed_name, "1", kind=PartyKind.ORGANISATION, countries=("IR",))
    generation = ListIndex.build([*listed.entries, entry], "more")
    query = PartyQuery((party,), PartyKind.ORGANISATION, countries=("IR",))

    hits = found(index_of(*strangers, query), generation, (entry,))

    assert hits[len(strangers)] == screened([query], generation, (entry,))[0]


def test_from_what_likeness_on_a_name_is_kin_agrees_with_the_threshold() -> None:
    threshold = DEFAULT.translation_threshold

    assert log(threshold / (1 - threshold)) >= MIN_TRANSLATION_LOG_ODDS


def test_what_was_dropped_or_replaced_is_found_no_more(
    listed: ListIndex, changed: tuple[Entry, ...]
) -> None:
    entry = changed[0]
    party = PartyQuery((entry.name,), entry.kind)
    other = PartyQuery(("Bergholz Orchard Museum Friends",))
    index = index_of(party, party, party)

    index.remove(0)
    index.put(1, 2, [other])
    index.put(2, 2, [party])
    index.commit()

    assert set(found(index, listed, (entry,))) == {2}
    assert [index.version_of(application) for application in (0, 1, 2)] == [0, 2, 2]
    assert (len(index), index.removed) == (2, 2)
    assert [held.query for held in index] == [party, other]


def test_what_comes_later_is_found_beside_what_was_there(
    listed: ListIndex, changed: tuple[Entry, ...], strangers: list[PartyQuery]
) -> None:
    index = index_of(*strangers)
    assert not found(index, listed, changed[:1])

    index.put(9_999, 1, [PartyQuery((changed[0].name,), changed[0].kind)])
    index.commit()

    assert set(found(index, listed, changed[:1])) == {9_999}


def test_names_that_nobody_can_read_are_not_looked_for(
    listed: ListIndex, changed: tuple[Entry, ...]
) -> None:
    index = index_of(PartyQuery(("", " ", "...", "x" * 5_000)), PartyQuery(()))

    assert not found(index, listed, changed)
