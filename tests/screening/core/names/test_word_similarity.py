"""How similar two words are."""

import pytest

from services.screening.core.names.word_similarity import (
    INITIAL,
    SAME_MEANING,
    SAME_SOUND,
    SAME_SYLLABLE_SKELETON,
    syllable_similarity,
    unvowelled_similarity,
    word_similarity,
)


@pytest.mark.parametrize(
    ("one", "other", "similarity"),
    [
        ("khan", "khan", 1.0),
        ("yusuf", "yousef", SAME_SOUND),
        ("larry", "lawrence", SAME_MEANING),
        ("sanat", "industries", SAME_MEANING),
        ("j", "john", INITIAL),
        ("j", "k", 0.0),
        ("7", "8", 0.0),
        ("356", "3567", 0.0),
        ("khan", "smith", 0.0),
    ],
)
def test_words_are_similar_by_letters_sound_or_meaning(
    one: str, other: str, similarity: float
) -> None:
    assert word_similarity(one, other) == similarity


def test_an_unvowelled_word_can_be_read_as_words_with_its_consonants_and_long_vowels() -> None:
    assert unvowelled_similarity("mhmd", "mohammad") > unvowelled_similarity("mhmd", "mahdi")
    assert unvowelled_similarity("dhakr", "zakir") > 0.9


def test_a_short_syllable_is_another_one_if_any_sound_differs() -> None:
    assert syllable_similarity("wang", "weng") == SAME_SYLLABLE_SKELETON
    assert syllable_similarity("wang", "wan") == 0.0
    assert syllable_similarity("li", "li") == 1.0
