"""Finds listed parties by identifier and by whole name: lookups that cost microseconds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from services.screening.core.config import ScreeningConfig
from services.screening.core.matching.candidate import Candidate, candidate
from services.screening.core.matching.name_facts import (
    characters,
    countries_named,
    filiation,
)
from services.screening.core.matching.number_facts import number_words
from services.screening.core.model import Entry, PartyKind, PartyQuery
from services.screening.core.names import explanations
from services.screening.core.names.identifiers import (
    identifier_key,
    is_globally_unique,
    is_same_family,
)
from services.screening.core.names.index import ListIndex
from services.screening.core.names.judgeable import JudgeableName
from services.screening.core.names.normalisation import normalise
from services.screening.core.names.published_names import ListedName, given_name_first, lacks_vowels
from services.screening.core.names.variants import Variant

OTHER_IDENTIFIER: Final = 0.95
"""Score of an identifier of another type, or of one that is not globally unique."""


def by_identifier(index: ListIndex, query: PartyQuery) -> Iterable[Candidate]:
    """Yields listed parties that have one of the query's identifiers."""
    for queried in query.identifiers:
        for entry, listed in index.exact.with_identifier(queried):
            same_family = is_same_family(queried[0], listed[0])
            is_exact = same_family and is_globally_unique(identifier_key(listed[1]) or "")
            evidence = explanations.same_identifier(queried, listed, same_family=same_family)
            name = query.names[0] if query.names else ""
            score = 1.0 if is_exact else OTHER_IDENTIFIER
            yield Candidate(entry, name, index.entries[entry].name, score, is_exact, (evidence,))


def by_whole_name(
    index: ListIndex,
    name: JudgeableName,
    variant: Variant,
    kind: PartyKind,
    config: ScreeningConfig,
) -> Iterable[Candidate]:
    """Yields listed parties with this name.

    The words agree in order; or, for persons, in any order; or the letters agree and the words are
    divided otherwise.
    """
    exact, queried = index.exact, variant.name
    known = exact.with_name(queried)
    for listed in known:
        yield _whole(index, name, variant, listed, config, same_order=True)
    for listed in exact.with_words(queried):
        if listed not in known and is_order_free(index.entries[listed.entry], kind):
            yield _whole(index, name, variant, listed, config, same_order=False)
    for listed in exact.with_letters(queried):
        if listed not in known:
            evidence = explanations.same_letters(name.text, listed.published, variant.description)
            yield candidate(name, listed, config.part_of_name_score, evidence, variant)


def is_order_free(entry: Entry, kind: PartyKind) -> bool:
    """Returns True if words may come in any order: in names of persons, not of organisations."""
    return PartyKind.PERSON in (entry.kind, kind) or entry.kind is PartyKind.UNKNOWN


def _whole(
    index: ListIndex,
    name: JudgeableName,
    variant: Variant,
    listed: ListedName,
    config: ScreeningConfig,
    *,
    same_order: bool,
) -> Candidate:
    if not listed.is_whole:
        return _part(index.entries[listed.entry], name, variant, listed, config)
    in_order = same_order or normalise(given_name_first(listed.text)).key == variant.name.key
    evidence = explanations.exact_name(
        name.text,
        listed.text,
        index.entries[listed.entry].name,
        same_order=in_order,
        description=variant.description,
    )
    differ = characters(name.text, listed.text, config.facts)
    if not in_order:
        differ = differ or filiation(
            variant.name.words, normalise(given_name_first(listed.text)).words, config.facts
        )
    if differ is not None or variant.description:
        return candidate(name, listed, config.part_of_name_score, evidence, variant, differ)
    return candidate(name, listed, 1.0, evidence, variant, is_exact=True)


def _part(
    entry: Entry,
    name: JudgeableName,
    variant: Variant,
    listed: ListedName,
    config: ScreeningConfig,
) -> Candidate:
    """Returns the candidate of a part of a published name, or of its reading with vowels."""
    is_vowelled = lacks_vowels(listed.published) and not lacks_vowels(listed.text)
    explain = explanations.vowelled_name if is_vowelled else explanations.part_of_name
    evidence = explain(name.text, listed.published, variant.description)
    whole = name.text, listed.published
    number = number_words(variant.name.cleaned, listed.text, whole, entry, config.facts)
    countries = countries_named(whole, entry, config.facts)
    return candidate(name, listed, config.part_of_name_score, evidence, variant, number, countries)
