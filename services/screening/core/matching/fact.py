"""A fact for or against a match: its evidence, and what it adds to the score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.screening.core.model import Effect, Evidence, EvidenceKind


@dataclass(frozen=True, slots=True)
class Fact:
    """Evidence, and what it adds to the log-odds of the score.

    is_bar: the match stays below the threshold, whatever else agrees.
    """

    evidence: Evidence
    weight: float
    is_bar: bool = False


def fact_of(kind: EvidenceKind, effect: Effect, detail: str, weight: float) -> Fact:
    """Returns a fact that is no bar."""
    return Fact(Evidence(kind, effect, detail), weight)


def enumerated(values: Sequence[str]) -> str:
    """Returns the values as in a sentence: "a, b and c", or "none"."""
    if not values:
        return "none"
    if len(values) == 1:
        return values[0]
    return f"{', '.join(values[:-1])} and {values[-1]}"
