"""Screens a party against a generation of the index. Knows the order of judgement; the rules stand elsewhere.

Fails closed: whatever cannot be judged is UNDETERMINED, never CLEAR.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final

from services.screening.core.config import ScreeningConfig
from services.screening.core.matching.name_facts import (
    SHORT_WORD,
    characters,
    common_names,
    countries_named,
    disguised,
    filiation,
    light_words,
    number_words,
    patronymics,
    single_word,
)
from services.screening.core.matching.supporting_facts import Fact, facts
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
from services.screening.core.names import explanations
from services.screening.core.names.budget import Budget, unlimited
from services.screening.core.names.comparison import (
    HIGHEST_INEXACT,
    Comparison,
    compare,
    discounted_person_score,
    shifted,
)
from services.screening.core.names.identifiers import (
    identifier_key,
    is_globally_unique,
    is_same_family,
)
from services.screening.core.names.index import ListIndex
from services.screening.core.names.judgeable import JudgeableName, judgeable_names
from services.screening.core.names.name_frequency import rarity
from services.screening.core.names.normalisation import is_stop_word, normalise, without_legal_forms
from services.screening.core.names.published_names import ListedName, given_name_first, lacks_vowels
from services.screening.core.names.similarity_features import SimilarityFeatures, is_generic
from services.screening.core.names.token_alignment import Alignment
from services.screening.core.names.translation_match import MatchBasis, TranslationMatch
from services.screening.core.names.variants import Variant

OTHER_IDENTIFIER: Final = 0.95
"""Score of an identifier of another type, or of a short one, before facts beside it."""
UNREACHED: Final = 0.5
"""What is left of a score that does not reach the second channel's threshold: a near miss, far from a hit."""
OWN: Final = 0.8
"""A word so rare on the list and among people is a firm's own."""
ROUNDING: Final = 0.0001
"""Scores are told to so much."""
STRENGTHS: Final = {Strength.EXACT: 0, Strength.STRONG: 1, Strength.WEAK: 2}


@dataclass(frozen=True, slots=True)
class Found:
    """A listed party found by one way of looking, before facts beside the name are weighed.

    is_exact: nothing about names or identifiers had to be judged. is_alike: the names are alike, no more. is_kin: one
    is the other's translation or acronym. flag: a trick of writing that had to be seen through.
    """

    entry: int
    queried: str
    listed: str
    score: float
    is_exact: bool
    evidence: tuple[Evidence, ...]
    judged: tuple[Fact, ...] = ()
    sound_score: float = 0.0
    is_alike: bool = False
    is_kin: bool = False
    flag: Flag | None = None


