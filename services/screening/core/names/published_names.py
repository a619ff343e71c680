"""The names by which a listed party is compared: published names and what derives from them."""

# ruff: noqa: SIM905, RUF001  a table of words is easiest to read as text; names contain full-width brackets

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from services.screening.core.model import Entry
from services.screening.core.names.given_names import GIVEN_NAME_GROUPS
from services.screening.core.names.normalisation import CONSONANTAL, normalise
from services.screening.core.names.vowels import VowelLexicon

LATIN_LETTER: Final = re.compile("[A-Za-z]")
BRACKETED: Final = re.compile(r"\s*[(\[（]([^()\[\]（）]{2,})[)\]）]\s*")
PATRONYMIC: Final = re.compile(
    r"(\w{3,}?)(?:[oe]vich|[oe]vych|[oe]vna|[oe]vitch|yevich|yevna|ivna|inichna)$", re.IGNORECASE
)
"""A Slavic patronymic. The group is the father's name."""
ALSO_KNOWN_AS: Final = re.compile(
    r"\s*[,;(]?\s*\b(?:a\.?\s?k\.?\s?a\.?|f\.?\s?k\.?\s?a\.?|d\.?\s?b\.?\s?a\.?)\b[:.,]?\s*",
    re.IGNORECASE,
)
MAX_BRACKETED_NAME: Final = 60
"""Longer text in brackets is a remark."""
NOT_NAMES: Final = frozenset(
    """
    UK US USA UAE PRC HK CHINA IRAN RUSSIA INDIA DUBAI HONG KONG SINGAPORE CYPRUS MALAYSIA TURKEY
    LEBANON SYRIA PANAMA THAILAND GERMANY AFRICA ASIA EUROPE SHANGHAI BEIJING SHENZHEN LLC LTD FZE
    FZC FZCO INC CO PVT PTE PJSC OAO JSC M.E. ME INTERNATIONAL PRIVATE HOLDINGS OVERSEAS GROUP
    """.split()
) | {"HONG KONG", "MIDDLE EAST", "SAUDI ARABIA"}
"""Text in brackets that is no name of the party: countries, places, legal forms. In capital
letters.
"""


@dataclass(frozen=True, slots=True)
class ListedName:
    """A name of a listed party.

    entry: the position of the party's entry in the index. text: the name that is compared.
    published: the name as published, of which `text` may be a part.
    """

    entry: int
    text: str
    published: str

    @property
    def is_whole(self) -> bool:
        """Whether the whole published name is compared."""
        return self.text == self.published


def listed_names(entries: Sequence[Entry]) -> Iterable[ListedName]:
    """Yields each published name and the names inside it.

    "Academy (AASP)" is also "Academy" and "AASP". If all names of a party are unvowelled, its names
    with likely vowels follow at the end.
    """
    for position, entry in enumerate(entries):
        for text in entry.names:
            yield ListedName(position, text, text)
            for part, _ in embedded_names(text):
                yield ListedName(position, part, text)
            if without := _without_patronymic(text):
                yield ListedName(position, without, text)
    yield from _with_vowels(entries)


def lacks_vowels(text: str) -> bool:
    """Returns whether a name is written in a script without vowels and has no Latin letter."""
    return bool(CONSONANTAL.search(text)) and not LATIN_LETTER.search(text)


def embedded_names(text: str) -> Iterable[tuple[str, bool]]:
    """Yields the names inside a name, each with whether it is marked as another name ("a.k.a.")."""
    outside = " ".join(BRACKETED.sub(" ", text).split())
    if outside and outside != text:
        yield outside, False
        yield from ((inside, False) for inside in BRACKETED.findall(text) if _is_name(inside))
    pieces = [piece.strip(" ,;()") for piece in ALSO_KNOWN_AS.split(text)]
    if len(pieces) > 1:
        yield from ((piece, True) for piece in pieces if piece)


def given_name_first(text: str) -> str:
    """Returns a name published as "FAMILY, Given" in the order in which it is spoken."""
    family, comma, given = text.partition(", ")
    return f"{given} {family}" if comma else text


def _is_name(bracketed: str) -> bool:
    return (
        bracketed[0].isupper()
        and len(bracketed) < MAX_BRACKETED_NAME
        and bracketed.upper() not in NOT_NAMES
    )


def _without_patronymic(text: str) -> str | None:
    """Returns a name of three or more words without its only patronymic, which is often omitted."""
    words = text.split()
    kept = [word for word in words if not PATRONYMIC.search(word)]
    return " ".join(kept) if len(words) > len(kept) == len(words) - 1 >= 2 else None


def _with_vowels(entries: Sequence[Entry]) -> Iterable[ListedName]:
    unvowelled = {
        position: tuple(normalise(text) for text in entry.names)
        for position, entry in enumerate(entries)
        if all(lacks_vowels(text) for text in entry.names)
    }
    if not unvowelled:
        return
    vowelled = (
        normalise(text).words
        for position, entry in enumerate(entries)
        if position not in unvowelled
        for text in entry.names
    )
    lexicon = VowelLexicon((*vowelled, *(line.split() for line in GIVEN_NAME_GROUPS)))
    for position, names in unvowelled.items():
        for name, text in zip(names, entries[position].names, strict=True):
            if with_vowels := lexicon.with_vowels(name):
                yield ListedName(position, with_vowels, text)
