"""Undoes the obfuscation of names: hidden, imitating, spaced-out and overlaid letters.

Each kind sets a flag. Ordinary writing is left alone: joiners in Persian, accents, full-width
letters, names in two scripts.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache, partial
from itertools import groupby
from typing import Final

import icu

from services.screening.core.model import Flag

CONFUSABLES: Final = icu.SpoofChecker()
INVISIBLE_CATEGORIES: Final = frozenset({"Cf", "Cc", "Co", "Cn", "Cs"})
INVISIBLE_LETTERS: Final = frozenset(
    "\u115f\u1160\u3164\uffa0\u2800\u17b4\u17b5\u034f\u180b\u180c\u180d\u180e"
)
"""Letters and marks that are invisible, although their category says otherwise."""
WHITESPACE: Final = frozenset("\n\r\t")
JOINERS: Final = frozenset("\u200c\u200d")
# Only beside letters of these ranges do joiners belong to the spelling: Hebrew to Arabic, Indic
# scripts, Burmese, Khmer.
JOINING_SCRIPTS: Final = re.compile(
    "[\u0590-\u08ff\u0900-\u0dff\u0f00-\u109f\u1780-\u17ff\ufb1d-\ufdff\ufe70-\ufefc]"
)
VARIATION_SELECTORS: Final = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
STYLED_LETTERS: Final = re.compile("[\u2460-\u24ff\U0001d400-\U0001d7ff\U0001f110-\U0001f189]")
"""Letters in the form of signs: mathematical, circled, squared. Full-width letters are not
obfuscation.
"""
IMITATED_SCRIPTS: Final = re.compile(
    "[\u13a0-\u13ff\uab70-\uabbf\ua4d0-\ua4ff\u2c80-\u2cff\U00010280-\U0001049f]"
)
"""Scripts that are hardly used for names and look like Latin capitals: Cherokee, Lisu, Coptic."""
MIN_STACKED_MARKS: Final = 3
"""No spelling has this many marks on Latin letters. Scholarly texts have a few."""

MARK_CATEGORIES: Final = frozenset({"Mn", "Me"})
UNMARKED_SCRIPTS: Final = frozenset({"LATIN", "CYRILLIC", "GREEK"})
IMITATING_SCRIPTS: Final = frozenset({"CYRILLIC", "GREEK", "ARMENIAN"})
"""Scripts whose letters replace Latin ones."""
LETTERS: Final = re.compile(r"[^\W\d_]+")
TOKEN: Final = re.compile(r"[a-z0-9]+")
MIN_IMITATION: Final = 3

LOOKALIKES: Final = str.maketrans("вкмнтгєѕԁԛԝɑɡερντκηιυχωοαпиь", "bkmhtresdqwagepvtkniuxwoanub")
"""Small letters that look like Latin ones to people, but not in Unicode's table of confusables."""
CYRILLIC_LOOKALIKES: Final = str.maketrans("aeopcyxikmhtbjs", "аеорсухікмнтвјѕ")
CYRILLIC_ONLY: Final = frozenset("бджзйлпфцчшщъыэюяиёЁБГДЖЗИЙЛПФЦЧШЩЪЫЭЮЯ")
"""Cyrillic letters that look like no Latin one. A word with one of them is a Cyrillic word."""

MIN_RUN: Final = 5
"""This many single letters in a row are one word spelled out. Fewer may be initials."""
MIN_SPELLED_OUT: Final = 4
"""A name of this many letters, all single, is spelled out."""
WIDE_GAP: Final = re.compile(r"\s{2,}|\s*[,;/|]\s*")

LETTER_OF_DIGIT: Final = {
    ord(sign): letter for sign, letter in zip("034578@$€!", "oeastbasei", strict=True)
}
DISGUISED: Final = re.compile(r"[\w@$€!|]{3,}")
GENUINE: Final = re.compile(
    r"[a-z]{1,3}[\d@$€!|]+|\d{1,2}(?:st|nd|rd|th|[a-z])|[^\W\d_]+[!|]+", re.IGNORECASE
)
"""Words that genuinely contain digits and signs: YV2970, 21st, 5G, Yahoo!"""


def without_hidden_characters(text: str) -> tuple[str, tuple[Flag, ...]]:
    """Returns a text in compatibility form (NFKC) without hidden characters, and flags.

    The flags tell of hidden characters, of letters in the form of signs, and of stacked marks,
    which are removed too.
    """
    if text.isascii() and text.isprintable():
        return text, ()
    flags = (Flag.HOMOGLYPHS,) if STYLED_LETTERS.search(text) else ()
    text = VARIATION_SELECTORS.sub("", unicodedata.normalize("NFKC", text))
    has_joiners = JOINING_SCRIPTS.search(text) is not None
    kept: list[str] = []
    has_hidden = False
    for char in text:
        if char in JOINERS and has_joiners:
            continue
        if char in WHITESPACE:
            kept.append(" ")
        elif unicodedata.category(char) in INVISIBLE_CATEGORIES or char in INVISIBLE_LETTERS:
            has_hidden = True
        else:
            kept.append(char)
    shown, has_stacked = _without_stacked_marks("".join(kept))
    return shown, (
        *flags,
        *((Flag.INVISIBLE_CHARACTERS,) if has_hidden else ()),
        *((Flag.STACKED_MARKS,) if has_stacked else ()),
    )


