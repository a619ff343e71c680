"""The terms of a name in a full-text index: words, trigrams and phonetic skeletons."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from services.screening.core.model import PartyKind
from services.screening.core.names.normalisation import (
    NormalisedName,
    core_words,
    other_pronunciation,
    phonetic_skeleton,
    trigrams,
)

FIELDS: Final = ("words", "trigrams", "skeletons", "skeleton_trigrams")
"""Fields of the full-text index.

words: all words and core words. trigrams: those of the whole name without spaces. skeletons: one
per core word. skeleton_trigrams: those of all skeletons joined.
"""

Terms = Mapping[str, Iterable[str]]
"""Terms by field."""


def listed_terms(key: str, core: tuple[str, ...]) -> Terms:
    """Returns the terms under which a listed name is stored.

    key: its words, one space apart. core: its core words.
    """
    return _terms(tuple(key.split()), core)


def queried_terms(name: NormalisedName, kind: PartyKind) -> Terms:
    """Returns the terms under which names that resemble a queried name are searched."""
    core = core_words(name.words, is_person=kind is PartyKind.PERSON)
    terms = _terms(name.words, core)
    if not name.is_unvowelled:
        return terms
    others = _terms(name.words, tuple(other_pronunciation(word) for word in core))
    return {field: {*terms[field], *others[field]} for field in FIELDS}


def name_skeleton(words: Sequence[str]) -> str:
    """Returns the phonetic skeletons of the words, in alphabetical order of the words, joined."""
    return "".join(phonetic_skeleton(word) for word in sorted(words))


def _terms(words: tuple[str, ...], core: tuple[str, ...]) -> Terms:
    skeletons = [skeleton for word in core if (skeleton := phonetic_skeleton(word))]
    return {
        "words": tuple(dict.fromkeys((*words, *core))),
        "trigrams": trigrams("".join(words)),
        "skeletons": skeletons,
        "skeleton_trigrams": trigrams("".join(skeletons)),
    }
