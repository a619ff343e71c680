"""Variants of a written name: without titles, by its parts, with obfuscation undone.

A variant is compared like any other name. Its description tells officers how it differs from what
was written.
"""

# ruff: noqa: SIM905, RUF001  a table of words is easiest to read as text; names contain full-width brackets

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from services.screening.core.model import Flag, PartyKind
from services.screening.core.names.normalisation import NormalisedName, is_non_latin, normalise
from services.screening.core.names.obfuscation import (
    digits_as_letters,
    lookalikes_as_latin,
    without_hidden_characters,
)
from services.screening.core.names.published_names import embedded_names
from services.screening.core.names.stop_words import GENERIC, HONORIFICS, LEGAL_FORMS, PARTICLES

TITLES: Final = frozenset(
    """
    mr mrs ms miss mister dr doctor prof professor phd md herr frau monsieur mme mlle madame sr sra
    srta senor senora sir lord lady dame rev reverend eng engineer ing dipl adv advocate capt
    captain col colonel maj major gen general lt lieutenant brig brigadier adm admiral commander
    cmdr cdr marshal sgt sergeant corporal chief senior junior president minister chairman
    chairwoman ambassador senator governor judge justice deputy vice first former ex late hon
    honorable honourable excellency his her jr esq ii iii iv retired ret gospodin gospozha pan pani
    grazhdanin
    """.split()
)
"""Words before or behind a person's name that are not part of it."""
ADDRESSES: Final = frozenset("messrs the ms mv mt ss fv vessel ship tanker".split())
"""Words before the name of a firm or vessel that are not part of it."""
FIRM_OR_SHIP: Final = re.compile(r"\s*(m\s*/\s*[svty]|messrs\.?)\s+", re.IGNORECASE)
REMOVABLE_HONORIFICS: Final = HONORIFICS - frozenset(
    """
    sayyid sayyed seyed syed emir amir imam don dona lady miss maj capt col gen lt eng major general
    colonel
    """.split()
)
"""Honorifics that listed names often have too. The name is searched with them and without."""
STOP_WORDS: Final = LEGAL_FORMS | GENERIC | PARTICLES
MIN_LETTERS: Final = 2
MAX_VARIANTS: Final = 8
MAX_FUZZY: Final = 3
"""Variants of one name for which similar names are searched: each costs milliseconds."""
WITHOUT_TITLES: Final = "without its titles"


@dataclass(frozen=True, slots=True)
class Variant:
    """A variant of a name.

    description: completes the sentence "the name, read ..."; empty for the name as written. flag:
    the obfuscation that the variant undoes. is_fuzzy: whether similar names are searched too, or
    equal names only.
    """

    name: NormalisedName
    description: str = ""
    flag: Flag | None = None
    is_fuzzy: bool = True


def variants_of(written: str, name: NormalisedName, kind: PartyKind) -> tuple[Variant, ...]:
    """Returns the variants of a name, at most MAX_VARIANTS. The first is the name as written.

    name: the normalised form of `written`.
    """
    others = [
        *_without_titles(name, kind),
        *_without_obfuscation(written),
        *_by_sound(written, name),
        *_parts(written),
    ]
    has_title = kind is PartyKind.PERSON and any(
        other.description == WITHOUT_TITLES for other in others
    )
    known = {name.key}
    # A person's name with a title resembles others with that title, so only the name without it is
    # compared.
    found = [Variant(name, is_fuzzy=not has_title)]
    for other in others:
        if other.name.key not in known and _is_distinctive(other.name):
            known.add(other.name.key)
            fuzzy = sum(variant.is_fuzzy for variant in found)
            found.append(replace(other, is_fuzzy=other.is_fuzzy and fuzzy < MAX_FUZZY))
    return tuple(found[:MAX_VARIANTS])


def _is_distinctive(name: NormalisedName) -> bool:
    return len(name.joined) >= MIN_LETTERS and any(word not in STOP_WORDS for word in name.words)


def _without_titles(name: NormalisedName, kind: PartyKind) -> Iterable[Variant]:
    words = name.words
    if kind in (PartyKind.PERSON, PartyKind.UNKNOWN):
        kept = _stripped(words, TITLES)
        may_be_person = kind is PartyKind.PERSON or not any(
            word in LEGAL_FORMS or word in GENERIC for word in kept
        )
        if kept and kept != words and may_be_person:
            yield Variant(_name_of(name, kept), WITHOUT_TITLES)
        bare = _stripped(kept or words, TITLES | REMOVABLE_HONORIFICS)
        if may_be_person and len(bare) > 1 and bare != kept:
            yield Variant(_name_of(name, bare), "without its honorifics")
    if kind is not PartyKind.PERSON:
        prefix = FIRM_OR_SHIP.match(name.cleaned)
        kept = (
            normalise(name.cleaned[prefix.end() :]).words
            if prefix
            else _stripped(words, ADDRESSES, trailing=False)
        )
        if kept and kept != words:
            yield Variant(_name_of(name, kept), "without the form of address")


def _stripped(
    words: tuple[str, ...], titles: frozenset[str], *, trailing: bool = True
) -> tuple[str, ...]:
    """Returns the words without titles at both ends, or all words if nothing else is left."""
    first, last = 0, len(words)
    while first < last and words[first] in titles:
        first += 1
    while trailing and last > first and words[last - 1] in titles:
        last -= 1
    return words[first:last] or words


def _name_of(name: NormalisedName, words: tuple[str, ...]) -> NormalisedName:
    text = " ".join(words)
    return replace(name, cleaned=text, key=text, words=words)


def _parts(written: str) -> Iterable[Variant]:
    """Yields the names inside a name.

    They are around "a.k.a.", inside and outside of brackets, and in each script.
    """
    for part, is_alias in embedded_names(written):
        yield Variant(normalise(part), f'as "{part}"', is_fuzzy=is_alias)
    tokens = without_hidden_characters(written)[0].split()
    non_latin = [token for token in tokens if is_non_latin(token)]
    latin = [
        token
        for token in tokens
        if token not in non_latin and any(char.isalpha() for char in token)
    ]
    if non_latin and latin:
        for own in (latin, non_latin):
            text = " ".join(own).strip(" ()[]（）-,;")
            if sum(char.isalpha() for char in text) >= MIN_LETTERS:
                name = normalise(text)
                # One word, perhaps a given name, resembles too many.
                yield Variant(name, f'as "{text}"', is_fuzzy=len(name.words) > 1)


def _by_sound(written: str, name: NormalisedName) -> Iterable[Variant]:
    if name.is_unvowelled:
        yield Variant(normalise(written, by_meaning=False), "by its sound")


def _without_obfuscation(written: str) -> Iterable[Variant]:
    shown = without_hidden_characters(written)[0]
    if (latin := lookalikes_as_latin(shown)) is not None:
        name = normalise(latin)
        description = "with look-alike letters as Latin ones"
        yield Variant(name, description, Flag.HOMOGLYPHS, not name.is_non_latin)
    for text in digits_as_letters(shown):
        yield Variant(normalise(text), "with letters for digits and signs", Flag.HOMOGLYPHS)
