"""How common words are among people: what is borne by many tells little, what is unknown is rare."""

import pytest

from services.screening.core.names.name_frequency import MIN_PEOPLE, RAREST, rarities_of, rarity
from tests.bench.screening.name_frequency import counted


def test_a_word_tells_the_less_the_more_people_bear_it() -> None:
    found = rarities_of(
        {"people": 1000, "words_by_people": {"1000": "everybody", "100": "many", "10": "few other"}}
    )

    assert found["everybody"] == 0
    assert 0 < found["many"] < found["few"] == found["other"] < 1


def test_what_hardly_anybody_bears_tells_all_there_is_to_tell() -> None:
    assert rarities_of({"people": 1000, "words_by_people": {str(RAREST): "rare"}})["rare"] == 1


def test_common_names_of_many_countries_are_known() -> None:
    names = ["maria", "michael", "smith", "kim", "garcia", "ali"]

    assert all(rarity(name) < 0.8 for name in names)


def test_a_word_that_is_not_known_is_rare_and_an_initial_tells_nothing() -> None:
    assert rarity("zaharieva-unheard-of") == 1
    assert rarity("j") == 0


@pytest.mark.parametrize(("times", "is_counted"), [(MIN_PEOPLE, True), (MIN_PEOPLE - 1, False)])
def test_only_words_of_several_people_are_counted_each_once_a_name(
    times: int, is_counted: bool
) -> None:
    assert ("ahmad" in counted(["Ahmad Ahmad"] * times + ["Olga"])) is is_counted
