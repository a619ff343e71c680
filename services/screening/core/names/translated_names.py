"""A name of an organisation as what its words mean.

General words in English, the distinctive ones as they sound.

Lists publish translations of names, sounds of names, and mixtures; two names of one firm can share
no word. Knows the vocabulary. Knows no list and no score.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import icu

from services.screening.core.names.normalisation import (
    CONSONANTAL,
    NormalisedName,
    core_words,
    normalise,
)
from services.screening.core.names.numerals import han_numbers, numbers_as_digits
from services.screening.core.names.vocabulary import english_meaning
from services.screening.core.names.vocabulary_scripts import HAN_CONCEPTS, SCRIPT_CONCEPTS
from services.screening.core.names.words import FUNCTION_WORDS, LEGAL_FORMS

HAN: Final = re.compile("[\u3400-\u9fff\uf900-\ufaff]")
SIMPLIFIED: Final = icu.Transliterator.createInstance("Traditional-Simplified")
ARABIC_FORMS: Final = str.maketrans("أإآٱىیکگئ", "ااااييكگي")
MARKS: Final = re.compile("[\u0640\u064b-\u065f\u0670]")
ARABIC_PREFIXES: Final = ("وال", "بال", "لل", "ال", "ب", "و", "ل")
LEAST_ARABIC: Final = 3
ADJECTIVE: Final = re.compile(
    r"^(\w{4,}?)(?:sk(?:iy|ii|yi|yy|y|oye|oe|aya|aia|ogo|oi|oy)|skikh|skykh)$"
)
"""Russian adjectives of places: Muromskiy is of Murom."""


@dataclass(frozen=True, slots=True)
class TranslatedName:
    """A name by meaning. words: English for general words, the folded word for others; written.

    What stood there.
    """

    words: tuple[str, ...]
    written: tuple[str, ...]


def translate_words(words: Sequence[str]) -> TranslatedName:
    """Folded Latin words by meaning, without joining words and legal forms."""
    return _kept(
        (english_meaning(word) or _root(word), written)
        for word, written in numbers_as_digits(words)
    )


def translate_name(name: NormalisedName) -> TranslatedName:
    """A name in any script by meaning; general words of Chinese, Arabic and Persian are read in their own letters."""
    if HAN.search(name.cleaned):
        return _kept(_from_han(han_numbers(str(SIMPLIFIED.transliterate(name.cleaned)))))
    if CONSONANTAL.search(name.cleaned):
        return _kept(_from_arabic(name.cleaned))
    return translate_words(core_words(name.words, is_person=False))


def _kept(pairs: Iterator[tuple[str, str]]) -> TranslatedName:
    kept = [
        (meaning, word)
        for meaning, word in pairs
        if meaning not in FUNCTION_WORDS and meaning not in LEGAL_FORMS
    ]
    return TranslatedName(tuple(meaning for meaning, _ in kept), tuple(word for _, word in kept))


def _root(word: str) -> str:
    """A word without the ending that makes a place an adjective."""
    found = ADJECTIVE.match(word) if "sk" in word else None
    return found[1] if found else word


def _from_arabic(text: str) -> Iterator[tuple[str, str]]:
    for word in text.split():
        if meaning := _arabic_meaning(MARKS.sub("", word).translate(ARABIC_FORMS)):
            yield meaning, word
        else:
            yield from ((english_meaning(part) or part, part) for part in normalise(word).words)


def _arabic_meaning(word: str) -> str | None:
    if found := SCRIPT_WORDS.get(word):
        return found
    for prefix in ARABIC_PREFIXES:
        rest = word.removeprefix(prefix)
        if rest != word and len(rest) >= LEAST_ARABIC and (found := SCRIPT_WORDS.get(rest)):
            return found
    return None


def _from_han(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    for found in HAN_WORD.finditer(text):
        yield from _sounds(text[at : found.start()])
        for meaning in HAN_WORDS[found[0]].split("-"):
            yield meaning, found[0]
        at = found.end()
    yield from _sounds(text[at:])


def _sounds(text: str) -> Iterator[tuple[str, str]]:
    """What no dictionary has, syllable by syllable."""
    for word in normalise(HAN.sub(r" \g<0> ", text)).words:
        yield english_meaning(word) or word, word


def _by_word(table: Sequence[str]) -> Mapping[str, str]:
    lines = (line.split() for line in table)
    return {
        word: english_meaning(meaning) or meaning for meaning, *words in lines for word in words
    }


SCRIPT_WORDS: Final = {
    MARKS.sub("", word).translate(ARABIC_FORMS): meaning
    for word, meaning in _by_word(SCRIPT_CONCEPTS).items()
}
HAN_WORDS: Final = _by_word(HAN_CONCEPTS)
HAN_WORD: Final = re.compile("|".join(sorted(HAN_WORDS, key=len, reverse=True)))
