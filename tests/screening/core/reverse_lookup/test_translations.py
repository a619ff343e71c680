"""Parties are found by the translation or acronym of a listed name."""

import random
from math import log

import pytest

from services.screening.core.config import DEFAULT
from services.screening.core.model import Entry, PartyKind, PartyQuery
from services.screening.core.names.index import ListIndex
from services.screening.core.names.normalisation import normalise
from services.screening.core.names.translation_index import OrganisationName
from services.screening.core.names.vocabulary import CONCEPTS
from services.screening.core.reverse_lookup.party_name_index import MIN_TRANSLATION_LOG_ODDS
from services.screening.core.reverse_lookup.translations import (
    TranslationQuery,
    max_acronym_log_odds,
    translation_terms,
)
from tests.screening.core.reverse_lookup.searches import found, index_of, screened


def query_of(name: str) -> TranslationQuery:
    words = tuple(name.split())
    return TranslationQuery.of(OrganisationName(0, 0, words, words))


@pytest.fixture(scope="module")
def organisations(listed: ListIndex) -> tuple[Entry, ...]:
    known = [
        entry
        for entry in listed.entries
        if entry.kind in (PartyKind.ORGANISATION, PartyKind.UNKNOWN)
    ]
    return tuple(random.Random(11).sample(known, 60))


def another_form(name: str, rng: random.Random) -> str:
    """Returns a name with some words in another language or abbreviated to their first letters."""
    words = name.split()
    if rng.random() < 0.5:
        return " ".join(translated(word, rng) for word in words)
    first = rng.randrange(len(words))
    last = rng.randrange(first + 1, len(words) + 1)
    size = rng.choice((1, 1, 2, 3))
    return " ".join(
        (*words[:first], "".join(word[:size] for word in words[first:last]), *words[last:])
    )


def translated(word: str, rng: random.Random) -> str:
    for concept in CONCEPTS:
        spellings = [each for each in concept.split() if not each.endswith("*")]
        if word.casefold() in spellings:
            return rng.choice(spellings)
    return word


@pytest.mark.parametrize("seed", range(12))
def test_translations_and_acronyms_are_found_as_in_a_full_screening(
    seed: int, listed: ListIndex, organisations: tuple[Entry, ...], innocents: list[PartyQuery]
) -> None:
    rng = random.Random(seed)
    parties = []
    for entry in rng.choices(organisations, k=80):
        listed_form = normalise(rng.choice(entry.names)).key
        kind = rng.choice((entry.kind, PartyKind.UNKNOWN, PartyKind.ORGANISATION))
        name = another_form(listed_form, rng) or listed_form
        parties.append(
            PartyQuery((name,), kind, countries=entry.countries, addresses=entry.addresses[:1])
        )

    hits = found(index_of(*innocents, *parties), listed, organisations)

    expected = screened([*innocents, *parties], listed, organisations)
    # Among fewer names more are compared, so a score may be higher than in a full screening, never
    # lower.
    assert all(
        score <= hits[party].get(entry, 0)
        for party, scores in expected.items()
        for entry, score in scores.items()
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
    listed: ListIndex, innocents: list[PartyQuery], party: str, listed_name: str
) -> None:
    entry = Entry("X-1", "X", listed_name, "1", kind=PartyKind.ORGANISATION, countries=("IR",))
    index = ListIndex.build([*listed.entries, entry], "more")
    query = PartyQuery((party,), PartyKind.ORGANISATION, countries=("IR",))

    hits = found(index_of(*innocents, query), index, (entry,))

    assert hits[len(innocents)] == screened([query], index, (entry,))[0]


def test_the_minimum_of_the_lookup_is_not_above_the_threshold_of_screening() -> None:
    threshold = DEFAULT.translation_threshold

    assert log(threshold / (1 - threshold)) >= MIN_TRANSLATION_LOG_ODDS


def test_a_party_has_terms_for_its_acronyms_and_its_translated_words() -> None:
    terms = translation_terms(normalise("Siman-e Kurdistan"))

    assert terms.translated_words == ("cement",)
    assert terms.meaning == ("cement", "kurdistan")
    assert translation_terms(normalise("Amin Investment Bank")).acronyms == ("aib",)
    assert translation_terms(normalise("ETIM")).possible_acronym == "etim"
    assert translation_terms(normalise("Kurdistan Group")).meaning == ()


def test_a_name_may_translate_if_a_distinctive_word_or_two_words_agree() -> None:
    query = query_of("kurdistan cement")

    assert query.may_translate(("kurdistan", "oil"))
    assert query.may_translate(("cement", "plant")) is False
    assert query_of("moscow cement plant").may_translate(("cement", "plant"))


def test_a_longer_acronym_has_higher_log_odds() -> None:
    assert (
        max_acronym_log_odds("abc") < max_acronym_log_odds("abcd") < max_acronym_log_odds("abcdef")
    )
