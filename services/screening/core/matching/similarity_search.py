"""Finds listed parties with similar names, and organisations by translation and acronym."""

from __future__ import annotations

from collections.abc import Iterable

from services.screening.core.config import ScreeningConfig
from services.screening.core.matching.candidate import Candidate, candidate
from services.screening.core.matching.exact_search import is_order_free
from services.screening.core.matching.name_facts import (
    characters,
    countries_named,
    disguised,
    patronymics,
)
from services.screening.core.matching.name_relations import has_same_words, is_short_form
from services.screening.core.matching.number_facts import number_words
from services.screening.core.matching.relevance import Relevance
from services.screening.core.matching.word_facts import common_names, single_word, stop_words
from services.screening.core.model import Evidence, PartyKind
from services.screening.core.names import explanations
from services.screening.core.names.budget import Budget
from services.screening.core.names.comparison import Comparison, compare
from services.screening.core.names.index import ListIndex
from services.screening.core.names.judgeable import JudgeableName
from services.screening.core.names.normalisation import without_legal_forms
from services.screening.core.names.published_names import ListedName
from services.screening.core.names.translation_match import MatchBasis, TranslationMatch
from services.screening.core.names.variants import Variant


def by_similarity(
    index: ListIndex,
    name: JudgeableName,
    variant: Variant,
    kind: PartyKind,
    config: ScreeningConfig,
    budget: Budget,
    relevance: Relevance,
) -> Iterable[Candidate]:
    """Yields listed parties with a similar name, as far as the budget goes."""
    for comparison in compare(index, variant.name, kind, config, budget):
        shift = config.facts.disguised if variant.flag is not None else 0.0
        if not relevance.allows(comparison, shift, is_non_latin=variant.name.is_non_latin):
            continue
        key = comparison.row.key
        is_reordered = (
            key != variant.name.key and " ".join(sorted(key.split())) == variant.name.sorted_key
        )
        for listed in comparison.row.names:
            # `by_whole_name` has found these already.
            is_found = is_reordered and is_order_free(index.entries[listed.entry], kind)
            if key != variant.name.key and not is_found:
                yield similar(index, name, variant, kind, listed, comparison, config)


def similar(
    index: ListIndex,
    name: JudgeableName,
    variant: Variant,
    kind: PartyKind,
    listed: ListedName,
    comparison: Comparison,
    config: ScreeningConfig,
) -> Candidate:
    """Returns the candidate of a compared name: same words, short form, or similar."""
    words, queried = comparison.alignment, variant.name
    entry, weights = index.entries[listed.entry], config.facts
    whole = name.text, listed.published
    number = number_words(queried.cleaned, listed.text, whole, entry, weights)
    if has_same_words(comparison):
        is_legal_form = without_legal_forms(queried.words) == without_legal_forms(
            tuple(comparison.row.key.split())
        )
        evidence = explanations.same_words(
            name.text, listed.published, variant.description, but_legal_form=is_legal_form
        )
        return candidate(name, listed, config.legal_form_differs_score, evidence, variant, number)
    if PartyKind.PERSON not in (entry.kind, kind) and is_short_form(words):
        evidence = explanations.short_form(
            name.text, listed.published, words.listed_unpaired, variant.description
        )
        return candidate(name, listed, config.short_form_score, evidence, variant, number)
    facts = (
        number,
        characters(name.text, listed.published, weights),
        countries_named(whole, entry, weights),
        patronymics(whole, entry, weights),
        stop_words(words, entry),
        common_names(words, entry),
        single_word(words, kind, weights),
        disguised(weights) if variant.flag is not None else None,
    )
    evidence = explanations.similar_name(
        name.text,
        listed.published,
        comparison.score,
        words,
        by_sound=False,
        description=variant.description,
    )
    return candidate(
        name,
        listed,
        comparison.score,
        evidence,
        variant,
        *facts,
        is_similar=True,
        sound_score=comparison.sound_score if queried.is_non_latin else 0.0,
    )


def by_translation(index: ListIndex, name: JudgeableName, variant: Variant) -> Iterable[Candidate]:
    """Yields organisations whose name is a translation, acronym or full form of the queried one."""
    for match in index.translations.find(variant.name):
        for listed in index.rows[match.row].names:
            evidence = _explain(name, listed, match)
            yield candidate(name, listed, match.score, evidence, variant, is_translation=True)


def _explain(name: JudgeableName, listed: ListedName, match: TranslationMatch) -> Evidence:
    if match.basis is MatchBasis.MEANING:
        return explanations.same_meaning(name.text, listed.published, match.recognised)
    ((short, words),) = match.recognised
    return explanations.acronym(name.text, listed.published, short, words)
