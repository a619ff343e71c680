"""Sees through tricks of writing.

Letters that cannot be seen, that imitate others, that stand apart or are piled up.

Each trick is flagged. What honest people write is left alone: joiners in Persian, accents,
full-width letters, names of two scripts.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from itertools import groupby
from typing import Final

import icu

from services.screening.core.model import Flag

SPOOF: Final = icu.SpoofChecker()
INVISIBLE: Final = frozenset({"Cf", "Cc", "Co", "Cn", "Cs"})
INVISIBLE_LETTERS: Final = frozenset(
    "\u115f\u1160\u3164\uffa0\u2800\u17b4\u17b5\u034f\u180b\u180c\u180d\u180e"
)
"""Letters and marks that show nothing, though their category says otherwise."""
SPACES: Final = frozenset("\n\r\t")
JOINERS: Final = frozenset("\u200c\u200d")
# Joiners are part of the spelling beside letters of these ranges only: Hebrew to Arabic, Indic
# scripts, Burmese, Khmer.
JOINED: Final = re.compile(
    "[\u0590-\u08ff\u0900-\u0dff\u0f00-\u109f\u1780-\u17ff\ufb1d-\ufdff\ufe70-\ufefc]"
)
VARIATION: Final = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
STYLED: Final = re.compile("[\u2460-\u24ff\U0001d400-\U0001d7ff\U0001f110-\U0001f189]")
"""Letters as signs: mathematical, circled, squared. Full-width ones are honest."""
IMITATED_SCRIPTS: Final = re.compile(
    "[\u13a0-\u13ff\uab70-\uabbf\ua4d0-\ua4ff\u2c80-\u2cff\U00010280-\U0001049f]"
)
"""Scripts in which hardly anybody writes a name, whose letters look like Latin capitals: Cherokee,
Lisu, Coptic.
"""
LEAST_MARKS: Final = 3
"""Marks piled on Latin letters that no spelling has; a few happen in scholarly texts."""

MARKS: Final = frozenset({"Mn", "Me"})
ALPHABETS: Final = frozenset({"LATIN", "CYRILLIC", "GREEK"})
IMITATORS: Final = frozenset({"CYRILLIC", "GREEK", "ARMENIAN"})
"""Alphabets whose letters stand in for Latin ones."""
LETTERS: Final = re.compile(r"[^\W\d_]+")
TOKEN: Final = re.compile(r"[a-z0-9]+")
LEAST_IMITATION: Final = 3

LOOKALIKES: Final = str.maketrans("вкмнтгєѕԁԛԝɑɡερντκηιυχωοαпиь", "bkmhtresdqwagepvtkniuxwoanub")
"""Small letters that look like Latin ones to people, but not to Unicode's table."""
CYRILLIC_OF: Final = str.maketrans("aeopcyxikmhtbjs", "аеорсухікмнтвјѕ")
CYRILLIC_ONLY: Final = frozenset("бджзйлпфцчшщъыэюяиёЁБГДЖЗИЙЛПФЦЧШЩЪЫЭЮЯ")
"""Cyrillic letters that imitate nothing: a word with one of them is a Cyrillic word."""

LEAST_RUN: Final = 5
"""So many single letters in a row are one word spelled out; fewer may be initials."""
LEAST_SPELLED: Final = 4
"""A name of so many letters, all single, is spelled out."""
WIDE_GAP: Final = re.compile(r"\s{2,}|\s*[,;/|]\s*")

DIGITS: Final = {ord(sign): letter for sign, letter in zip("034578@$€!", "oeastbasei", strict=True)}
DISGUISED: Final = re.compile(r"[\w@$€!|]{3,}")
NUMBERED: Final = re.compile(
    r"[a-z]{1,3}[\d@$€!|]+|\d{1,2}(?:st|nd|rd|th|[a-z])|[^\W\d_]+[!|]+", re.IGNORECASE
)
"""Words with honest digits and signs: YV2970, 21st, 5G, Yahoo!"""


def visible(text: str) -> tuple[str, tuple[Flag, ...]]:
    """Text in compatibility form without what cannot be seen, and flags.

    Hidden, styled or piled-up characters.
    """
    if text.isascii() and text.isprintable():
        return text, ()
    flags = (Flag.HOMOGLYPHS,) if STYLED.search(text) else ()
    text = VARIATION.sub("", unicodedata.normalize("NFKC", text))
    has_joiners = JOINED.search(text) is not None
    kept: list[str] = []
    hidden = False
    for char in text:
        if char in JOINERS and has_joiners:
            continue
        if char in SPACES:
            kept.append(" ")
        elif unicodedata.category(char) in INVISIBLE or char in INVISIBLE_LETTERS:
            hidden = True
        else:
            kept.append(char)
    shown, piled = _unpiled("".join(kept))
    return shown, (
        *flags,
        *((Flag.INVISIBLE_CHARACTERS,) if hidden else ()),
        *((Flag.STACKED_MARKS,) if piled else ()),
    )


