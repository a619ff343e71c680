"""Screens a party against a generation of the index. Knows the order of judgement; the rules stand elsewhere.

Fails closed: whatever cannot be judged is UNDETERMINED, never CLEAR.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Final

from services.screening.core import explain
from services.screening.core.budget import Budget, unlimited
from services.screening.core.compare import Comparison, compare, moved
from services.screening.core.config import ScreeningConfig
from services.screening.core.exact import ExactIndex, ListedName, is_one_family
from services.screening.core.index import Generation
from services.screening.core.model import (
    Effect,
    Entry,
    Evidence,
    EvidenceKind,
    Flag,
    Hit,
    PartyKind,
    PartyQuery,
    Reason,
    Result,
    Screening,
    Strength,
)
from services.screening.core.normalise import Folded, fold, is_light
from services.screening.core.qualify import Fact, facts, light_words, number_words, single_word
from services.screening.core.words import PLACEHOLDERS

SHORTEST: Final = 2
"""A name of fewer characters says nothing."""
STRENGTHS: Final = {Strength.EXACT: 0, Strength.STRONG: 1, Strength.WEAK: 2}


@dataclass(frozen=True, slots=True)
class Found:
    """A listed party found by one way of looking, before facts beside the name are weighed.

    is_exact: nothing about names or identifiers had to be judged.
    """

    entry: int
    queried: str
    listed: str
    score: float
    is_exact: bool
    evidence: tuple[Evidence, ...]
    judged: tuple[Fact, ...] = ()
    sound_score: float = 0.0


def screen(
    generation: Generation | None,
    query: PartyQuery,
    config: ScreeningConfig,
    *,
    floor: float | None = None,
    is_spent: Callable[[], bool] = unlimited,
) -> Screening:
    """Whether a party may be on a list, and why.

    (1) Names that cannot be judged are set aside with a reason. (2) Identifiers and whole names are looked up.
    (3) Similar names are found and scored. (4) Birth date, country, address and kind raise or lower each find.
    (5) What reaches the threshold is a hit, best first. CLEAR only when every name could be judged and nothing
    reached it.
    floor: scores from here to the threshold are listed as near misses; they do not change the result.
    is_spent: asked before each comparison whether the caller's budget is used up. What is then left undone gives the
    reason BUDGET_EXCEEDED: hits found so far are told, without one the result is UNDETERMINED. Identifiers and whole
    names of every name are looked up first, whatever the budget: that costs microseconds.
    """
    if generation is None or not generation.rows:
        return undetermined(config, Reason.INDEX_NOT_READY)
    names, reasons, flags = readable_names(query, config, generation.exact)
    budget = Budget(is_spent)
    exact = (find for name in names for find in _by_whole_name(generation, name, query.kind, config))
    alike = (
        find for name in names if budget.allows() for find in _by_likeness(generation, name, query.kind, config, budget)
    )
    finds = chain(_by_identifier(generation, query), exact, alike)
    judged = sorted(_best_of_each(_judged(generation, query, find, config) for find in finds), key=_order)
    if budget.was_cut:
        reasons = (*reasons, Reason.BUDGET_EXCEEDED)
    hits = tuple(hit for hit in judged if hit.score >= config.threshold)[: config.max_hits]
    near = tuple(hit for hit in judged if floor is not None and floor <= hit.score < config.threshold)[
        : config.max_hits
    ]
    result = Result.POSSIBLE_MATCH if hits else Result.UNDETERMINED if reasons else Result.CLEAR
    return Screening(
        result, generation.list_version_id, config.version, config.expected_alert_rate, hits, reasons, flags, near
    )


def undetermined(config: ScreeningConfig, reason: Reason, list_version_id: str = "") -> Screening:
    """The answer when screening could not be done or not finished."""
    return Screening(
        Result.UNDETERMINED, list_version_id, config.version, config.expected_alert_rate, reasons=(reason,)
    )


def readable_names(
    query: PartyQuery, config: ScreeningConfig, published: ExactIndex
) -> tuple[tuple[Folded, ...], tuple[Reason, ...], tuple[Flag, ...]]:
    """The names that can be judged, why others cannot, and tricks of writing seen in any of them.

    Blank aliases are ignored while another name is there; a party without any name is NAME_MISSING. A published name is
    judged however odd it looks: somebody on the lists is called "CCCC".
    """
    given = [text for text in query.names if text.strip()]
    if not given:
        return (), (Reason.NAME_MISSING,), ()
    if len(given) > config.max_names:
        return (), (Reason.TOO_MANY_NAMES,), ()
    names: dict[str, Folded] = {}
    reasons: dict[Reason, None] = {}
    flags: dict[Flag, None] = {}
    for text in given:
        name = fold(text) if len(text) <= config.max_name_length else None
        is_published = name is not None and bool(name.key) and bool(published.same_name(name))
        reason = None if is_published else _unreadable(name, config)
        if name is not None:
            flags.update(dict.fromkeys(name.flags))
        if reason is not None:
            reasons[reason] = None
        elif name is not None:
            names.setdefault(name.key, name)
    return tuple(names.values()), tuple(reasons), tuple(flags)


def _unreadable(name: Folded | None, config: ScreeningConfig) -> Reason | None:
    if name is None or len(name.words) > config.max_words:
        return Reason.NAME_TOO_LONG
    if not name.key:
        return Reason.NAME_UNREADABLE
    if sum(char.isalnum() for char in name.raw) < SHORTEST:
        return Reason.NAME_TOO_SHORT
    repeated = len(set(name.joined)) == 1
    return Reason.NAME_PLACEHOLDER if repeated or name.joined in PLACEHOLDERS else None


def _by_identifier(generation: Generation, query: PartyQuery) -> Iterable[Found]:
    for asked in query.identifiers:
        for entry, listed in generation.exact.same_identifier(asked):
            same = is_one_family(asked[0], listed[0])
            evidence = explain.same_identifier(asked, listed, same_family=same)
            name = query.names[0] if query.names else ""
            yield Found(entry, name, generation.entries[entry].name, 1.0 if same else 0.95, same, (evidence,))


def _by_whole_name(generation: Generation, name: Folded, kind: PartyKind, config: ScreeningConfig) -> Iterable[Found]:
    in_order = generation.exact.same_name(name)
    for listed in in_order:
        yield _whole(generation, name, listed, config, same_order=True)
    for listed in generation.exact.same_words(name):
        if listed not in in_order and _order_is_free(generation.entries[listed.entry], kind):
            yield _whole(generation, name, listed, config, same_order=False)


def _order_is_free(entry: Entry, kind: PartyKind) -> bool:
    """The words of a person's name come in any order; those of an organisation do not."""
    return PartyKind.PERSON in (entry.kind, kind) or entry.kind is PartyKind.UNKNOWN


