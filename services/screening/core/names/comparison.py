"""Compares a queried name with its candidates from the list index and ranks them.

Uses names only. Facts beside the names are compared in `matching.supporting_facts`.
"""

from collections.abc import Callable, Sequence
from math import exp, log
from typing import Final, NamedTuple

import numpy as np
from rapidfuzz import fuzz, process

from services.screening.core.config import NonLatinWeights, ScreeningConfig
from services.screening.core.model import PartyKind
from services.screening.core.names.budget import Budget
from services.screening.core.names.index import IndexedName, ListIndex
from services.screening.core.names.normalisation import (
    NormalisedName,
    core_words,
    other_pronunciation,
)
from services.screening.core.names.search_terms import name_skeleton
from services.screening.core.names.similarity_features import (
    ComparedName,
    SimilarityFeatures,
    features_of,
)
from services.screening.core.names.token_alignment import Aligner, Alignment
from services.screening.core.names.word_similarity import (
    MIN_UNVOWELLED,
    SAME_MEANING,
    syllable_similarity,
    unvowelled_similarity,
    word_similarity,
)

HIGHEST_INEXACT: Final = 0.99
"""Highest score of a name that is not exactly the listed one."""
MIN_COVERAGE_TO_VOWEL: Final = 0.6
"""Coverage from which an unvowelled name is compared again with the vowels of the listed name."""
BATCH: Final = 8
"""Names compared before the next decision whether to go on."""


class Comparison(NamedTuple):
    """The result of comparing a queried name with an indexed one.

    score: the name score as a probability. sound_score: agreement by sound alone, 0..1.
    """

    row: IndexedName
    score: float
    sound_score: float
    alignment: Alignment
    features: SimilarityFeatures


def sigmoid(log_odds: float) -> float:
    """Returns the probability that belongs to log-odds."""
    return 1.0 / (1.0 + exp(-log_odds))


def shifted(score: float, by: float) -> float:
    """Returns a score moved by log-odds. The result stays within 0..1."""
    bounded = min(max(score, 1e-6), 1 - 1e-6)
    return sigmoid(log(bounded / (1 - bounded)) + by)


def discounted_person_score(score: float, config: ScreeningConfig) -> float:
    """Returns a lower score for a person's name that is only similar.

    Scores up to the threshold stay as they are.

    Strangers have similar names more often than firms have.
    """
    if score <= config.threshold:
        return score
    threshold = log(config.threshold / (1 - config.threshold))
    above = log(score / (1 - score)) - threshold
    kept = max(above * config.person_log_odds_share, above - config.person_max_discount)
    return sigmoid(threshold + kept)


def compare(
    index: ListIndex,
    name: NormalisedName,
    kind: PartyKind,
    config: ScreeningConfig,
    budget: Budget,
) -> tuple[Comparison, ...]:
    """Returns the most similar listed names, best first.

    The index returns candidates. Each further stage costs more and keeps fewer of them: letters of
    the whole name, an estimate of the coverage, the alignment of words, the name score. The last
    stage stops when the budget is spent or when a whole batch stays below `config.promising`.
    """
    return _Comparer(index, name, kind, config).ranked(budget)


class _Candidate(NamedTuple):
    """An indexed name with its similarity of letters and of shared words, both 0..1."""

    row: IndexedName
    token_set_ratio: float
    letter_ratio: float