def screen(
    generation: ListIndex | None,
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
    names, reasons, flags = judgeable_names(query, config, generation.exact)
    budget = Budget(is_spent)
    worth = _Worth.of(query, config, floor)
    exact = (
        find
        for name in names
        for variant in name.variants
        for find in _by_whole_name(generation, name, variant, query.kind, config)
    )
    alike = (
        find
        for name in names
        for variant in name.variants
        if variant.is_fuzzy and budget.allows()
        for find in _by_likeness(generation, name, variant, query.kind, config, budget, worth)
    )
    kin = (
        find
        for name in names
        for variant in name.variants
        if variant.is_fuzzy and budget.allows()
        for find in _by_kinship(generation, name, variant)
    )
    finds = chain(_by_identifier(generation, query), exact, alike, kin)
    judged = sorted(
        _best_of_each((_judged(generation, query, find, config), find.flag) for find in finds),
        key=_order,
    )
    if budget.was_cut:
        reasons = (*reasons, Reason.BUDGET_EXCEEDED)
    found = [(hit, flag) for hit, flag in judged if hit.score >= config.threshold][
        : config.max_hits
    ]
    near = [
        hit for hit, _ in judged if floor is not None and floor <= hit.score < config.threshold
    ][: config.max_hits]
    return Screening(
        Result.POSSIBLE_MATCH if found else Result.UNDETERMINED if reasons else Result.CLEAR,
        generation.list_version_id,
        config.version,
        config.expected_alert_rate,
        tuple(hit for hit, _ in found),
        reasons,
        tuple(dict.fromkeys((*flags, *(flag for _, flag in found if flag is not None)))),
        tuple(near),
    )


@dataclass(frozen=True, slots=True)
class _Worth:
    """Whether a comparison can come to anything that is told: explaining the others is half as dear as comparing them.

    least: the lowest score that is told, less what rounding may add. facts: the most that facts beside the name add to
    log-odds. sound: the least score by sound that may be a hit.
    """

    least: float
    facts: float
    sound: float

    @classmethod
    def of(cls, query: PartyQuery, config: ScreeningConfig, floor: float | None) -> "_Worth":
        least = config.threshold if floor is None else min(config.threshold, floor)
        weights = config.facts
        beside = [
            weights.kind_differs,
            weights.numbers_differ,
            weights.characters_differ,
            weights.number_missing,
            weights.single_short_word * SHORT_WORD,
        ]
        if query.birth_date:
            beside += (
                weights.birth_day_agrees,
                weights.birth_year_agrees,
                weights.birth_date_differs,
            )
        if query.countries:
            beside += weights.country_agrees, weights.country_differs
        if query.addresses:
            beside.append(weights.address_agrees)
        most = sum(max(weight, 0.0) for weight in beside)
        return cls(
            least - ROUNDING,
            most,
            min(config.cross_script_threshold, config.cross_script_threshold_alone),
        )

    def allows(self, comparison: Comparison, more: float, *, is_non_latin: bool) -> bool:
        """Whether it may be told, or is of names of the same words, whose score is another one.

        more: what the way in which the name is written adds.
        """
        return (
            shifted(comparison.score, self.facts + more) >= self.least
            or (is_non_latin and comparison.sound_score >= self.sound)
            or _is_same(comparison)
            or _is_short_form(comparison.alignment)
        )


def considered(
    generation: ListIndex, query: PartyQuery, config: ScreeningConfig
) -> Iterator[tuple[Entry, SimilarityFeatures, float]]:
    """What a screening by likeness rests on, for those who fit its scores.

    Entries, each with the likeness of a name of theirs and the log-odds that facts and the script add. Names with all
    words in common and short forms are left out: their score is another one.
    """
    names, _, _ = judgeable_names(query, config, generation.exact)
    for name in names:
        for variant in name.variants:
            if variant.is_fuzzy:
                for comparison in compare(generation, variant.name, query.kind, config, Budget()):
                    yield from _considered(generation, query, name, variant, comparison, config)


def _considered(
    generation: ListIndex,
    query: PartyQuery,
    name: JudgeableName,
    variant: Variant,
    comparison: Comparison,
    config: ScreeningConfig,
) -> Iterator[tuple[Entry, SimilarityFeatures, float]]:
    for listed in comparison.row.names:
        entry = generation.entries[listed.entry]
        find = _alike(generation, name, variant, query.kind, listed, comparison, config)
        if not find.is_alike:
            continue
        known = (*find.judged, *facts(query, entry, config.facts))
        weights, read = config.non_latin, variant.name
        by = weights.score_shift(has_cjk=read.has_cjk) if read.is_non_latin else 0.0
        yield entry, comparison.features, sum(fact.weight for fact in known) + by


def undetermined(config: ScreeningConfig, reason: Reason, list_version_id: str = "") -> Screening:
    """The answer when screening could not be done or not finished."""
    return Screening(
        Result.UNDETERMINED,
        list_version_id,
        config.version,
        config.expected_alert_rate,
        reasons=(reason,),
    )


def _by_identifier(generation: ListIndex, query: PartyQuery) -> Iterable[Found]:
    for asked in query.identifiers:
        for entry, listed in generation.exact.with_identifier(asked):
            same = is_same_family(asked[0], listed[0])
            is_certain = same and is_globally_unique(identifier_key(listed[1]) or "")
            evidence = explanations.same_identifier(asked, listed, same_family=same)
            name = query.names[0] if query.names else ""
            score = 1.0 if is_certain else OTHER_IDENTIFIER
            yield Found(entry, name, generation.entries[entry].name, score, is_certain, (evidence,))


def _by_whole_name(
    generation: ListIndex,
    name: JudgeableName,
    variant: Variant,
    kind: PartyKind,
    config: ScreeningConfig,
) -> Iterable[Found]:
    """Listed parties of this name: in its order, in any order for persons, and with words divided otherwise."""
    exact, read = generation.exact, variant.name
    known = exact.with_name(read)
    for listed in known:
        yield _whole(generation, name, variant, listed, config, same_order=True)
    for listed in exact.with_words(read):
        if listed not in known and _order_is_free(generation.entries[listed.entry], kind):
            yield _whole(generation, name, variant, listed, config, same_order=False)
    for listed in exact.with_letters(read):
        if listed not in known:
            evidence = explanations.same_letters(name.text, listed.published, variant.description)
            yield _found(name, listed, config.part_of_name_score, evidence, variant)


def _order_is_free(entry: Entry, kind: PartyKind) -> bool:
    """The words of a person's name come in any order; those of an organisation do not."""
    return PartyKind.PERSON in (entry.kind, kind) or entry.kind is PartyKind.UNKNOWN


def _whole(
    generation: ListIndex,
    name: JudgeableName,
    variant: Variant,
    listed: ListedName,
    config: ScreeningConfig,
    *,
    same_order: bool,
) -> Found:
    entry = generation.entries[listed.entry]
    if not listed.is_whole:
        is_read = lacks_vowels(listed.published) and not lacks_vowels(listed.text)
        tell = explanations.vowelled_name if is_read else explanations.part_of_name
        evidence = tell(name.text, listed.published, variant.description)
        whole = name.text, listed.published
        number = number_words(variant.name.cleaned, listed.text, whole, entry, config.facts)
        countries = countries_named(whole, entry, config.facts)
        return _found(name, listed, config.part_of_name_score, evidence, variant, number, countries)
    in_order = same_order or normalise(given_name_first(listed.text)).key == variant.name.key
    evidence = explanations.exact_name(
        name.text, listed.text, entry.name, same_order=in_order, description=variant.description
    )
    differ = characters(name.text, listed.text, config.facts)
    if not in_order:
        differ = differ or filiation(
            variant.name.words, normalise(given_name_first(listed.text)).words, config.facts
        )
    if differ is not None:
        return _found(name, listed, config.part_of_name_score, evidence, variant, differ)
    if variant.description:
        return _found(name, listed, config.part_of_name_score, evidence, variant)
    return replace(_found(name, listed, 1.0, evidence, variant), is_exact=True)


def _found(
    name: JudgeableName,
    listed: ListedName,
    score: float,
    evidence: Evidence,
    variant: Variant,
    *judged: Fact | None,
) -> Found:
    """judged: what rules say of the names, None where they say nothing."""
    said = tuple(fact for fact in judged if fact is not None)
    return Found(
        listed.entry,
        name.text,
        listed.published,
        score,
        False,
        (evidence,),
        said,
        flag=variant.flag,
    )


def _by_likeness(
    generation: ListIndex,
    name: JudgeableName,
    variant: Variant,
    kind: PartyKind,
    config: ScreeningConfig,
    budget: Budget,
    worth: "_Worth",
) -> Iterable[Found]:
    for comparison in compare(generation, variant.name, kind, config, budget):
        more = config.facts.disguised if variant.flag is not None else 0.0
        if not worth.allows(comparison, more, is_non_latin=variant.name.is_non_latin):
            continue
        key = comparison.row.key
        is_reordered = (
            key != variant.name.key and " ".join(sorted(key.split())) == variant.name.sorted_key
        )
        for listed in comparison.row.names:
            by_exact_stage = is_reordered and _order_is_free(generation.entries[listed.entry], kind)
            if key != variant.name.key and not by_exact_stage:
                yield _alike(generation, name, variant, kind, listed, comparison, config)


def _alike(
    generation: ListIndex,
    name: JudgeableName,
    variant: Variant,
    kind: PartyKind,
    listed: ListedName,
    comparison: Comparison,
    config: ScreeningConfig,
) -> Found:
    words, read = comparison.alignment, variant.name
    entry, weights = generation.entries[listed.entry], config.facts
    whole = name.text, listed.published
    number = number_words(read.cleaned, listed.text, whole, entry, weights)
    if _is_same(comparison):
        ours, theirs = (
            without_legal_forms(read.words),
            without_legal_forms(tuple(comparison.row.key.split())),
        )
        is_legal_form = ours == theirs
        evidence = explanations.same_words(
            name.text, listed.published, variant.description, but_legal_form=is_legal_form
        )
        return _found(name, listed, config.legal_form_differs_score, evidence, variant, number)
    if (
        entry.kind is not PartyKind.PERSON
        and kind is not PartyKind.PERSON
        and _is_short_form(words)
    ):
        evidence = explanations.short_form(
            name.text, listed.published, words.listed_unpaired, variant.description
        )
        return _found(name, listed, config.short_form_score, evidence, variant, number)
    rules = (
        number,
        characters(name.text, listed.published, weights),
        countries_named(whole, entry, weights),
        patronymics(whole, entry, weights),
        light_words(words, entry),
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
    return replace(
        _found(name, listed, comparison.score, evidence, variant, *rules),
        is_alike=True,
        sound_score=comparison.sound_score if read.is_non_latin else 0.0,
    )


def _by_kinship(generation: ListIndex, name: JudgeableName, variant: Variant) -> Iterable[Found]:
    """Organisations of whose name this one is a translation, an acronym or the long form."""
    for kin in generation.translations.find(variant.name):
        for listed in generation.rows[kin.row].names:
            yield replace(
                _found(name, listed, kin.score, _told(name, listed, kin), variant), is_kin=True
            )


def _told(name: JudgeableName, listed: ListedName, kin: TranslationMatch) -> Evidence:
    if kin.basis is MatchBasis.MEANING:
        return explanations.same_meaning(name.text, listed.published, kin.recognised)
    ((short, words),) = kin.recognised
    return explanations.acronym(name.text, listed.published, short, words)


def _is_same(comparison: Comparison) -> bool:
    """Whether both names have the same words, not all of them light."""
    words = comparison.alignment
    if words.queried_unpaired or words.listed_unpaired:
        return False
    pairs = words.pairs
    return all(pair.queried == pair.listed for pair in pairs) and any(
        not is_stop_word(pair.listed) for pair in pairs
    )


def _is_short_form(words: Alignment) -> bool:
    """Whether a name is the other one without its general words, as firms are called for short.

    What is left must be its own: a word that is rare on the list and among people, too.
    """
    if words.queried_unpaired or not words.pairs or not all(map(is_generic, words.listed_unpaired)):
        return False
    if any(pair.queried != pair.listed for pair in words.pairs):
        return False
    return any(
        min(pair.weight, rarity(pair.listed)) >= OWN and not is_generic(pair.listed)
        for pair in words.pairs
    )


def _judged(generation: ListIndex, query: PartyQuery, find: Found, config: ScreeningConfig) -> Hit:
    entry = generation.entries[find.entry]
    known = (*find.judged, *facts(query, entry, config.facts))
    contradicted = any(fact.evidence.effect is Effect.CONTRADICTS for fact in known)
    by_identifier = any(one.kind is EvidenceKind.IDENTIFIER for one in find.evidence)
    # An identifier is stronger than any fact declared beside it.
    if find.is_exact and (by_identifier or not contradicted):
        score, strength = 1.0, Strength.EXACT
    elif find.is_exact:
        score, strength = config.contradicted_exact_score, Strength.STRONG
    else:
        by_name = shifted(find.score, sum(fact.weight for fact in known))
        score = _by_kin(by_name, config) if find.is_kin else _by_sound(find, known, by_name, config)
        if any(fact.is_bar for fact in known):
            score = min(score, config.threshold - config.bar_margin)
        if find.is_alike and PartyKind.PERSON is (
            entry.kind if query.kind is PartyKind.UNKNOWN else query.kind
        ):
            score = discounted_person_score(score, config)
        score = min(score, HIGHEST_INEXACT)
        strength = Strength.STRONG if score >= config.strong_threshold else Strength.WEAK
    return Hit(
        entry_id=entry.entry_id,
        list_code=entry.list_code,
        entry_hash=entry.content_hash,
        matched_name=find.listed,
        queried_name=find.queried,
        score=round(score, 4),
        strength=strength,
        explanation=(
            *find.evidence,
            explanations.listed_as(entry, generation.list_version_id, config.version),
            *(fact.evidence for fact in known),
        ),
        programs=entry.programs,
        source_list=entry.source_list,
        source_url=entry.source_url,
    )


def _by_sound(find: Found, known: tuple[Fact, ...], score: float, config: ScreeningConfig) -> float:
    """A name of another script may reach the threshold by sound, with a fact that supports it or very close."""
    supported = any(fact.evidence.effect is Effect.SUPPORTS for fact in known)
    contradicted = any(fact.evidence.effect is Effect.CONTRADICTS for fact in known)
    needed = config.cross_script_threshold if supported else config.cross_script_threshold_alone
    reached = find.sound_score >= needed and not contradicted
    return max(score, config.threshold) if reached else score


def _by_kin(score: float, config: ScreeningConfig) -> float:
    """The second channel's own score on the scale of hits: its threshold is theirs, and nothing of it is strong."""
    if score < config.translation_threshold:
        return score * UNREACHED
    above = (score - config.translation_threshold) / (1 - config.translation_threshold)
    return config.threshold + above * (config.strong_threshold - config.threshold)


def _best_of_each(hits: Iterable[tuple[Hit, Flag | None]]) -> Iterable[tuple[Hit, Flag | None]]:
    """The best hit of every entry."""
    best: dict[str, tuple[Hit, Flag | None]] = {}
    for hit in hits:
        known = best.get(hit[0].entry_id)
        if known is None or _order(hit) < _order(known):
            best[hit[0].entry_id] = hit
    return best.values()


def _order(found: tuple[Hit, Flag | None]) -> tuple[float, int, str, str]:
    hit, _ = found
    return (-hit.score, STRENGTHS[hit.strength], hit.entry_id, hit.matched_name)