def _unpiled(text: str) -> tuple[str, bool]:
    """Text without the marks that are left on Latin, Cyrillic and Greek letters after composition, if many are."""
    loose: set[int] = set()
    base, letters = "", 0
    for at, char in enumerate(text):
        if unicodedata.category(char) in MARKS:
            if base in ALPHABETS:
                loose.add(at)
        else:
            base = alphabet(char)
            letters += base in ALPHABETS
    if len(loose) < LEAST_MARKS or 2 * len(loose) < letters:
        return text, False
    return "".join(char for at, char in enumerate(text) if at not in loose), True


@lru_cache(maxsize=8192)
def alphabet(char: str) -> str:
    """The script of a letter by the first word of its name.

    LATIN, CYRILLIC, ARABIC; of a digit DIGIT.
    """
    return unicodedata.name(char, "?").split()[0]


def unmixed(text: str) -> tuple[str, bool]:
    """Words that mix alphabets, written in the one that they imitate; and whether there was any."""
    mixed = False

    def plain(run: re.Match[str]) -> str:
        nonlocal mixed
        word = run[0]
        alphabets = {alphabet(char) for char in word if not char.isascii()}
        if IMITATED_SCRIPTS.search(word) or (alphabets & IMITATORS and _has_latin(word)):
            mixed = True
            return _unmixed(word)
        return word

    return LETTERS.sub(plain, text), mixed


def _has_latin(word: str) -> bool:
    return any(alphabet(char) == "LATIN" for char in word)


def _unmixed(word: str) -> str:
    cyrillic = sum(char in CYRILLIC_ONLY for char in word)
    latin = sum(alphabet(char) == "LATIN" for char in word)
    if cyrillic and cyrillic >= latin:
        return word.casefold().translate(CYRILLIC_OF)
    return "".join(lookalike(char) or char for char in word)


@lru_cache(maxsize=8192)
def lookalike(char: str) -> str | None:
    """The small Latin letter that a letter of another alphabet looks like, if any."""
    if alphabet(char) == "LATIN":
        return char
    if (similar := char.translate(LOOKALIKES)) != char:
        return similar
    shape = str(SPOOF.getSkeleton(0, char))
    if len(shape) != 1 or not shape.isascii() or not shape.isalpha():
        return None
    # The table has one shape for a capital i and a small l.
    is_i = shape == "l" and re.search(r"\bI\b|IOTA|PALOCHKA", unicodedata.name(char, ""))
    return "i" if is_i else shape.lower()


def as_latin(text: str) -> str | None:
    """Text whose words of look-alike letters alone are written in Latin ones; None when there is no such word.

    Honest Russian words consist of such letters too, Moscow for one: this is another reading, not the reading.
    """

    def imitated(run: re.Match[str]) -> str:
        word = run[0]
        if len(word) < LEAST_IMITATION or not {alphabet(char) for char in word} <= IMITATORS:
            return word
        letters = [lookalike(char) for char in word]
        return word if None in letters else "".join(letter for letter in letters if letter)

    read = LETTERS.sub(imitated, text)
    return None if read == text else read


def closed_up(text: str) -> tuple[str, bool]:
    """Folded text whose words are spelled out in single letters with the letters put together again.

    "h u a w e i   t e c h" is "huawei tech": wide gaps part words. Without any, all letters are one word.
    """
    tokens = TOKEN.findall(text)
    spelled = len(tokens) >= LEAST_SPELLED and all(
        len(token) == 1 and token.isalpha() for token in tokens
    )
    if spelled:
        chunks = [TOKEN.findall(chunk) for chunk in WIDE_GAP.split(text)]
        is_gapped = any(len(chunk) > 1 for chunk in chunks)
        tokens = ["".join(chunk) for chunk in chunks if chunk] if is_gapped else ["".join(tokens)]
    closed: list[str] = []
    found = spelled
    for is_letter, run in groupby(tokens, key=lambda token: len(token) == 1 and token.isalpha()):
        letters = list(run)
        if is_letter and len(letters) >= LEAST_RUN:
            letters, found = ["".join(letters)], True
        closed.extend(letters)
    return (" ".join(closed), True) if found else (text, False)


def letters_for_digits(text: str) -> Iterable[str]:
    """Readings of text in which digits and signs within words stand for letters.

    Put1n, 4bdul, A$$ad.

    A 1 is read as i, and as l. Nothing when no word looks so; numbers, models and ordinals are left
    alone.
    """
    for one in "il":
        digits = {**DIGITS, ord("1"): one, ord("|"): one}
        read = DISGUISED.sub(lambda word, digits=digits: _undigited(word[0], digits), text)  # type: ignore[misc]  # bound now
        if read != text:
            yield read


def _undigited(word: str, digits: dict[int, str]) -> str:
    if not any(char.isalpha() for char in word) or NUMBERED.fullmatch(word):
        return word
    read = word.translate(digits)
    return read if read.isalpha() else word
