"""Normalises a written name into comparable forms: Latin words, keys, skeletons, flags.

Uses knowledge of writing systems and stop words. Knows no list, party or score. Every function is
pure.
"""

# ruff: noqa: RUF001  names contain apostrophes of many kinds

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Final

from rigour.names import remove_org_types

from services.screening.core.model import Flag
from services.screening.core.names.obfuscation import (
    join_spaced_letters,
    resolve_mixed_scripts,
    script_of,
    without_hidden_characters,
)
from services.screening.core.names.scripts import transliterate
from services.screening.core.names.stop_words import (
    GENERIC,
    HONORIFICS,
    LEGAL_FORMS,
    LEGAL_PHRASES,
    PARTICLES,
)

LAST_LATIN_MARK: Final = 0x36F
"""The last code point of the marks that combine with Latin letters."""
CONSONANTAL: Final = re.compile(r"[\u0590-\u05ff\u0600-\u06ff\u0750-\u077f]")
"""Letters of scripts that omit short vowels: Hebrew, Arabic."""
PERSIAN_VOWEL_HEH: Final = re.compile("\u0647\u200c\u0627\u06cc")
"""A heh that is a vowel before a joined -i. It is as often written ei."""
SYLLABIC: Final = re.compile(r"[\u1000-\u109f\u1100-\u11ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
CJK: Final = re.compile(r"[\u1100-\u11ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
APOSTROPHES: Final = re.compile(r"['’‘`´ʹʼʻʿʾ‛′ˈ\"“”]")
DOTTED_INITIALS: Final = re.compile(r"(?<=\b\w)\.(?=\w\b)")
SEPARATORS: Final = re.compile(r"[^a-z0-9]+")
ROMAN_TWO: Final = "ii"
GUARDED_TWO: Final = "ii_"
"""The library that removes legal forms takes a roman two for one. In this form it does not."""

SERVANT_OF: Final = re.compile(r"^abd(?:[aeiou](?:l(?!lah?$)|([rnszdt])(?=\1)))?(\w{3,})?$")
OF_GOD: Final = re.compile(r"^(\w{3,}?)[aeiou]l+ah$")
OF_FAITH: Final = re.compile(r"^(\w{2,}?)[aeiou]l?d+[iy]ne?$")
SERVANTS_OF_GOD: Final = frozenset(
    {"abdullah", "abdallah", "abdulla", "abdalla", "abdollah", "abdellah"}
)
MIN_ABBREVIATION: Final = 3
"""This many single letters in a row are an abbreviation, not initials."""

SOUNDS: Final = (
    ("sch", "s"), ("tch", "j"), ("tsch", "j"), ("dzh", "j"), ("kh", "k"), ("gh", "k"), ("ch", "j"),
    ("sh", "s"), ("zh", "j"), ("th", "t"), ("dh", "t"), ("ph", "f"), ("ts", "s"), ("tz", "s"),
    ("dj", "j"), ("dz", "s"), ("ck", "k"), ("x", "ks"), ("q", "k"), ("c", "k"), ("g", "k"),
    ("z", "s"), ("d", "t"), ("b", "p"), ("v", "f"),
)  # fmt: skip
"""Spellings of consonants and the sound that replaces them, in this order."""
SILENT: Final = re.compile(r"[aeiouhwy]")
REPEATED: Final = re.compile(r"(.)\1+")


@dataclass(frozen=True, slots=True)
class NormalisedName:
    """A name in comparable form.

    cleaned: as written, without obfuscation; `flags` says which was found. key: its words in
    lower-case Latin letters and digits, one space apart. is_non_latin: some letters were in another
    script. is_unvowelled: the script omits vowels. is_syllabic: many syllables of the script sound
    alike (Chinese, Japanese, Korean, Burmese).
    """

    cleaned: str
    key: str
    words: tuple[str, ...]
    flags: tuple[Flag, ...]
    is_non_latin: bool
    is_unvowelled: bool = False
    is_syllabic: bool = False

    @property
    def has_cjk(self) -> bool:
        """Whether the name contains Chinese, Japanese or Korean characters."""
        return bool(CJK.search(self.cleaned))

    @property
    def sorted_key(self) -> str:
        """The words in alphabetical order: equal for every order of a person's names."""
        return " ".join(sorted(self.words))

    @property
    def joined(self) -> str:
        """The words without spaces: equal for every division into words."""
        return "".join(self.words)


def normalise(text: str, *, by_meaning: bool = True) -> NormalisedName:
    """Returns the comparable form of a name in any script. Normalising a key changes nothing.

    Removes compatibility forms, accents, case, punctuation and invisible characters. Replaces
    letters that imitate Latin ones, joins letters that are spaced out, and transliterates other
    scripts. Business words of Chinese, Arabic and Persian are translated; by_meaning=False
    transliterates the last two instead.
    """
    shown, flags = without_hidden_characters(PERSIAN_VOWEL_HEH.sub("\u0626\u06cc", text))
    non_latin = False
    if not shown.isascii():
        shown, is_mixed = resolve_mixed_scripts(shown)
        flags = (*flags, Flag.MIXED_SCRIPT) if is_mixed else flags
        non_latin = is_non_latin(shown)
    lowered = shown.casefold()
    latin = lowered if lowered.isascii() else transliterate(lowered, by_meaning=by_meaning)
    latin = DOTTED_INITIALS.sub("", APOSTROPHES.sub("", latin.replace("&", " and ")))
    joined, is_spaced = join_spaced_letters(latin)
    words = tuple(SEPARATORS.sub(" ", joined).split())
    flags = (*flags, Flag.SPACED_LETTERS) if is_spaced else flags
    return NormalisedName(
        shown,
        " ".join(words),
        words,
        flags,
        non_latin,
        bool(CONSONANTAL.search(shown)),
        bool(SYLLABIC.search(shown)),
    )


def is_non_latin(text: str) -> bool:
    """Returns whether a text contains letters of another script than Latin."""
    return not text.isascii() and any(
        ord(char) > LAST_LATIN_MARK and char.isalpha() and script_of(char) != "LATIN"
        for char in text
    )


def without_legal_forms(words: tuple[str, ...]) -> tuple[str, ...]:
    """Returns the words that are not part of a legal form."""
    guarded = " ".join(GUARDED_TWO if word == ROMAN_TWO else word for word in words)
    kept = remove_org_types(LEGAL_PHRASES.sub(" ", guarded), replacement=" ").split()
    return tuple(
        ROMAN_TWO if word == GUARDED_TWO else word for word in kept if word not in LEGAL_FORMS
    )


def core_words(words: tuple[str, ...], *, is_person: bool) -> tuple[str, ...]:
    """Returns the words by which a name is compared.

    Arabic compounds are split, because they are written in one word or several at will: Abdelkader
    is Abd al-Kader, Nurullah is Nur Allah, Noureddine is Nour ad-Din. In names that are not a
    person's, legal forms are removed and three or more single letters in a row are joined: N P C is
    NPC. Persons are called Saad and Sal, so nothing is removed from their names.
    """
    kept = words if is_person else without_legal_forms(_join_abbreviations(words)) or words
    return tuple(part for word in kept for part in _split_compound(word))


def other_pronunciation(word: str) -> str:
    """Returns the other sound of a transliterated Arabic or Hebrew word, or the word itself.

    Arabic has letters that Persians, Afghans and Pakistanis pronounce differently: Dhakir is Zakir,
    Thana is Sana. A final ya without dots is an a. In Hebrew b is also v, p is also f, and a double
    vav is v.
    """
    other = (
        word.replace("dh", "z")
        .replace("th", "s")
        .replace("bb", "v")
        .replace("pp", "f")
        .replace("ww", "v")
    )
    return f"{other[:-1]}a" if other.endswith("e") else other


def is_stop_word(word: str) -> bool:
    """Returns whether a word is too common to carry a match.

    Such words are legal forms, generic words, particles and titles.
    """
    return word in LEGAL_FORMS or word in GENERIC or word in PARTICLES or word in HONORIFICS


@lru_cache(maxsize=65_536)
def phonetic_skeleton(word: str) -> str:
    """Returns the consonant sounds of a normalised word.

    They survive transliteration into another script and back.
    """
    for written, sound in SOUNDS:
        if written in word:
            word = word.replace(written, sound)
    return REPEATED.sub(r"\1", SILENT.sub("", word))


def trigrams(text: str) -> frozenset[str]:
    """Returns the trigrams of a text with its start and end marked.

    A text of one letter is one trigram.
    """
    marked = f"^{text}$"
    return frozenset(marked[start : start + 3] for start in range(max(len(marked) - 2, 1)))


@lru_cache(maxsize=65_536)
def _split_compound(word: str) -> tuple[str, ...]:
    if word in SERVANTS_OF_GOD:
        return ("abd", "allah")
    servant = SERVANT_OF.match(word)
    if servant and (servant[2] is None or len(word) > len(servant[2]) + 3):
        return ("abd", *_split_compound(servant[2])) if servant[2] else ("abd",)
    if of_god := OF_GOD.match(word):
        return (of_god[1], "allah")
    return (of_faith[1], "din") if (of_faith := OF_FAITH.match(word)) else (word,)


def _join_abbreviations(words: tuple[str, ...]) -> tuple[str, ...]:
    if sum(len(word) == 1 for word in words) < MIN_ABBREVIATION:
        return words
    joined: list[str] = []
    for is_letter, run in groupby(words, lambda word: len(word) == 1 and word.isalpha()):
        letters = tuple(run)
        if is_letter and len(letters) >= MIN_ABBREVIATION:
            letters = ("".join(letters),)
        joined += letters
    return tuple(joined)
