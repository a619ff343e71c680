"""Reads the numbers in names: 3, 3rd, No. 3, III, three, Third, Forty-Four, 第三.

All words are normalised. To add a number word of a language, append it to the line of its value.
"""

# ruff: noqa: RUF001, SIM905  digits in their own scripts; a table of words is easiest to read as text

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from services.screening.core.names.stop_words import LEGAL_FORMS

UNITS: Final[Mapping[str, int]] = {
    word: value
    for value, words in enumerate(
        (
            "zero",
            "one first 1st erste premiere primero primera birinci pervyi pervaya pervoe",
            "two second zweite deuxieme segundo segunda ikinci vtoroi vtoraya vtoroe dovvom",
            "three third dritte troisieme tercero tercera ucuncu tretii tretiy tretya sevvom",
            "four fourth vierte quatrieme cuarto cuarta dorduncu chetvertyi chaharom",
            "five fifth funfte cinquieme quinto quinta besinci pyatyi panjom",
            "six sixth sechste sixieme sexto sexta altinci shestoi sheshom",
            "seven seventh siebte septieme septimo septima yedinci sedmoi haftom haft",
            "eight eighth achte huitieme octavo octava sekizinci vosmoi hashtom hasht",
            "nine ninth neunte neuvieme noveno novena dokuzuncu devyatyi nohom",
            "ten tenth",
            "eleven eleventh",
            "twelve twelfth",
            "thirteen thirteenth",
            "fourteen fourteenth",
            "fifteen fifteenth panzdah",
            "sixteen sixteenth",
            "seventeen seventeenth",
            "eighteen eighteenth",
            "nineteen nineteenth",
        )
    )
    for word in words.split()
}
TENS: Final[Mapping[str, int]] = {
    word: 10 * value
    for value, words in enumerate(
        (
            "twenty twentieth",
            "thirty thirtieth",
            "forty fourty fortieth",
            "fifty fiftieth",
            "sixty sixtieth",
            "seventy seventieth",
            "eighty eightieth",
            "ninety ninetieth",
        ),
        start=2,
    )
    for word in words.split()
}
HUNDRED: Final = "hundred"
ROMAN: Final[Mapping[str, int]] = {
    numeral: value
    for value, numeral in enumerate(
        "ii iii iv v vi vii viii ix x xi xii xiii xiv xv xvi xvii xviii xix xx".split(), start=2
    )
}
ROMAN_OR_WORD: Final[Mapping[str, int]] = {"i": 1, "v": 5, "x": 10, "vi": 6, "xi": 11}
"""Roman numerals that are also words, initials or names. They are numbers only at the end of a name
of several words.
"""
NUMBER_WORDS: Final = frozenset({*UNITS, *TENS, *ROMAN, "i"})
DIGITS: Final = re.compile(r"\d+")
ORDINAL: Final = re.compile(r"(\d+)(?:st|nd|rd|th|er|ya|yi|y|ii)?")
CHINESE_DIGITS: Final = "〇一二三四五六七八九"
CHINESE_NUMBER: Final = re.compile(
    "(?<=第)[〇零一二三四五六七八九十百]+|[〇零一二三四五六七八九]{3,}"
)


def numbers_as_digits(words: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Returns the words of a name with numbers in digits, each with what was written.

    "Forty four" is ("44", "forty four").
    """
    if not any(word in NUMBER_WORDS or word[0].isdigit() for word in words):
        return tuple((word, word) for word in words)
    return tuple(_with_digits(words))


def numbers_in(words: Sequence[str]) -> Counter[str]:
    """Returns the numbers in a name without leading zeros.

    They tell one plant, institute or fund from another.
    """
    return Counter(
        run.lstrip("0") or "0"
        for word, _ in numbers_as_digits(words)
        for run in DIGITS.findall(word)
    )


def _with_digits(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(words):
        value, after = _number(words, at)
        yield value, " ".join(words[at:after])
        at = after


def _number(words: Sequence[str], at: int) -> tuple[str, int]:
    """Returns the number that begins at a word, or the word, and the position after it."""
    word, after = words[at], at + 1
    if (value := TENS.get(word)) is not None:
        unit = _unit(words[after]) if after < len(words) else 0
        return str(value + unit), after + bool(unit)
    if (value := UNITS.get(word)) is not None:
        is_hundred = after < len(words) and words[after] == HUNDRED
        return str(value * 100 if is_hundred else value), after + is_hundred
    if word in ROMAN_OR_WORD:
        return (str(ROMAN_OR_WORD[word]) if _ends_name(words, after) else word), after
    if (value := ROMAN.get(word)) is not None:
        return str(value), after
    ordinal = ORDINAL.fullmatch(word)
    return (ordinal[1].lstrip("0") or "0" if ordinal else word), after


def _ends_name(words: Sequence[str], after: int) -> bool:
    """Returns whether the word before `after` ends a name of several words, legal forms aside.

    A word after an initial does not, because it may be an initial itself.
    """
    is_last = all(word in LEGAL_FORMS for word in words[after:])
    return is_last and after > 1 and len(words[after - 2]) > 1


def _unit(word: str) -> int:
    """Returns the value of a word that completes "forty", 1 to 9, else 0."""
    value = int(word) if word.isdigit() and len(word) == 1 else UNITS.get(word, 0)
    return value if value < 10 else 0


def chinese_numbers_as_digits(text: str) -> str:
    """Returns a Chinese text with its numbers in digits: 第七一三研究所 is 第713研究所.

    Numbers are characters after 第, or three or more digits in a row.
    """
    return CHINESE_NUMBER.sub(lambda found: _chinese_value(found[0]), text)


def _chinese_value(characters: str) -> str:
    text = characters.replace("零", "〇")
    if "十" not in text and "百" not in text:
        return "".join(str(CHINESE_DIGITS.index(char)) for char in text)
    total = current = 0
    for char in text:
        if char in "十百":
            total += (current or 1) * (10 if char == "十" else 100)
            current = 0
        else:
            current = CHINESE_DIGITS.index(char)
    return str(total + current)
