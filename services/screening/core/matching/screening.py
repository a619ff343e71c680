"""Screens one party against an index: the order of the searches, and the result.

Fails closed: a party that cannot be judged is UNDETERMINED, never CLEAR.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain

from services.screening.core.config import ScreeningConfig
from services.screening.core.matching.candidate import Candidate
from services.screening.core.matching.exact_search import by_identifier, by_whole_name
from services.screening.core.matching.hit_scoring import best_hits
from services.screening.core.matching.relevance import Relevance
from services.screening.core.matching.similarity_search import by_similarity, by_translation
from services.screening.core.model import PartyQuery, Reason, Result, Screening
from services.screening.core.names.budget import Budget, unlimited
from services.screening.core.names.index import ListIndex
from services.screening.core.names.judgeable import JudgeableName, judgeable_names


def screen(
    index: ListIndex | None,
    query: PartyQuery,
    config: ScreeningConfig,
    *,
    floor: float | None = None,
    is_spent: Callable[[], bool] = unlimited,
) -> Screening:
    """Returns whether the party may be on a list, with the hits, best first.

    (1) Names that cannot be judged are set aside with a reason. (2) Identifiers and whole names are
    looked up. (3) Similar names, translations and acronyms are searched and scored. (4) Birth date,
    country, address and kind raise or lower each score. (5) A score from the threshold on is a hit.
    The result is CLEAR only if every name was judged and no score reached the threshold.

    floor: scores from here to the threshold are returned as near misses; they do not change the
    result. is_spent: called before each comparison; True ends the search with the reason
    BUDGET_EXCEEDED. Hits found so far are kept; without one the result is UNDETERMINED. Identifiers
    and whole names are looked up whatever the budget is.
    """
    if index is None or not index.rows:
        return undetermined(config, Reason.INDEX_NOT_READY)
    names, reasons, flags = judgeable_names(query, config, index.exact)
    budget = Budget(is_spent)
    hits = best_hits(index, query, _candidates(index, query, names, config, budget, floor), config)
    if budget.was_cut:
        reasons = (*reasons, Reason.BUDGET_EXCEEDED)
    found = [(hit, flag) for hit, flag in hits if hit.score >= config.threshold][: config.max_hits]
    near_misses = [
        hit for hit, _ in hits if floor is not None and floor <= hit.score < config.threshold
    ][: config.max_hits]
    return Screening(
        Result.POSSIBLE_MATCH if found else Result.UNDETERMINED if reasons else Result.CLEAR,
        index.list_version_id,
        config.version,
        config.expected_alert_rate,
        tuple(hit for hit, _ in found),
        reasons,
        tuple(dict.fromkeys((*flags, *(flag for _, flag in found if flag is not None)))),
        tuple(near_misses),
    )


def undetermined(config: ScreeningConfig, reason: Reason, list_version_id: str = "") -> Screening:
    """Returns the screening of a party that could not be screened for this reason."""
    return Screening(
        Result.UNDETERMINED,
        list_version_id,
        config.version,
        config.expected_alert_rate,
        reasons=(reason,),
    )


def _candidates(
    index: ListIndex,
    query: PartyQuery,
    names: Sequence[JudgeableName],
    config: ScreeningConfig,
    budget: Budget,
    floor: float | None,
) -> Iterator[Candidate]:
    """Yields the candidates of all names. Cheap lookups come first, whatever the budget is."""
    relevance = Relevance.of(query, config, floor)
    variants = [(name, variant) for name in names for variant in name.variants]
    exact = (
        found
        for name, variant in variants
        for found in by_whole_name(index, name, variant, query.kind, config)
    )
    similar = (
        found
        for name, variant in variants
        if variant.is_fuzzy and budget.allows()
        for found in by_similarity(index, name, variant, query.kind, config, budget, relevance)
    )
    translated = (
        found
        for name, variant in variants
        if variant.is_fuzzy and budget.allows()
        for found in by_translation(index, name, variant)
    )
    return chain(by_identifier(index, query), exact, similar, translated)
