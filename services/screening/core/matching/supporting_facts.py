"""Facts beside the name: birth date, country, address, kind. Each rule answers with a sentence.

Knows no index and no list. A rule returns nothing when either side says nothing: silence is no evidence.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from rapidfuzz import fuzz

from services.screening.core.config import FactWeights
from services.screening.core.model import (
    Effect,
    Entry,
    Evidence,
    EvidenceKind,
    PartyKind,
    PartyQuery,
)
from services.screening.core.names.normalisation import normalise

YEAR: Final = re.compile(r"\b(1[89]\d\d|20\d\d)\b")
DAY: Final = re.compile(r"\b(?:1[89]\d\d|20\d\d)-\d\d-\d\d\b")
APPROXIMATE: Final = re.compile(r"circa|approx|about|\?|c\.", re.IGNORECASE)
YEARS_OF_DOUBT: Final = 1
"""Published birth years are often off by one; only a greater difference contradicts."""
SAME_ADDRESS: Final = 85


@dataclass(frozen=True, slots=True)
class Fact:
    """Evidence and what it adds to the log-odds of the score. is_bar: no hit comes of it, whatever else agrees."""

    evidence: Evidence
    weight: float
    is_bar: bool = False


def facts(query: PartyQuery, entry: Entry, weights: FactWeights) -> tuple[Fact, ...]:
    """Everything known of both parties beside the name, compared."""
    found = (rule(query, entry, weights) for rule in FACT_RULES)
    return tuple(fact for fact in found if fact is not None)


def birth_date(query: PartyQuery, entry: Entry, weights: FactWeights) -> Fact | None:
    """A birth date that agrees supports a match; birth years more than one year apart speak against it."""
    if not query.birth_date or not entry.birth_dates or not YEAR.match(query.birth_date):
        return None
    listed = ", ".join(entry.birth_dates)
    if DAY.match(query.birth_date) and query.birth_date in entry.birth_dates:
        detail = f"The birth date {query.birth_date} is also the listed one."
        return fact_of(EvidenceKind.BIRTH_DATE, Effect.SUPPORTS, detail, weights.birth_day_agrees)
    year = int(query.birth_date[:4])
    distances = [
        found for text in entry.birth_dates if (found := _years_between(year, text)) is not None
    ]
    if not distances:
        return None
    distance = min(distances)
    if distance == 0:
        detail = f"The birth year {year} agrees with the listed birth date {listed}."
        return fact_of(EvidenceKind.BIRTH_DATE, Effect.SUPPORTS, detail, weights.birth_year_agrees)
    if distance <= YEARS_OF_DOUBT:
        detail = f"The birth date {query.birth_date} is about a year from the listed {listed}: no evidence either way."
        return fact_of(EvidenceKind.BIRTH_DATE, Effect.NEUTRAL, detail, 0.0)
    detail = f"The birth date {query.birth_date} is {distance} years from the listed {listed}."
    return fact_of(EvidenceKind.BIRTH_DATE, Effect.CONTRADICTS, detail, weights.birth_date_differs)


def _years_between(year: int, listed: str) -> int | None:
    """Years between a birth year and a listed date or range; an approximate date reaches a year further."""
    years = [int(found) for found in YEAR.findall(listed)]
    if not years:
        return None
    doubt = 1 if APPROXIMATE.search(listed) else 0
    return max(0, min(years) - doubt - year, year - max(years) - doubt)


def country(query: PartyQuery, entry: Entry, weights: FactWeights) -> Fact | None:
    """A shared country supports a match; having none in common speaks a little against it."""
    asked = {code.upper() for code in query.countries}
    if not asked or not entry.countries:
        return None
    shared = sorted(asked.intersection(entry.countries))
    if shared:
        detail = f"Both are connected to {spoken(shared)}."
        return fact_of(EvidenceKind.COUNTRY, Effect.SUPPORTS, detail, weights.country_agrees)
    detail = f"The party is connected to {spoken(sorted(asked))}, the listed party to {spoken(entry.countries)}."
    return fact_of(EvidenceKind.COUNTRY, Effect.CONTRADICTS, detail, weights.country_differs)


def address(query: PartyQuery, entry: Entry, weights: FactWeights) -> Fact | None:
    """An address that is also a listed address of the party supports a match. A different address proves nothing."""
    for asked in query.addresses:
        folded = normalise(asked).key
        for listed in entry.addresses:
            other = normalise(listed).key
            enough = min(len(folded.split()), len(other.split())) > 3
            if enough and fuzz.token_sort_ratio(folded, other) >= SAME_ADDRESS:
                detail = f'The address "{asked}" agrees with the listed address "{listed}".'
                return fact_of(
                    EvidenceKind.ADDRESS, Effect.SUPPORTS, detail, weights.address_agrees
                )
    return None


def kind(query: PartyQuery, entry: Entry, weights: FactWeights) -> Fact | None:
    """A listed party of another kind is less likely meant, yet never left out: kinds are often declared wrongly."""
    known = PartyKind.UNKNOWN not in (query.kind, entry.kind)
    if not known or query.kind is entry.kind:
        return None
    detail = f"The party is declared as {KIND_WORDS[query.kind]}; the listed party is {KIND_WORDS[entry.kind]}."
    return fact_of(EvidenceKind.KIND, Effect.CONTRADICTS, detail, weights.kind_differs)


def fact_of(about: EvidenceKind, effect: Effect, detail: str, weight: float) -> Fact:
    """A fact that bars nothing."""
    return Fact(Evidence(about, effect, detail), weight)


def spoken(values: Sequence[str]) -> str:
    """Words as a sentence has them: a, b and c."""
    return (
        values[0]
        if len(values) == 1
        else f"{', '.join(values[:-1])} and {values[-1]}"
        if values
        else "none"
    )


KIND_WORDS: Final = {
    PartyKind.PERSON: "a person",
    PartyKind.ORGANISATION: "an organisation",
    PartyKind.VESSEL: "a vessel",
    PartyKind.AIRCRAFT: "an aircraft",
    PartyKind.UNKNOWN: "of unknown kind",
}
FACT_RULES: Final[tuple[Callable[[PartyQuery, Entry, FactWeights], Fact | None], ...]] = (
    birth_date,
    country,
    address,
    kind,
)
"""The rules that compare a party with an entry; the docstring of a rule is its published explanation."""
