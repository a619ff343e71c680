"""The rarity of words among people."""

import pytest

from services.screening.core.names.name_frequency import MIN_PEOPLE, RAREST, rarities_of, rarity
from tests.bench.screening.name_frequency import frequencies_as_json


def test_a_word_is_the_less_rare_the_more_people_bear_it() -> None:
    found = rarities_of(
        {"people": 1000, "words_by_people": {"1000": "everybody", "100": "many", "10": "few other"}}
    )

    assert found["everybody"] == 0
    assert 0 < found["many"] < found["few"] == found["other"] < 1


def test_a_word_that_hardly_anyone_bears_has_rarity_one() -> None:
    assert rarities_of({"people": 1000, "words_by_people": {str(RAREST): "rare"}})["rare"] == 1


def test_common_names_of_many_countries_are_in_the_file() -> None:
    names = ["maria", "michael", "smith", "kim", "garcia", "ali"]

    assert all(rarity(name) < 0.8 for name in names)


def test_an_unknown_word_is_rare_and_an_initial_is_not() -> None:
    assert rarity("zaharieva-unheard-of") == 1
    assert rarity("j") == 0


@pytest.mark.parametrize(("times", "is_counted"), [(MIN_PEOPLE, True), (MIN_PEOPLE - 1, False)])
def test_only_words_of_several_people_are_written_and_each_counts_once_a_name(
    times: int, is_counted: bool
) -> None:
    assert ("ahmad" in frequencies_as_json(["Ahmad Ahmad"] * times + ["Olga"])) is is_counted
