"""Facts from numbers in names of organisations and vessels. Persons' names are not looked at."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import Final

from services.screening.core.config import FactWeights
from services.screening.core.matching.fact import Fact, enumerated, fact_of
from services.screening.core.model import Effect, Entry, Evidence, EvidenceKind, PartyKind
from services.screening.core.names.normalisation import normalise, without_legal_forms
from services.screening.core.names.numerals import DIGITS, numbers_as_digits, numbers_in
from services.screening.core.names.similarity_features import is_generic
from services.screening.core.names.stop_words import INVESTMENT_VEHICLES

_LONGEST_MARK: Final = 2
"""A longer word is not the mark of one fund in a series, as in "Fund XII A"."""


def number_words(
    queried: str, listed: str, whole: tuple[str, str], entry: Entry, weights: FactWeights
) -> Fact | None:
    """Different numbers bar a match: Plant 356 is not Plant 810, in whatever country.

    In a series of funds of one sponsor, the number tells the funds apart. There another number only
    lowers the score, since an officer should know of the sponsor.

    queried and listed: the compared names. whole: the whole names, declared and published, whose
    numbers must not differ either.
    """
    if entry.kind is PartyKind.PERSON:
        return None
    ours, theirs = _numbers(queried), _numbers(listed)
    for declared, published in ((ours, theirs), map(_numbers, whole)):
        if (only_ours := declared - published) and (only_theirs := published - declared):
            detail = (
                f"Numbers differ: {enumerated(sorted(only_ours))} in the given name,"
                f" {enumerated(sorted(only_theirs))} in the listed name."
            )
            if _is_series(queried, listed):
                detail = f"{detail} Nothing else differs: both may be of one series of a sponsor."
                return _differ(detail, weights.another_of_series)
            evidence = Evidence(EvidenceKind.NUMBERS, Effect.CONTRADICTS, detail)
            return Fact(evidence, weights.numbers_differ, is_bar=True)
    if ours == theirs:
        return None
    numbers = enumerated(sorted((ours | theirs) - (ours & theirs)))
    return _differ(f"The number {numbers} is in only one of the names.", weights.number_missing)


def _differ(detail: str, weight: float) -> Fact:
    return fact_of(EvidenceKind.NUMBERS, Effect.CONTRADICTS, detail, weight)


def _is_series(queried: str, listed: str) -> bool:
    """Returns True if the names are of investment vehicles that differ by numbers only.

    Both must have a word of the sponsor's own.
    """
    ours, theirs = (
        tuple(
            word
            for word, _ in numbers_as_digits(without_legal_forms(normalise(name).words))
            if not DIGITS.search(word)
        )
        for name in (queried, listed)
    )
    has_own_word = any(
        len(word) > _LONGEST_MARK and not is_generic(word) and word not in INVESTMENT_VEHICLES
        for word in ours
    )
    is_vehicle = not INVESTMENT_VEHICLES.isdisjoint(normalise(listed).words)
    return ours == theirs and has_own_word and is_vehicle


@lru_cache(maxsize=65_536)
def _numbers(name: str) -> Counter[str]:
    return numbers_in(normalise(name).words)
