"""Facts that two names show by themselves: countries, fathers' names, characters, disguises.

Knows no index and no list. A rule returns None if one of the names does not have what it compares:
absence is no evidence. A rule's docstring is its explanation for officers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

from rapidfuzz.distance import OSA

from services.screening.core.config import FactWeights
from services.screening.core.matching.fact import Fact, enumerated, fact_of
from services.screening.core.model import Effect, Entry, EvidenceKind, PartyKind
from services.screening.core.names.korean import HANGUL, without_initial_r_or_n
from services.screening.core.names.normalisation import normalise
from services.screening.core.names.places import countries_in
from services.screening.core.names.published_names import PATRONYMIC
from services.screening.core.names.scripts import simplified_chinese

_HAN: Final = re.compile(r"[\u3400-\u9fff]")
_CHILD_OF: Final = frozenset({"bin", "ben", "ibn", "bint", "binte", "binti", "ould"})
_SAME_FATHER: Final = 0.5
"""From this similarity on, two fathers' names may be one in two languages (Nikolai, Mykola)."""


def countries_named(whole: tuple[str, str], entry: Entry, weights: FactWeights) -> Fact | None:
    """Organisations named after different countries are sisters at most.

    Bank of China (Singapore) is not Bank of China (Hong Kong). whole: the whole names, declared and
    published.
    """
    declared, published = whole
    if entry.kind is PartyKind.PERSON or not (theirs := _countries(published)):
        return None
    ours = _countries(declared)
    only_ours, only_theirs = ours.keys() - theirs.keys(), theirs.keys() - ours.keys()
    if not only_ours or not only_theirs:
        return None
    given, listed = (
        enumerated(sorted(names[code] for code in codes))
        for names, codes in ((ours, only_ours), (theirs, only_theirs))
    )
    detail = f'The given name has "{given}" where the listed name has "{listed}".'
    return fact_of(EvidenceKind.WORDS, Effect.CONTRADICTS, detail, weights.named_countries_differ)


@lru_cache(maxsize=65_536)
def _countries(name: str) -> Mapping[str, str]:
    return countries_in(normalise(name).words)


def patronymics(whole: tuple[str, str], entry: Entry, weights: FactWeights) -> Fact | None:
    """Persons with different patronymics have different fathers.

    whole: the whole names, declared and published.
    """
    declared, published = whole
    if entry.kind is not PartyKind.PERSON or (theirs := _patronymic(published)) is None:
        return None
    ours = _patronymic(declared)
    if ours is None or OSA.normalized_similarity(ours[1], theirs[1]) >= _SAME_FATHER:
        return None
    detail = f'Patronymics differ: "{ours[0]}" in the given name, "{theirs[0]}" in the listed name.'
    return fact_of(EvidenceKind.WORDS, Effect.CONTRADICTS, detail, weights.patronymics_differ)


@lru_cache(maxsize=65_536)
def _patronymic(name: str) -> tuple[str, str] | None:
    """Returns the patronymic in a name, and the father's name in it."""
    found = ((word, PATRONYMIC.search(word)) for word in normalise(name).words)
    return next(((word, father[1]) for word, father in found if father is not None), None)


def characters(queried: str, listed: str, weights: FactWeights) -> Fact | None:
    """Names in Chinese or Korean characters differ if the characters do, however they sound."""
    for language, characters_of in (("Chinese", _han), ("Korean", _hangul)):
        ours, theirs = characters_of(queried), characters_of(listed)
        if ours and theirs and ours != theirs and len(ours) == len(theirs):
            detail = (
                f'{language} characters differ: "{ours}" in the given name,'
                f' "{theirs}" in the listed name.'
            )
            return fact_of(
                EvidenceKind.WORDS, Effect.CONTRADICTS, detail, weights.characters_differ
            )
    return None


def _han(text: str) -> str:
    return "".join(_HAN.findall(simplified_chinese(text)))


def _hangul(text: str) -> str:
    return without_initial_r_or_n("".join(HANGUL.findall(text)))


def filiation(queried: Sequence[str], listed: Sequence[str], weights: FactWeights) -> Fact | None:
    """Ahmad bin Hasan is Hasan's son, Hasan bin Ahmad is Ahmad's: the same words of two persons."""
    ours, theirs = _children(queried), _children(listed)
    swapped = next(
        (
            (child, parent)
            for child, parent in ours
            if child != parent and (parent, child) in theirs
        ),
        None,
    )
    if swapped is None:
        return None
    child, parent = swapped
    detail = (
        f'In the given name "{parent}" is the parent of "{child}",'
        " in the listed name it is the child."
    )
    return fact_of(EvidenceKind.WORDS, Effect.CONTRADICTS, detail, weights.patronymics_differ)


def _children(words: Sequence[str]) -> frozenset[tuple[str, str]]:
    """Returns pairs (child, parent) that the words name."""
    return frozenset(
        (child, parent)
        for child, link, parent in zip(words, words[1:], words[2:], strict=False)
        if link in _CHILD_OF
    )


def disguised(weights: FactWeights) -> Fact:
    """A name that is written to escape a search is more likely to be a listed one."""
    detail = "The name is written in a way that hides it from a search."
    return fact_of(EvidenceKind.WORDS, Effect.SUPPORTS, detail, weights.disguised)
