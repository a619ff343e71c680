"""Facts beside the name: birth date, country, address, kind.

Knows no index and no list. A rule returns None if one side does not state the fact: absence is no
evidence. A rule's docstring is its explanation for officers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from rapidfuzz import fuzz

from services.screening.core.config import FactWeights
from services.screening.core.matching.fact import Fact, enumerated, fact_of
from services.screening.core.model import Effect, Entry, EvidenceKind, PartyKind, PartyQuery
from services.screening.core.names.normalisation import normalise

_YEAR: Final = re.compile(r"\b(1[89]\d\d|20\d\d)\b")
_DAY: Final = re.compile(r"\b(?:1[89]\d\d|20\d\d)-\d\d-\d\d\b")
_APPROXIMATE: Final = re.compile(r"circa|approx|about|\?|c\.", re.IGNORECASE)
_TOLERATED_YEARS: Final = 1
"""Published birth years are often off by one; only a greater difference contradicts."""
_SAME_ADDRESS: Final = 85
_FEWEST_ADDRESS_WORDS: Final = 4
"""Shorter addresses, such as a city and a country, are shared by many parties."""
_KINDS: Final = {
    PartyKind.PERSON: "a person",
    PartyKind.ORGANISATION: "an organisation",
    PartyKind.VESSEL: "a vessel",
    PartyKind.AIRCRAFT: "an aircraft",
    PartyKind.UNKNOWN: "of unknown kind",
}


def facts(query: PartyQuery, entry: Entry, weights: FactWeights) -> tuple[Fact, ...]:
    """Returns the facts beside the name that both sides state."""
    found = (rule(query, entry, weights) for rule in FACT_RULES)
    return tuple(fact for fact in found if fact is not None)


def birth_date(query: PartyQuery, entry: Entry, weights: FactWeights) -> Fact | None:
    """A birth date that agrees supports a match; birth years over one year apart contradict it."""
    if not query.birth_date or not entry.birth_dates or not _YEAR.match(query.birth_date):
        return None
    listed = ", ".join(entry.birth_dates)
    if _DAY.match(query.birth_date) and query.birth_date in entry.birth_dates:
        detail = f"The birth date {query.birth_date} is also the listed one."
        return _birth(Effect.SUPPORTS, detail, weights.birth_day_agrees)
    year = int(query.birth_date[:4])
    distances = [
        found for text in entry.birth_dates if (found := _years_between(year, text)) is not None
    ]
    if not distances:
        return None
    distance = min(distances)
    if distance == 0:
        detail = f"The birth year {year} agrees with the listed birth date {listed}."
        return _birth(Effect.SUPPORTS, detail, weights.birth_year_agrees)
    apart = f"The birth date {query.birth_date} is {distance} year{'s' * (distance > 1)} from"
    if distance <= _TOLERATED_YEARS:
        detail = f"{apart} the listed birth date {listed}, which is no evidence either way."
        return _birth(Effect.NEUTRAL, detail, 0.0)
    detail = f"{apart} the listed birth date {listed}."
    return _birth(Effect.CONTRADICTS, detail, weights.birth_date_differs)


def _birth(effect: Effect, detail: str, weight: float) -> Fact:
    return fact_of(EvidenceKind.BIRTH_DATE, effect, detail, weight)


def _years_between(year: int, listed: str) -> int | None:
    """Returns the years between a birth year and a listed date or range, None if it has no year.

    An approximate date reaches a year further.
    """
    years = [int(found) for found in _YEAR.findall(listed)]
    if not years:
        return None
    margin = 1 if _APPROXIMATE.search(listed) else 0
    return max(0, min(years) - margin - year, year - max(years) - margin)


def country(query: PartyQuery, entry: Entry, weights: FactWeights) -> Fact | None:
    """A shared country supports a match; no country in common contradicts it a little."""
    ours = {code.upper() for code in query.countries}
    if not ours or not entry.countries:
        return None
    shared = sorted(ours.intersection(entry.countries))
    if shared:
        detail = f"Countries agree: {enumerated(shared)}."
        return fact_of(EvidenceKind.COUNTRY, Effect.SUPPORTS, detail, weights.country_agrees)
    detail = (
        f"Countries differ: party {enumerated(sorted(ours))},"
        f" listed party {enumerated(entry.countries)}."
    )
    return fact_of(EvidenceKind.COUNTRY, Effect.CONTRADICTS, detail, weights.country_differs)


def address(query: PartyQuery, entry: Entry, weights: FactWeights) -> Fact | None:
    """An address that agrees supports a match. A different address is no evidence."""
    for ours in query.addresses:
        our_words = normalise(ours).key
        for listed in entry.addresses:
            their_words = normalise(listed).key
            fewest = min(len(our_words.split()), len(their_words.split()))
            is_same = (
                fewest >= _FEWEST_ADDRESS_WORDS
                and fuzz.token_sort_ratio(our_words, their_words) >= _SAME_ADDRESS
            )
            if is_same:
                detail = f'The address "{ours}" agrees with the listed address "{listed}".'
                return fact_of(
                    EvidenceKind.ADDRESS, Effect.SUPPORTS, detail, weights.address_agrees
                )
    return None


def kind(query: PartyQuery, entry: Entry, weights: FactWeights) -> Fact | None:
    """Another kind contradicts a match a little.

    It excludes nobody: kinds are often declared wrongly.
    """
    if PartyKind.UNKNOWN in (query.kind, entry.kind) or query.kind is entry.kind:
        return None
    detail = (
        f"The party is declared as {_KINDS[query.kind]}; the listed party is {_KINDS[entry.kind]}."
    )
    return fact_of(EvidenceKind.KIND, Effect.CONTRADICTS, detail, weights.kind_differs)


FACT_RULES: Final[Sequence[Callable[[PartyQuery, Entry, FactWeights], Fact | None]]] = (
    birth_date,
    country,
    address,
    kind,
)
"""The rules that compare a party with an entry, in the order of their evidence."""
