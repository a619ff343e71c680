"""Translates names of organisations.

General words become English; distinctive words stay as they sound. Lists publish translations of
names, transliterations, and mixtures of both, so two names of one firm may share no word.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from services.screening.core.names.normalisation import (
    CONSONANTAL,
    NormalisedName,
    core_words,
    normalise,
)
from services.screening.core.names.numerals import chinese_numbers_as_digits, numbers_as_digits
from services.screening.core.names.script_vocabulary import ARABIC_CONCEPTS, CHINESE_CONCEPTS
from services.screening.core.names.scripts import simplified_chinese
from services.screening.core.names.stop_words import FUNCTION_WORDS, LEGAL_FORMS
from services.screening.core.names.word_meaning import english_meaning

CHINESE: Final = re.compile("[\u3400-\u9fff\uf900-\ufaff]")
UNIFIED_LETTERS: Final = str.maketrans("أإآٱىیکگئ", "ااااييكگي")
VOWEL_MARKS: Final = re.compile("[\u0640\u064b-\u065f\u0670]")
ARABIC_PREFIXES: Final = ("وال", "بال", "لل", "ال", "ب", "و", "ل")
MIN_ARABIC_WORD: Final = 3
PLACE_ADJECTIVE: Final = re.compile(
    r"^(\w{4,}?)(?:sk(?:iy|ii|yi|yy|y|oye|oe|aya|aia|ogo|oi|oy)|skikh|skykh)$"
)
"""A Russian adjective that is derived from a place: Muromskiy from Murom."""


@dataclass(frozen=True, slots=True)
class TranslatedName:
    """A name by the meaning of its words.

    words: the English meaning of general words, the normalised word for others. written: what was
    written for each.
    """

    words: tuple[str, ...]
    written: tuple[str, ...]


def translate_words(words: Sequence[str]) -> TranslatedName:
    """Returns the meaning of normalised Latin words, without function words and legal forms."""
    return _without_function_words(
        (english_meaning(word) or _place_of_adjective(word), written)
        for word, written in numbers_as_digits(words)
    )


def translate_name(name: NormalisedName) -> TranslatedName:
    """Returns the meaning of a name in any script.

    General words of Chinese, Arabic and Persian are looked up in their own letters, before
    transliteration.
    """
    if CHINESE.search(name.cleaned):
        return _without_function_words(
            _chinese_meanings(chinese_numbers_as_digits(simplified_chinese(name.cleaned)))
        )
    if CONSONANTAL.search(name.cleaned):
        return _without_function_words(_arabic_meanings(name.cleaned))
    return translate_words(core_words(name.words, is_person=False))


def _without_function_words(pairs: Iterator[tuple[str, str]]) -> TranslatedName:
    kept = [
        (meaning, word)
        for meaning, word in pairs
        if meaning not in FUNCTION_WORDS and meaning not in LEGAL_FORMS
    ]
    return TranslatedName(tuple(meaning for meaning, _ in kept), tuple(word for _, word in kept))


def _place_of_adjective(word: str) -> str:
    """Returns a word without the ending that makes a place an adjective."""
    found = PLACE_ADJECTIVE.match(word) if "sk" in word else None
    return found[1] if found else word


def _arabic_meanings(text: str) -> Iterator[tuple[str, str]]:
    for word in text.split():
        if meaning := _arabic_meaning(VOWEL_MARKS.sub("", word).translate(UNIFIED_LETTERS)):
            yield meaning, word
        else:
            yield from ((english_meaning(part) or part, part) for part in normalise(word).words)


def _arabic_meaning(word: str) -> str | None:
    if found := ARABIC_WORDS.get(word):
        return found
    for prefix in ARABIC_PREFIXES:
        rest = word.removeprefix(prefix)
        if rest != word and len(rest) >= MIN_ARABIC_WORD and (found := ARABIC_WORDS.get(rest)):
            return found
    return None


def _chinese_meanings(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    for found in CHINESE_WORD.finditer(text):
        yield from _syllables(text[at : found.start()])
        for meaning in CHINESE_WORDS[found[0]].split("-"):
            yield meaning, found[0]
        at = found.end()
    yield from _syllables(text[at:])


def _syllables(text: str) -> Iterator[tuple[str, str]]:
    """Yields the syllables of characters that no table contains."""
    for word in normalise(CHINESE.sub(r" \g<0> ", text)).words:
        yield english_meaning(word) or word, word


def _meaning_by_word(table: Sequence[str]) -> Mapping[str, str]:
    lines = (line.split() for line in table)
    return {
        word: english_meaning(meaning) or meaning for meaning, *words in lines for word in words
    }


ARABIC_WORDS: Final = {
    VOWEL_MARKS.sub("", word).translate(UNIFIED_LETTERS): meaning
    for word, meaning in _meaning_by_word(ARABIC_CONCEPTS).items()
}
CHINESE_WORDS: Final = _meaning_by_word(CHINESE_CONCEPTS)
CHINESE_WORD: Final = re.compile("|".join(sorted(CHINESE_WORDS, key=len, reverse=True)))
