"""Turns a written name into the forms that can be compared.

Folded Latin words, keys, sound skeletons, flags.

Knows writing systems. Knows no list, party or score. Every function is pure and gives the same
answer for the same text.
"""

# ruff: noqa: RUF001  apostrophes of many kinds occur in names

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Final

from rigour.names import remove_org_types

from services.screening.core.model import Flag
from services.screening.core.names.obfuscation import alphabet, closed_up, unmixed, visible
from services.screening.core.names.scripts import transliterate
from services.screening.core.names.words import (
    GENERIC,
    HONORIFICS,
    LEGAL_FORMS,
    LEGAL_PHRASES,
    PARTICLES,
)

LAST_MARK: Final = 0x36F
"""The last of the marks that follow the Latin letters."""

CONSONANTAL: Final = re.compile(r"[\u0590-\u05ff\u0600-\u06ff\u0750-\u077f]")
"""Letters of scripts that leave short vowels out: Hebrew, Arabic."""
PERSIAN_EI: Final = re.compile("\u0647\u200c\u0627\u06cc")
"""A heh that is a vowel before a joined -i, written ei as often."""
SYLLABIC: Final = re.compile(r"[\u1000-\u109f\u1100-\u11ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
CHARACTERS: Final = re.compile(r"[\u1100-\u11ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
"""Chinese, Japanese and Korean ones."""
APOSTROPHES: Final = re.compile(r"['’‘`´ʹʼʻʿʾ‛′ˈ\"“”]")
DOTTED_INITIALS: Final = re.compile(r"(?<=\b\w)\.(?=\w\b)")
SECOND: Final = "ii"
GUARDED: Final = "ii_"
"""rigour takes a two for a legal form; so written it does not."""
SEPARATORS: Final = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class NormalisedName:
    """A name made comparable. key: its words, lower case Latin letters and digits, one space apart.

    is_foreign: written in another script, at least partly. is_unvowelled: in one that leaves vowels
    out; is_syllabic: in one whose syllables are heard alike in many words (Chinese, Japanese,
    Korean, Burmese). raw: as it was written, but for tricks of writing, which flags tell of.
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
        """Whether Chinese, Japanese or Korean characters are in it."""
        return bool(CHARACTERS.search(self.cleaned))

    @property
    def sorted_key(self) -> str:
        """The words in alphabetical order: equal for two orders of one person's names."""
        return " ".join(sorted(self.words))

    @property
    def joined(self) -> str:
        """The words without spaces, for names that differ in where words are divided."""
        return "".join(self.words)


def normalise(text: str, *, by_meaning: bool = True) -> NormalisedName:
    """The comparable form of a name in any script. Folding a key again changes nothing.

    Compatibility forms, accents, case, punctuation and invisible characters go; letters that
    imitate Latin ones are read as those; letters written apart are put together; other scripts are
    written in Latin letters; business words of Chinese, Arabic and Persian are given by their
    meaning, the latter two by_meaning only.
    """
    shown, flags = visible(PERSIAN_EI.sub("\u0626\u06cc", text))
    foreign = False
    if not shown.isascii():
        shown, mixed = unmixed(shown)
        flags = (*flags, Flag.MIXED_SCRIPT) if mixed else flags
        foreign = is_non_latin(shown)
    lowered = shown.casefold()
    plain = lowered if lowered.isascii() else transliterate(lowered, by_meaning=by_meaning)
    plain = DOTTED_INITIALS.sub("", APOSTROPHES.sub("", plain.replace("&", " and ")))
    closed, spaced = closed_up(plain)
    words = tuple(SEPARATORS.sub(" ", closed).split())
    flags = (*flags, Flag.SPACED_LETTERS) if spaced else flags
    return NormalisedName(
        shown,
        " ".join(words),
        words,
        flags,
        foreign,
        bool(CONSONANTAL.search(shown)),
        bool(SYLLABIC.search(shown)),
    )


def is_non_latin(text: str) -> bool:
    """Whether letters of another script than Latin are in it."""
    return not text.isascii() and any(
        ord(char) > LAST_MARK and char.isalpha() and not _is_latin(char) for char in text
    )


def _is_latin(char: str) -> bool:
    return alphabet(char) == "LATIN"


def without_legal_forms(words: tuple[str, ...]) -> tuple[str, ...]:
    """The words that are not part of a legal form."""
    guarded = " ".join(GUARDED if word == SECOND else word for word in words)
    stripped = remove_org_types(LEGAL_PHRASES.sub(" ", guarded), replacement=" ").split()
    return tuple(
        SECOND if word == GUARDED else word for word in stripped if word not in LEGAL_FORMS
    )


SERVANT: Final = re.compile(r"^abd(?:[aeiou](?:l(?!lah?$)|([rnszdt])(?=\1)))?(\w{3,})?$")
OF_GOD: Final = re.compile(r"^(\w{3,}?)[aeiou]l+ah$")
OF_FAITH: Final = re.compile(r"^(\w{2,}?)[aeiou]l?d+[iy]ne?$")
LETTERS: Final = 3
"""So many single letters after each other are no initials of an unknown party."""
SERVANTS_OF_GOD: Final = frozenset(
    {"abdullah", "abdallah", "abdulla", "abdalla", "abdollah", "abdellah"}
)


@lru_cache(maxsize=65_536)
def _apart(word: str) -> tuple[str, ...]:
    if word in SERVANTS_OF_GOD:
        return ("abd", "allah")
    if (servant := SERVANT.match(word)) and (servant[2] is None or len(word) > len(servant[2]) + 3):
        return ("abd", *_apart(servant[2])) if servant[2] else ("abd",)
    if of_god := OF_GOD.match(word):
        return (of_god[1], "allah")
    return (of_faith[1], "din") if (of_faith := OF_FAITH.match(word)) else (word,)


def _abbreviated(words: tuple[str, ...]) -> tuple[str, ...]:
    """The words, those runs of single letters as one that are too many for initials."""
    if sum(len(word) == 1 for word in words) < LETTERS:
        return words
    runs = [
        (is_letter, tuple(run))
        for is_letter, run in groupby(words, lambda word: len(word) == 1 and word.isalpha())
    ]
    return tuple(
        word
        for is_letter, run in runs
        for word in (("".join(run),) if is_letter and len(run) >= LETTERS else run)
    )


def core_words(words: tuple[str, ...], *, is_person: bool) -> tuple[str, ...]:
    """The words that two names are compared by.

    Compounds apart, and but for a person without legal forms.

    Arabic names of several words are written as one or as several at will: Abdelkader is Abd
    al-Kader, Nurullah is Nur Allah, Noureddine is Nour ad-Din. Persons are called Saad and Sal: in
    their names these are no legal forms. Three and more letters that stand alone are an
    abbreviation written apart, but in a person's name: N P C is NPC.
    """
    kept = words if is_person else without_legal_forms(_abbreviated(words)) or words
    return tuple(part for word in kept for part in _apart(word))


def other_pronunciation(word: str) -> str:
    """The other sound of a word of letters that have two.

    Arabic: as Persians, Afghans and Pakistanis say it, Dhakir is Zakir, Thana is Sana; a last ya
    without dots is an a. Hebrew: b is v, p is f, a double vav is a v.
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
    """Whether a word cannot carry a match: a legal form, a generic word, a particle or a title."""
    return word in LEGAL_FORMS or word in GENERIC or word in PARTICLES or word in HONORIFICS


SOUNDS: Final = (
    ("sch", "s"), ("tch", "j"), ("tsch", "j"), ("dzh", "j"), ("kh", "k"), ("gh", "k"), ("ch", "j"), ("sh", "s"),
    ("zh", "j"), ("th", "t"), ("dh", "t"), ("ph", "f"), ("ts", "s"), ("tz", "s"), ("dj", "j"), ("dz", "s"),
    ("ck", "k"), ("x", "ks"), ("q", "k"), ("c", "k"), ("g", "k"), ("z", "s"), ("d", "t"), ("b", "p"), ("v", "f"),
)  # fmt: skip
SILENT: Final = re.compile(r"[aeiouhwy]")
REPEATED: Final = re.compile(r"(.)\1+")


@lru_cache(maxsize=65_536)
def phonetic_skeleton(word: str) -> str:
    """The consonant sounds of a folded word.

    What a name keeps when it is written in another script and back.
    """
    for written, sound in SOUNDS:
        if written in word:
            word = word.replace(written, sound)
    return REPEATED.sub(r"\1", SILENT.sub("", word))


def trigrams(text: str) -> frozenset[str]:
    """Overlapping pieces of three letters of a marked word; a shorter one is its own piece."""
    marked = f"^{text}$"
    return frozenset(marked[start : start + 3] for start in range(max(len(marked) - 2, 1)))