def _without_stacked_marks(text: str) -> tuple[str, bool]:
    """Returns a text without stacked marks, and whether it had any.

    These are marks that remain on Latin, Cyrillic and Greek letters after composition, if there are
    many.
    """
    loose: set[int] = set()
    base, letters = "", 0
    for at, char in enumerate(text):
        if unicodedata.category(char) in MARK_CATEGORIES:
            if base in UNMARKED_SCRIPTS:
                loose.add(at)
        else:
            base = script_of(char)
            letters += base in UNMARKED_SCRIPTS
    if len(loose) < MIN_STACKED_MARKS or 2 * len(loose) < letters:
        return text, False
    return "".join(char for at, char in enumerate(text) if at not in loose), True


@lru_cache(maxsize=8192)
def script_of(char: str) -> str:
    """Returns the script of a letter as the first word of its Unicode name.

    Examples are LATIN, CYRILLIC and ARABIC; of a digit it is DIGIT.
    """
    return unicodedata.name(char, "?").split()[0]


def resolve_mixed_scripts(text: str) -> tuple[str, bool]:
    """Returns a text whose words of mixed scripts are in one script, and whether there were any.

    A word becomes Cyrillic if at least as many of its letters are only Cyrillic as are Latin, else
    Latin.
    """
    is_mixed = False

    def resolve(run: re.Match[str]) -> str:
        nonlocal is_mixed
        word = run[0]
        scripts = {script_of(char) for char in word if not char.isascii()}
        if IMITATED_SCRIPTS.search(word) or (scripts & IMITATING_SCRIPTS and _has_latin(word)):
            is_mixed = True
            return _in_imitated_script(word)
        return word

    return LETTERS.sub(resolve, text), is_mixed


def _has_latin(word: str) -> bool:
    return any(script_of(char) == "LATIN" for char in word)


def _in_imitated_script(word: str) -> str:
    cyrillic = sum(char in CYRILLIC_ONLY for char in word)
    latin = sum(script_of(char) == "LATIN" for char in word)
    if cyrillic and cyrillic >= latin:
        return word.casefold().translate(CYRILLIC_LOOKALIKES)
    return "".join(latin_lookalike(char) or char for char in word)


@lru_cache(maxsize=8192)
def latin_lookalike(char: str) -> str | None:
    """Returns the small Latin letter that a letter of another script looks like, or None."""
    if script_of(char) == "LATIN":
        return char
    if (similar := char.translate(LOOKALIKES)) != char:
        return similar
    shape = str(CONFUSABLES.getSkeleton(0, char))
    if len(shape) != 1 or not shape.isascii() or not shape.isalpha():
        return None
    # The table has one shape for a capital i and a small l.
    is_i = shape == "l" and re.search(r"\bI\b|IOTA|PALOCHKA", unicodedata.name(char, ""))
    return "i" if is_i else shape.lower()


def lookalikes_as_latin(text: str) -> str | None:
    """Returns a text whose words of lookalikes are in Latin letters, or None without such words.

    Such a word consists only of letters that look like Latin ones. Genuine Russian words do too,
    Moscow for one, so the result is one more variant and no correction.
    """

    def imitated(run: re.Match[str]) -> str:
        word = run[0]
        if len(word) < MIN_IMITATION or not {script_of(char) for char in word} <= IMITATING_SCRIPTS:
            return word
        letters = [latin_lookalike(char) for char in word]
        return word if None in letters else "".join(letter for letter in letters if letter)

    latin = LETTERS.sub(imitated, text)
    return None if latin == text else latin


def join_spaced_letters(text: str) -> tuple[str, bool]:
    """Returns a transliterated text with spelled-out words joined, and whether there were any.

    "h u a w e i   t e c h" is "huawei tech": wide gaps divide words. Without wide gaps all letters
    are one word.
    """
    tokens = TOKEN.findall(text)
    is_spelled_out = len(tokens) >= MIN_SPELLED_OUT and all(
        len(token) == 1 and token.isalpha() for token in tokens
    )
    if is_spelled_out:
        chunks = [TOKEN.findall(chunk) for chunk in WIDE_GAP.split(text)]
        is_gapped = any(len(chunk) > 1 for chunk in chunks)
        tokens = ["".join(chunk) for chunk in chunks if chunk] if is_gapped else ["".join(tokens)]
    joined: list[str] = []
    has_joined = is_spelled_out
    for is_letter, run in groupby(tokens, key=lambda token: len(token) == 1 and token.isalpha()):
        letters = list(run)
        if is_letter and len(letters) >= MIN_RUN:
            letters, has_joined = ["".join(letters)], True
        joined.extend(letters)
    return (" ".join(joined), True) if has_joined else (text, False)


def digits_as_letters(text: str) -> Iterable[str]:
    """Yields variants of a text with letters for the digits and signs inside words.

    Examples are Put1n, 4bdul and A$$ad. A 1 is read as i and as l. Numbers, model names and
    ordinals are left alone.
    """
    for one in "il":
        digits = {**LETTER_OF_DIGIT, ord("1"): one, ord("|"): one}
        letters = DISGUISED.sub(partial(_word_with_letters, digits), text)
        if letters != text:
            yield letters


def _word_with_letters(digits: Mapping[int, str], found: re.Match[str]) -> str:
    word = found[0]
    if not any(char.isalpha() for char in word) or GENUINE.fullmatch(word):
        return word
    letters = word.translate(digits)
    return letters if letters.isalpha() else word
