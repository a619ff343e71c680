"""Other ways in which a written name may be meant.

Without its titles, with the parts that it names, seen through.

A reading is a name like any other, told apart only by how it came about.
"""

# ruff: noqa: SIM905, RUF001  tables of words read best as text; full-width brackets occur in names

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from services.screening.core.model import Flag, PartyKind
from services.screening.core.names.normalisation import NormalisedName, is_non_latin, normalise
from services.screening.core.names.obfuscation import as_latin, letters_for_digits, visible
from services.screening.core.names.published_names import embedded_names
from services.screening.core.names.words import GENERIC, HONORIFICS, LEGAL_FORMS, PARTICLES

TITLES: Final = frozenset(
    """
    mr mrs ms miss mister dr doctor prof professor phd md herr frau monsieur mme mlle madame sr sra srta senor senora
    sir lord lady dame rev reverend eng engineer ing dipl adv advocate capt captain col colonel maj major gen general
    lt lieutenant brig brigadier adm admiral commander cmdr cdr marshal sgt sergeant corporal chief senior junior
    president minister chairman chairwoman ambassador senator governor judge justice deputy vice first former ex late
    hon honorable honourable excellency his her jr esq ii iii iv retired ret gospodin gospozha pan pani grazhdanin
    """.split()
)
"""Words before or behind a person's name that are no part of it."""
ADDRESSES: Final = frozenset("messrs the ms mv mt ss fv vessel ship tanker".split())
"""Words before the name of a firm or vessel that are no part of it."""
FIRM_OR_SHIP: Final = re.compile(r"\s*(m\s*/\s*[svty]|messrs\.?)\s+", re.IGNORECASE)
RELIGIOUS: Final = HONORIFICS - frozenset(
    "sayyid sayyed seyed syed emir amir imam don dona lady miss maj capt col gen lt eng major general colonel".split()
)
"""Titles that listed names often have too: the name is looked for with them and without."""
LEAST_LETTERS: Final = 2
MOST: Final = 8
"""Readings of one name at most."""
MOST_COMPARED: Final = 3
"""Readings of one name at most for which similar names are looked for: that costs milliseconds."""


@dataclass(frozen=True, slots=True)
class Variant:
    """A name and how it came about: "" as it was written, else words for an explanation.

    flag: the trick that it sees through. is_compared: whether similar names are looked for too, or
    equal ones only.
    """

    name: NormalisedName
    description: str = ""
    flag: Flag | None = None
    is_fuzzy: bool = True


def variants_of(written: str, name: NormalisedName, kind: PartyKind) -> tuple[Variant, ...]:
    """The name as it was written, first, and how else it may be read."""
    others = [
        *_without_titles(name, kind),
        *_seen_through(written),
        *_by_sound(written, name),
        *_pieces(written),
    ]
    stands_alone = all(
        other.description != WITHOUT_TITLES or kind is not PartyKind.PERSON for other in others
    )
    known = {name.key}
    found = [Variant(name, is_fuzzy=stands_alone)]
    for other in others:
        if other.name.key not in known and _says_something(other.name):
            known.add(other.name.key)
            compared = sum(variant.is_fuzzy for variant in found)
            found.append(replace(other, is_fuzzy=other.is_fuzzy and compared < MOST_COMPARED))
    return tuple(found[:MOST])


WITHOUT_TITLES: Final = "without its titles"


def _says_something(name: NormalisedName) -> bool:
    return len(name.joined) >= LEAST_LETTERS and any(word not in LIGHT for word in name.words)


LIGHT: Final = LEGAL_FORMS | GENERIC | PARTICLES


def _without_titles(name: NormalisedName, kind: PartyKind) -> Iterable[Variant]:
    words = name.words
    if kind in (PartyKind.PERSON, PartyKind.UNKNOWN):
        kept = _stripped(words, TITLES)
        is_person = kind is PartyKind.PERSON or not any(
            word in LEGAL_FORMS or word in GENERIC for word in kept
        )
        if kept and kept != words and is_person:
            yield Variant(_made_of(name, kept), WITHOUT_TITLES)
        if (
            is_person
            and len(bare := _stripped(kept or words, TITLES | RELIGIOUS)) > 1
            and bare != kept
        ):
            yield Variant(_made_of(name, bare), "without its honorifics")
    if kind is not PartyKind.PERSON:
        prefix = FIRM_OR_SHIP.match(name.cleaned)
        kept = (
            normalise(name.cleaned[prefix.end() :]).words
            if prefix
            else _stripped(words, ADDRESSES, trailing=False)
        )
        if kept and kept != words:
            yield Variant(_made_of(name, kept), "without the form of address")


def _stripped(
    words: tuple[str, ...], titles: frozenset[str], *, trailing: bool = True
) -> tuple[str, ...]:
    """The words without titles before and behind them; all of them when nothing else is there."""
    first, last = 0, len(words)
    while first < last and words[first] in titles:
        first += 1
    while trailing and last > first and words[last - 1] in titles:
        last -= 1
    return words[first:last] or words


def _made_of(name: NormalisedName, words: tuple[str, ...]) -> NormalisedName:
    text = " ".join(words)
    return replace(name, cleaned=text, key=text, words=words)


def _pieces(written: str) -> Iterable[Variant]:
    """Names within the name: before and behind "a.k.a.", beside and in brackets, in each script."""
    for piece, is_alias in embedded_names(written):
        yield Variant(normalise(piece), f'for "{piece}"', is_fuzzy=is_alias)
    tokens = visible(written)[0].split()
    foreign = [token for token in tokens if is_non_latin(token)]
    latin = [
        token for token in tokens if token not in foreign and any(char.isalpha() for char in token)
    ]
    if foreign and latin:
        for part in (latin, foreign):
            text = " ".join(part).strip(" ()[]（）-,;")
            if sum(char.isalpha() for char in text) >= LEAST_LETTERS:
                read = normalise(text)
                # A given name alone resembles too many.
                yield Variant(read, f'for "{text}"', is_fuzzy=len(read.words) > 1)


def _by_sound(written: str, name: NormalisedName) -> Iterable[Variant]:
    if name.is_unvowelled:
        yield Variant(normalise(written, by_meaning=False), "by its sound")


def _seen_through(written: str) -> Iterable[Variant]:
    shown = visible(written)[0]
    if (imitated := as_latin(shown)) is not None:
        read = normalise(imitated)
        yield Variant(
            read, "with look-alike letters as Latin ones", Flag.HOMOGLYPHS, not read.is_non_latin
        )
    for text in letters_for_digits(shown):
        yield Variant(normalise(text), "with letters for digits and signs", Flag.HOMOGLYPHS)
