"""Acronyms in the reverse direction.

Which acronyms may parts of a name have? Which words may abbreviate a name? Which part of a name
does a word abbreviate?
"""

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache
from itertools import combinations
from typing import Final

from services.screening.core.names.acronyms import (
    LETTER_GROUPS,
    content_words,
    is_acronym,
    is_blend,
)
from services.screening.core.names.translation_match import SAME_SPELLING, meaning_similarity
from services.screening.core.names.word_meaning import english_meaning

MIN_ABBREVIATED: Final = 2
"""Words of a name that an abbreviation stands for, at least."""
MAX_WORDS_COMBINED: Final = 5
"""In a longer name only consecutive words are taken to be abbreviated."""
MAX_BEGINNING: Final = 8
"""Letters of a word that an abbreviation takes, at most."""


def part_acronyms(words: Sequence[str]) -> Iterator[str]:
    """Yields the acronyms of some words of a name while other words are left."""
    for content in content_words(words):
        for chosen in _parts(content):
            yield "".join(word[0] for word in chosen)
            if any(word.startswith(LETTER_GROUPS) for word in chosen):
                yield "".join(_first_letters(word) for word in chosen)


def beginnings_pattern(words: Sequence[str], optional: AbstractSet[str]) -> str:
    """Returns a regular expression for what is made of the beginnings of words.

    optional: the words that may be left out.
    """
    return "".join(
        f"({_word_pattern(word)})?" if word in optional else _word_pattern(word) for word in words
    )


def abbreviates_part(short_words: Sequence[str], long_words: Sequence[str]) -> bool:
    """Returns whether a word of the first name abbreviates all unpaired words of the second name.

    At least one other word must have a counterpart.
    """
    meanings = [english_meaning(word) or word for word in long_words]
    for at, word in enumerate(short_words):
        if not word.isalpha() or not _is_made_of_beginnings(word, long_words):
            continue
        others = [*short_words[:at], *short_words[at + 1 :]]
        agreeing = _paired_positions(others, meanings)
        rest = [each for position, each in enumerate(long_words) if position not in agreeing]
        if agreeing and (is_acronym(word, rest) or is_blend(word, rest)):
            return True
    return False


def _is_made_of_beginnings(letters: str, words: Sequence[str], used: int = 0) -> bool:
    """Returns whether letters are the beginnings of two or more of the words, in order."""
    if not letters:
        return used >= MIN_ABBREVIATED
    for at, word in enumerate(words):
        size = 0
        while size < len(word) and word[: size + 1] == letters[: size + 1]:
            size += 1
            if _is_made_of_beginnings(letters[size:], words[at + 1 :], used + 1):
                return True
            if size == len(letters):
                break
    return False


def _paired_positions(words: Sequence[str], others: Sequence[str]) -> set[int]:
    """Returns the positions of the other words that are paired, most similar pairs first."""
    pairs = sorted(
        (-similarity, at, own)
        for own, word in enumerate(words)
        for at, other in enumerate(others)
        if (similarity := meaning_similarity(word, other)) >= SAME_SPELLING
    )
    paired: set[int] = set()
    used: set[int] = set()
    for _, at, own in pairs:
        if at not in paired and own not in used:
            paired.add(at)
            used.add(own)
    return paired


@lru_cache(maxsize=4_096)
def _word_pattern(word: str) -> str:
    """Returns a regular expression for the beginnings of a word.

    A beginning is the first letter and any number of the next letters.
    """
    rest = ""
    for letter in reversed(word[1:MAX_BEGINNING]):
        rest = f"({letter}{rest})?"
    return word[0] + rest


def _parts(words: Sequence[str]) -> Iterable[Sequence[str]]:
    sizes = range(MIN_ABBREVIATED, len(words))
    if len(words) <= MAX_WORDS_COMBINED:
        return (chosen for size in sizes for chosen in combinations(words, size))
    return (words[at : at + size] for size in sizes for at in range(len(words) - size + 1))


def _first_letters(word: str) -> str:
    return next((letters for letters in LETTER_GROUPS if word.startswith(letters)), word[0])