class _Comparer:
    """A queried name in its prepared forms."""

    __slots__ = (
        "_compared",
        "_config",
        "_core",
        "_index",
        "_is_non_latin",
        "_kind",
        "_name",
        "_skeletons",
    )

    def __init__(
        self, index: ListIndex, name: NormalisedName, kind: PartyKind, config: ScreeningConfig
    ) -> None:
        self._index = index
        self._name = name
        self._kind = kind
        self._config = config
        self._is_non_latin = name.is_non_latin
        self._core = core_words(name.words, is_person=kind is PartyKind.PERSON)
        self._compared = ComparedName(name.joined, self._core, " ".join(sorted(self._core)))
        self._skeletons = [name_skeleton(self._core)]
        if name.is_unvowelled and (
            other := name_skeleton([other_pronunciation(word) for word in self._core])
        ):
            self._skeletons.append(other)

    def ranked(self, budget: Budget) -> tuple[Comparison, ...]:
        candidates = self._closest_by_letters()
        aligner = Aligner(self._core, self._index.word_weights, _similarity_for(self._name))
        aligner.precompute(one.row.words for one in candidates)
        candidates.sort(
            key=lambda one: (
                -(
                    one.letter_ratio
                    + 0.5 * one.token_set_ratio
                    + aligner.estimate_coverage(one.row.words)
                )
            )
        )
        aligned = [
            (one, aligner.align(one.row.words)) for one in candidates[: self._config.max_aligned]
        ]
        aligned.sort(
            key=lambda one: (
                -(one[0].letter_ratio + one[1].queried_coverage + 0.5 * one[1].listed_coverage)
            )
        )
        compared = self._scored_while_promising(aligned[: self._config.max_compared], budget)
        return tuple(
            sorted(compared, key=lambda comparison: (-comparison.score, comparison.row.key))
        )

    def _scored_while_promising(
        self, aligned: Sequence[tuple[_Candidate, Alignment]], budget: Budget
    ) -> list[Comparison]:
        """Returns the comparisons of all batches up to the first without a promising score."""
        compared: list[Comparison] = []
        for start in range(0, len(aligned), BATCH):
            batch = [
                (one.row, alignment, self._features(one.row, one.token_set_ratio, alignment))
                for one, alignment in aligned[start : start + BATCH]
                if budget.allows()
            ]
            scores = self._log_odds([features for _, _, features in batch])
            found = [
                Comparison(
                    row,
                    min(sigmoid(score), HIGHEST_INEXACT),
                    _sound_score(features),
                    alignment,
                    features,
                )
                for (row, alignment, features), score in zip(batch, scores, strict=True)
            ]
            compared += found
            if not any(comparison.score >= self._config.promising for comparison in found):
                break
        return compared

    def _log_odds(self, names: Sequence[SimilarityFeatures]) -> list[float]:
        scores = self._config.name_score.log_odds(names)
        if not self._is_non_latin:
            return scores
        weights = self._config.non_latin
        shift = weights.score_shift(has_cjk=self._name.has_cjk)
        return [
            max(score + shift, _non_latin_log_odds(features, weights))
            for score, features in zip(scores, names, strict=True)
        ]

    def _closest_by_letters(self) -> list[_Candidate]:
        """Returns the candidates that are most similar by letters and shared words, best first.

        For names in other scripts sound counts too. Letters are compared in the order of the words
        and with the words sorted: a wrong first letter changes the sorted order.
        """
        index = self._index
        found = index.candidates(self._name, self._kind, self._config.candidates_per_pass)
        if not found:
            return []
        keys, sorted_words = index.spellings.keys, index.spellings.sorted_words
        choices = [sorted_words[position] for position in found]
        letters = np.maximum(
            process.cdist([self._compared.sorted_words], choices, scorer=fuzz.ratio)[0],
            process.cdist(
                [self._name.key], [keys[position] for position in found], scorer=fuzz.ratio
            )[0],
        )
        letters /= 100
        shared = process.cdist([self._compared.sorted_words], choices, scorer=fuzz.token_set_ratio)[
            0
        ]
        shared = shared / 100
        likely = letters + 0.5 * shared
        if self._name.is_non_latin:
            skeletons = [index.skeletons[position] for position in found]
            by_sound = process.cdist(self._skeletons, skeletons, scorer=fuzz.ratio)
            likely += by_sound.max(axis=0) / 100
        best = np.argsort(-likely, kind="stable")[: self._config.max_by_letters].tolist()
        return [
            _Candidate(index.rows[found[at]], float(shared[at]), float(letters[at])) for at in best
        ]

    def _features(
        self, row: IndexedName, token_set_ratio: float, alignment: Alignment
    ) -> SimilarityFeatures:
        may_adapt = self._name.is_unvowelled or (
            self._is_non_latin and _has_equivalent_given_name(alignment)
        )
        if (
            may_adapt
            and alignment.queried_coverage >= MIN_COVERAGE_TO_VOWEL
            and (adapted := self._adapted_to(alignment))
        ):
            return adapted.features_when_adapted(row, alignment)
        return self._plain_features(row, token_set_ratio, alignment)

    def features_when_adapted(self, row: IndexedName, original: Alignment) -> SimilarityFeatures:
        """Returns the features of a name adapted to a listed one.

        Words keep the similarities of the original alignment, so that the adaptation does not hide
        a difference.
        """
        ratio = fuzz.token_set_ratio(self._compared.sorted_words, row.sorted_words) / 100
        return self._plain_features(row, ratio, original)

    def _adapted_to(self, alignment: Alignment) -> "_Comparer | None":
        """Returns the queried name with the vowels, or the forms of given names, of the listed one.

        Returns None if no word changes.
        """
        words = list(self._core)
        for pair in alignment.pairs:
            if pair.queried != pair.listed and self._is_same_word(pair.similarity):
                _replace(words, pair.queried.split(), pair.listed.split())
        if tuple(words) == self._core:
            return None
        key = " ".join(words)
        adapted = NormalisedName(key, key, tuple(words), (), is_non_latin=False)
        return _Comparer(self._index, adapted, self._kind, self._config)

    def _is_same_word(self, similarity: float) -> bool:
        if self._name.is_unvowelled:
            return similarity >= MIN_UNVOWELLED
        return similarity == SAME_MEANING

    def _plain_features(
        self, row: IndexedName, token_set_ratio: float, alignment: Alignment
    ) -> SimilarityFeatures:
        is_unknown = self._kind is PartyKind.UNKNOWN
        return features_of(
            self._compared,
            ComparedName(row.joined, row.words, row.sorted_words),
            alignment,
            self._index.word_weights,
            token_set_ratio=token_set_ratio,
            skeleton_ratio=max(fuzz.ratio(own, row.skeleton) for own in self._skeletons) / 100,
            is_person=row.is_person if is_unknown else self._kind is PartyKind.PERSON,
            is_listed_person=row.is_person,
        )


