"""Looks up the English meaning of general words of organisation names in many languages."""

# ruff: noqa: SIM905  a table of words is easiest to read as text

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from services.screening.core.names.vocabulary import CONCEPTS

SLAVIC_ENDINGS: Final = (
    "yi yy iy ii i y o oye oe aya aia oi oy ogo ykh ikh ye ie yie a ia ya oyi omu oho yim ymi ov"
    " ova evyi sky skyy skyi skii skiy skaya skoe skoye ny nyi nyy nii niy naya noe noye nykh nogo"
    " no sko"
).split()
"""Endings of Russian and Ukrainian words. A stem (with a star) of the vocabulary stands for all of
them.
"""
PERSIAN_LINKS: Final = ("haye", "ye", "ha", "e", "i")
"""Endings that join a Persian word to the next, or make it plural or an adjective."""
MIN_STEM: Final = 4
SAME_VOWELS: Final = (
    ("oo", "u"), ("ou", "u"), ("ee", "i"), ("aa", "a"), ("iy", "y"), ("yy", "y"), ("ii", "i"),
    ("yi", "y"),
)  # fmt: skip
"""Spellings of one sound, and the one that replaces them."""
REPEATED: Final = re.compile(r"(.)\1+")


@lru_cache(maxsize=65_536)
def english_meaning(word: str) -> str | None:
    """Returns the English meaning of a normalised word, or None if it is not general vocabulary."""
    if found := MEANINGS.get(word):
        return found
    spelling = _unified_spelling(word)
    if found := MEANINGS.get(spelling):
        return found
    for ending in ENDINGS:
        if (
            len(spelling) - len(ending) > 2
            and spelling.endswith(ending)
            and (found := STEMS.get(spelling[: -len(ending)]))
        ):
            return found
    if found := STEMS.get(spelling):
        return found
    for link in PERSIAN_LINKS:
        stem = word[: -len(link)]
        if (
            word.endswith(link)
            and len(stem) >= MIN_STEM
            and (found := MEANINGS.get(_unified_spelling(stem)))
        ):
            return found
    return None


def _unified_spelling(word: str) -> str:
    """Returns a word with one spelling for each sound: shomaal is shomal, choob is chub."""
    for written, sound in SAME_VOWELS:
        if written in word:
            word = word.replace(written, sound)
    return REPEATED.sub(r"\1", word).removesuffix("h")


def _tables() -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Returns the meanings of words and of stems. An English word is kept as it is, too."""
    words: dict[str, str] = {}
    stems: dict[str, str] = {}
    for line in CONCEPTS:
        meaning, *others = line.split()
        words[meaning] = words[_unified_spelling(meaning)] = meaning
        for word in others:
            if word.endswith("*"):
                stems.setdefault(_unified_spelling(word[:-1]), meaning)
            else:
                words.setdefault(_unified_spelling(word), meaning)
    return words, stems


MEANINGS, STEMS = _tables()
ENDINGS: Final = sorted(
    {_unified_spelling(ending) for ending in SLAVIC_ENDINGS}, key=len, reverse=True
)
