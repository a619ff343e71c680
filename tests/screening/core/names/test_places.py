"""Words of places are general ones, and none that people bear is among them."""

import pytest

from services.screening.core.model import PartyKind, Result
from services.screening.core.names.normalisation import normalise
from services.screening.core.names.places import countries_in, is_place_word
from services.screening.core.names.similarity_features import is_generic
from tests.bench.screening.places import country_names, place_words
from tests.screening.core.matching.test_screening import ask, best, listing


@pytest.mark.parametrize("word", ["buenos", "aires", "tehran", "shanghai", "dubai", "kazakhstan"])
def test_a_word_of_a_place_is_a_general_one(word: str) -> None:
    assert is_place_word(word)
    assert is_generic(word)


@pytest.mark.parametrize("word", ["salvador", "santos", "jackson", "ahmadi", "huawei"])
def test_what_people_and_firms_are_called_is_no_place(word: str) -> None:
    assert not is_place_word(word)


@pytest.mark.parametrize(
    ("name", "countries"),
    [
        ("Bank of China (Hong Kong) Limited", {"CN": "china", "HK": "hong kong"}),
        ("Iranian Offshore Company, Tehran", {"IR": "tehran"}),
        ("Korea Trading", {"KR": "korea"}),
        ("DPRK Trading", {"KR": "dprk"}),
        ("Global Worldwide Internet Services", {}),
    ],
)
def test_countries_are_named_by_their_names_peoples_and_capitals(
    name: str, countries: dict[str, str]
) -> None:
    assert countries_in(normalise(name).words) == countries


def test_what_countries_are_called_is_written_in_folded_words_one_or_two() -> None:
    names = country_names()

    assert {"france", "french", "paris"} <= set(names["FR"].split(", "))
    assert all(
        normalise(name).key == name and name.count(" ") < 2
        for own in names.values()
        for name in own.split(", ")
    )


def test_words_of_places_are_taken_each_once_but_for_short_ones_general_ones_and_those_that_people_bear() -> (
    None
):
    places = ["Buenos Aires", "Las Aires", "Santos", "Maria", "Port Bank"]

    assert place_words(places, ["SANTOS, Ahmad"]) == ["aires", "buenos"]


def test_a_firm_is_not_known_by_the_city_that_it_is_called_after() -> None:
    generation = listing(PartyKind.ORGANISATION, "Buenos Aires Servicios, S.A. de C.V.")

    assert (
        ask(generation, "Buenos Aires Osorio Software", kind=PartyKind.ORGANISATION).result
        is Result.CLEAR
    )
    assert best(ask(generation, "Buenos Ares Servicios SA", kind=PartyKind.ORGANISATION))
