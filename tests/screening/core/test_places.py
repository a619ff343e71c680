"""Words of places are general ones, and none that people bear is among them."""

import pytest

from services.screening.core.likeness import is_general
from services.screening.core.model import PartyKind, Result
from services.screening.core.places import is_place
from tests.bench.screening.places import place_words
from tests.screening.core.test_screen import ask, best, listing


@pytest.mark.parametrize("word", ["buenos", "aires", "tehran", "shanghai", "dubai", "kazakhstan"])
def test_a_word_of_a_place_is_a_general_one(word: str) -> None:
    assert is_place(word)
    assert is_general(word)


@pytest.mark.parametrize("word", ["salvador", "santos", "jackson", "ahmadi", "huawei"])
def test_what_people_and_firms_are_called_is_no_place(word: str) -> None:
    assert not is_place(word)


def test_words_of_places_are_taken_each_once_but_for_short_ones_general_ones_and_those_that_people_bear() -> None:
    places = ["Buenos Aires", "Las Aires", "Santos", "Maria", "Port Bank"]

    assert place_words(places, ["SANTOS, Ahmad"]) == ["aires", "buenos"]


def test_a_firm_is_not_known_by_the_city_that_it_is_called_after() -> None:
    generation = listing(PartyKind.ORGANISATION, "Buenos Aires Servicios, S.A. de C.V.")

    assert ask(generation, "Buenos Aires Osorio Software", kind=PartyKind.ORGANISATION).result is Result.CLEAR
    assert best(ask(generation, "Buenos Ares Servicios SA", kind=PartyKind.ORGANISATION))
