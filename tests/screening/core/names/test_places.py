"""Words of places are generic, and none of them is a name of people."""

import pytest

from services.screening.core.model import PartyKind, Result
from services.screening.core.names.normalisation import normalise
from services.screening.core.names.places import countries_in, is_place_word
from services.screening.core.names.similarity_features import is_generic
from tests.bench.screening.places import country_names, place_words
from tests.screening.core.matching.test_screening import ask, best, listing


@pytest.mark.parametrize("word", ["buenos", "aires", "tehran", "shanghai", "dubai", "kazakhstan"])
def test_a_place_word_is_generic(word: str) -> None:
    assert is_place_word(word)
    assert is_generic(word)


@pytest.mark.parametrize("word", ["salvador", "santos", "jackson", "ahmadi", "huawei"])
def test_words_that_people_and_firms_are_named_by_are_no_place_words(word: str) -> None:
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
def test_countries_are_recognised_by_name_people_and_capital(
    name: str, countries: dict[str, str]
) -> None:
    assert countries_in(normalise(name).words) == countries


def test_country_names_are_one_or_two_normalised_words() -> None:
    names = country_names()

    assert {"france", "french", "paris"} <= set(names["FR"].split(", "))
    assert all(
        normalise(name).key == name and name.count(" ") < 2
        for own in names.values()
        for name in own.split(", ")
    )


def test_place_words_are_distinct_long_enough_not_generic_and_not_borne_by_people() -> None:
    places = ["Buenos Aires", "Las Aires", "Santos", "Maria", "Port Bank"]

    assert place_words(places, ["SANTOS, Ahmad"]) == ["aires", "buenos"]


def test_a_firm_is_not_identified_by_the_city_in_its_name() -> None:
    generation = listing(PartyKind.ORGANISATION, "Buenos Aires Servicios, S.A. de C.V.")

    assert (
        ask(generation, "Buenos Aires Osorio Software", kind=PartyKind.ORGANISATION).result
        is Result.CLEAR
    )
    assert best(ask(generation, "Buenos Ares Servicios SA", kind=PartyKind.ORGANISATION))