def _has_equivalent_given_name(alignment: Alignment) -> bool:
    """Returns whether a given name differs in form only: Oleksandr and Alyaksandr."""
    return any(
        pair.similarity == SAME_MEANING and pair.queried != pair.listed for pair in alignment.pairs
    )


def _non_latin_log_odds(features: SimilarityFeatures, weights: NonLatinWeights) -> float:
    return (
        weights.base
        + weights.token_set_ratio * features.token_set_ratio
        + weights.letter_ratio * max(features.letter_ratio, features.sorted_ratio)
        + weights.closely_paired_weight * (1 - exp(-features.closely_paired_weight))
        + weights.queried_worst_word * features.queried_worst_word
        + weights.listed_worst_word * features.listed_worst_word
        + weights.skeleton_ratio * features.skeleton_ratio
        - weights.queried_unpaired_weight * min(features.queried_unpaired_weight, 2.0)
    )


def _sound_score(features: SimilarityFeatures) -> float:
    return (
        0.4 * features.skeleton_ratio
        + 0.4 * features.queried_coverage
        + 0.2 * features.listed_coverage
    )


def _similarity_for(name: NormalisedName) -> Callable[[str, str], float]:
    """Returns the function that compares two words of a name in this script."""
    if name.is_unvowelled:
        return unvowelled_similarity
    return syllable_similarity if name.is_syllabic else word_similarity


def _replace(words: list[str], old: Sequence[str], new: Sequence[str]) -> None:
    """Replaces the first occurrence of a run of words in place."""
    for at in range(len(words) - len(old) + 1):
        if words[at : at + len(old)] == list(old):
            words[at : at + len(old)] = new
            return
