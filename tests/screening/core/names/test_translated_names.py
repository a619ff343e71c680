"""Names of organisations by the meaning of their words."""

import pytest

from services.screening.core.names.normalisation import normalise
from services.screening.core.names.translated_names import translate_name, translate_words


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        (
            "中国电子科技集团公司第二十九研究所",
            ("china", "electronics", "technology", "group", "29", "institute"),
        ),
        ("شرکت صنایع هواپیماسازی ایران", ("industry", "aircraft", "iran")),
        (
            "Nauchno-Issledovatelskii Institut Orion",
            ("scientific", "research", "institute", "orion"),
        ),
        ("Nanjing Hangkong Daxue", ("nanjing", "aviation", "university")),
    ],
)
def test_general_words_are_translated_from_many_languages(
    name: str, meaning: tuple[str, ...]
) -> None:
    assert translate_name(normalise(name)).words == meaning


def test_a_name_keeps_what_was_written_for_each_word() -> None:
    name = translate_words(["sherkate", "choobe", "shomaal", "forty", "four"])

    assert name.words == ("wood", "north", "44")
    assert name.written == ("choobe", "shomaal", "forty four")


def test_a_russian_adjective_of_a_place_is_the_place() -> None:
    assert translate_words(["muromskiy", "zavod"]).words == ("murom", "plant")