def _whole(
    generation: Generation, name: Folded, listed: ListedName, config: ScreeningConfig, *, same_order: bool
) -> Found:
    entry = generation.entries[listed.entry]
    if not listed.is_whole:
        evidence = explain.part_of_name(name.raw, listed.published)
        return Found(listed.entry, name.raw, listed.published, config.part_of_published_name, False, (evidence,))
    in_order = same_order or fold(_given_name_first(listed.text)).key == name.key
    evidence = explain.exact_name(name.raw, listed.text, entry.name, same_order=in_order)
    return Found(listed.entry, name.raw, listed.text, 1.0, True, (evidence,))


def _given_name_first(text: str) -> str:
    """A name published as "FAMILY, Given" in the order it is spoken."""
    family, comma, given = text.partition(", ")
    return f"{given} {family}" if comma else text


def _by_likeness(
    generation: Generation, name: Folded, kind: PartyKind, config: ScreeningConfig, budget: Budget
) -> Iterable[Found]:
    for comparison in compare(generation, name, kind, config, budget):
        if comparison.row.key != name.key:
            for listed in comparison.row.names:
                yield _alike(generation, name, kind, listed, comparison, config)


def _alike(
    generation: Generation,
    name: Folded,
    kind: PartyKind,
    listed: ListedName,
    comparison: Comparison,
    config: ScreeningConfig,
) -> Found:
    words = comparison.alignment
    if not words.queried_rest and not words.listed_rest and _differ_in_legal_form(comparison):
        evidence = explain.legal_form_only(name.raw, listed.published)
        return Found(listed.entry, name.raw, listed.published, config.same_but_legal_form, False, (evidence,))
    entry = generation.entries[listed.entry]
    weights = config.facts
    rules = (
        number_words(name.raw, listed.text, entry, weights),
        light_words(words, weights),
        single_word(words, kind, weights),
    )
    judged = tuple(fact for fact in rules if fact is not None)
    evidence = explain.similar_name(name.raw, listed.published, comparison.score, words, by_sound=False)
    sound = comparison.sound_score if name.is_foreign else 0.0
    return Found(listed.entry, name.raw, listed.published, comparison.score, False, (evidence,), judged, sound)


def _differ_in_legal_form(comparison: Comparison) -> bool:
    pairs = comparison.alignment.pairs
    return all(pair.queried == pair.listed for pair in pairs) and any(not is_light(pair.listed) for pair in pairs)


def _judged(generation: Generation, query: PartyQuery, find: Found, config: ScreeningConfig) -> Hit:
    entry = generation.entries[find.entry]
    known = (*find.judged, *facts(query, entry, config.facts))
    contradicted = any(fact.evidence.effect is Effect.CONTRADICTS for fact in known)
    by_identifier = any(one.kind is EvidenceKind.IDENTIFIER for one in find.evidence)
    # An identifier is stronger than any fact declared beside it.
    if find.is_exact and (by_identifier or not contradicted):
        score, strength = 1.0, Strength.EXACT
    elif find.is_exact:
        score, strength = config.contradicted, Strength.STRONG
    else:
        score = _by_sound(find, known, moved(find.score, sum(fact.weight for fact in known)), config)
        strength = Strength.STRONG if score >= config.strong else Strength.WEAK
    return Hit(
        entry_id=entry.entry_id,
        list_code=entry.list_code,
        entry_hash=entry.content_hash,
        matched_name=find.listed,
        queried_name=find.queried,
        score=round(score, 4),
        strength=strength,
        explanation=(*find.evidence, *(fact.evidence for fact in known)),
        programs=entry.programs,
        source_list=entry.source_list,
        source_url=entry.source_url,
    )


def _by_sound(find: Found, known: tuple[Fact, ...], score: float, config: ScreeningConfig) -> float:
    """A name of another script may reach the threshold by sound, with a fact that supports it or very close."""
    supported = any(fact.evidence.effect is Effect.SUPPORTS for fact in known)
    contradicted = any(fact.evidence.effect is Effect.CONTRADICTS for fact in known)
    needed = config.cross_script_threshold if supported else config.cross_script_alone
    reached = find.sound_score >= needed and not contradicted
    return max(score, config.threshold) if reached else score


def _best_of_each(hits: Iterable[Hit]) -> Iterable[Hit]:
    """The best hit of every entry."""
    best: dict[str, Hit] = {}
    for hit in hits:
        known = best.get(hit.entry_id)
        if known is None or _order(hit) < _order(known):
            best[hit.entry_id] = hit
    return best.values()


def _order(hit: Hit) -> tuple[float, int, str, str]:
    return (-hit.score, STRENGTHS[hit.strength], hit.entry_id, hit.matched_name)
