"""Turns candidates into hits: score and strength, with all facts for and against the match."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from services.screening.core.config import ScreeningConfig
from services.screening.core.matching.candidate import Candidate
from services.screening.core.matching.fact import Fact
from services.screening.core.matching.supporting_facts import facts
from services.screening.core.model import (
    Effect,
    Entry,
    EvidenceKind,
    Flag,
    Hit,
    PartyKind,
    PartyQuery,
    Strength,
)
from services.screening.core.names import explanations
from services.screening.core.names.comparison import (
    HIGHEST_INEXACT,
    discounted_person_score,
    shifted,
)
from services.screening.core.names.index import ListIndex

_NEAR_MISS_SHARE: Final = 0.5
"""Share of a translation's score that is left below its threshold: a near miss, far from a hit."""
_STRENGTHS: Final = {Strength.EXACT: 0, Strength.STRONG: 1, Strength.WEAK: 2}

FoundHit = tuple[Hit, Flag | None]
"""A hit, and the disguise of writing that was undone to find it."""


def best_hits(
    index: ListIndex,
    query: PartyQuery,
    candidates: Iterable[Candidate],
    config: ScreeningConfig,
) -> list[FoundHit]:
    """Returns the best hit of every entry, best first, also those below the threshold."""
    best: dict[str, FoundHit] = {}
    for each in candidates:
        found = _hit(index, query, each, config), each.flag
        known = best.get(found[0].entry_id)
        if known is None or _order(found) < _order(known):
            best[found[0].entry_id] = found
    return sorted(best.values(), key=_order)


def _order(found: FoundHit) -> tuple[float, int, str, str]:
    hit, _ = found
    return (-hit.score, _STRENGTHS[hit.strength], hit.entry_id, hit.matched_name)


def _hit(index: ListIndex, query: PartyQuery, found: Candidate, config: ScreeningConfig) -> Hit:
    entry = index.entries[found.entry]
    known = (*found.name_facts, *facts(query, entry, config.facts))
    score, strength = _score(query, entry, found, known, config)
    return Hit(
        entry_id=entry.entry_id,
        list_code=entry.list_code,
        entry_hash=entry.content_hash,
        matched_name=found.listed,
        queried_name=found.queried,
        score=round(score, 4),
        strength=strength,
        explanation=(
            *found.evidence,
            explanations.listed_as(entry, index.list_version_id, config.version),
            *(fact.evidence for fact in known),
        ),
        programs=entry.programs,
        source_list=entry.source_list,
        source_url=entry.source_url,
    )


def _score(
    query: PartyQuery,
    entry: Entry,
    found: Candidate,
    known: tuple[Fact, ...],
    config: ScreeningConfig,
) -> tuple[float, Strength]:
    is_contradicted = any(fact.evidence.effect is Effect.CONTRADICTS for fact in known)
    if found.is_exact:
        # An identifier is stronger than any fact that is declared beside it.
        is_identifier = any(each.kind is EvidenceKind.IDENTIFIER for each in found.evidence)
        if is_identifier or not is_contradicted:
            return 1.0, Strength.EXACT
        return config.contradicted_exact_score, Strength.STRONG
    score = shifted(found.score, sum(fact.weight for fact in known))
    if found.is_translation:
        score = _translation_score(score, config)
    else:
        score = _with_sound(found, known, score, config, is_contradicted=is_contradicted)
    if any(fact.is_bar for fact in known):
        score = min(score, config.threshold - config.bar_margin)
    kind = entry.kind if query.kind is PartyKind.UNKNOWN else query.kind
    if found.is_similar and kind is PartyKind.PERSON:
        score = discounted_person_score(score, config)
    score = min(score, HIGHEST_INEXACT)
    return score, Strength.STRONG if score >= config.strong_threshold else Strength.WEAK


def _with_sound(
    found: Candidate,
    known: tuple[Fact, ...],
    score: float,
    config: ScreeningConfig,
    *,
    is_contradicted: bool,
) -> float:
    """Returns the score; a name in another script reaches the threshold by its sound alone.

    The sound must be very similar, or similar with a fact that supports the match. No fact may
    contradict it.
    """
    is_supported = any(fact.evidence.effect is Effect.SUPPORTS for fact in known)
    needed = config.cross_script_threshold if is_supported else config.cross_script_threshold_alone
    is_reached = found.sound_score >= needed and not is_contradicted
    return max(score, config.threshold) if is_reached else score


def _translation_score(score: float, config: ScreeningConfig) -> float:
    """Returns a translation's score on the scale of hits.

    The translation threshold becomes the threshold of hits. The highest score stays below
    `strong_threshold`, since a translation alone is weak evidence.
    """
    if score < config.translation_threshold:
        return score * _NEAR_MISS_SHARE
    above = (score - config.translation_threshold) / (1 - config.translation_threshold)
    return config.threshold + above * (config.strong_threshold - config.threshold)
