"""The English meaning of words of organisation names."""

import pytest

from services.screening.core.names.vocabulary import CONCEPTS
from services.screening.core.names.word_meaning import english_meaning


@pytest.mark.parametrize(
    ("word", "meaning"),
    [
        ("zavod", "plant"),
        ("shomaal", "north"),
        ("choobe", "wood"),
        ("nauchnogo", "scientific"),
        ("bank", "bank"),
        ("huawei", None),
    ],
)
def test_a_word_has_its_meaning_in_any_spelling_and_with_any_ending(
    word: str, meaning: str | None
) -> None:
    assert english_meaning(word) == meaning


def test_every_line_of_the_vocabulary_begins_with_its_english_word() -> None:
    for line in CONCEPTS:
        meaning = line.split()[0]
        assert english_meaning(meaning) == meaning
