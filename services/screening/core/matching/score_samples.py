"""The inputs of the name score for a query: samples for fitting the score on labelled names."""

from __future__ import annotations

from collections.abc import Iterator

from services.screening.core.config import ScreeningConfig
from services.screening.core.matching.similarity_search import similar
from services.screening.core.matching.supporting_facts import facts
from services.screening.core.model import Entry, PartyQuery
from services.screening.core.names.budget import Budget
from services.screening.core.names.comparison import Comparison, compare
from services.screening.core.names.index import ListIndex
from services.screening.core.names.judgeable import JudgeableName, judgeable_names
from services.screening.core.names.similarity_features import SimilarityFeatures
from services.screening.core.names.variants import Variant

Sample = tuple[Entry, SimilarityFeatures, float]
"""An entry, the features of one of its names, and the log-odds that facts and script add."""


def score_samples(index: ListIndex, query: PartyQuery, config: ScreeningConfig) -> Iterator[Sample]:
    """Yields a sample for each compared name.

    Names with the same words and short forms are left out: the name score does not score them.
    """
    names, _, _ = judgeable_names(query, config, index.exact)
    for name in names:
        for variant in name.variants:
            if variant.is_fuzzy:
                for comparison in compare(index, variant.name, query.kind, config, Budget()):
                    yield from _samples(index, query, name, variant, comparison, config)


def _samples(
    index: ListIndex,
    query: PartyQuery,
    name: JudgeableName,
    variant: Variant,
    comparison: Comparison,
    config: ScreeningConfig,
) -> Iterator[Sample]:
    for listed in comparison.row.names:
        entry = index.entries[listed.entry]
        found = similar(index, name, variant, query.kind, listed, comparison, config)
        if not found.is_similar:
            continue
        known = (*found.name_facts, *facts(query, entry, config.facts))
        weights, queried = config.non_latin, variant.name
        shift = weights.score_shift(has_cjk=queried.has_cjk) if queried.is_non_latin else 0.0
        yield entry, comparison.features, sum(fact.weight for fact in known) + shift
