"""Compares one queried name with its candidates and ranks them. Knows names alone; facts are for `qualify`."""

from collections.abc import Callable, Sequence
from math import exp, log
from typing import Final, NamedTuple

import numpy as np
from rapidfuzz import fuzz, process

from services.screening.core.config import ForeignWeights, ScreeningConfig
from services.screening.core.model import PartyKind
from services.screening.core.names.budget import Budget
from services.screening.core.names.index import ListIndex, Row, whole_sound
from services.screening.core.names.normalisation import Folded, heard_otherwise, name_words
from services.screening.core.names.similarity_features import Form, Likeness, likeness_of
from services.screening.core.names.token_alignment import (
    LEAST_READ,
    SAME_MEANING,
    Aligner,
    Alignment,
    likeness,
    read_likeness,
    syllable_likeness,
)

HIGHEST_INEXACT: Final = 0.99
"""Only an exact name scores 1."""
HEARD: Final = 0.6
"""Share of a name without vowels that must agree before it is read with the vowels of the listed name."""
FEW: Final = 8
"""Names that are compared before it is asked whether more are worth it."""


class Comparison(NamedTuple):
    """A queried name beside a listed one: name score, score by sound alone, words side by side, likeness in figures."""

    row: Row
    score: float
    sound_score: float
    alignment: Alignment
    likeness: Likeness


def sigmoid(log_odds: float) -> float:
    """The probability of log-odds."""
    return 1.0 / (1.0 + exp(-log_odds))


def moved(score: float, by: float) -> float:
    """A score moved by log-odds; it stays within 0..1."""
    bounded = min(max(score, 1e-6), 1 - 1e-6)
    return sigmoid(log(bounded / (1 - bounded)) + by)


def doubted(score: float, config: ScreeningConfig) -> float:
    """The score of a person's name that is only alike: above the threshold it rises more slowly, below it stays."""
    if score <= config.threshold:
        return score
    least = log(config.threshold / (1 - config.threshold))
    above = log(score / (1 - score)) - least
    return sigmoid(least + max(above * config.person_share, above - config.person_doubt))


def compare(
    generation: ListIndex, name: Folded, kind: PartyKind, config: ScreeningConfig, budget: Budget
) -> tuple[Comparison, ...]:
    """The closest listed names, best first.

    Candidates come from the index; letters, then words one by one, then names side by side, then every likeness decide
    which of them go on, the likeliest first, for as long as the budget allows.
    """
    return _Comparer(generation, name, kind, config).ranked(budget)


class _Close(NamedTuple):
    """A listed name, the words it shares with the queried one and how alike their letters are, each 0..1."""

    row: Row
    shared: float
    letters: float


class _Comparer:
    """One queried name with its prepared forms."""

    __slots__ = (
        "_config",
        "_core",
        "_form",
        "_generation",
        "_is_foreign",
        "_kind",
        "_name",
        "_sounds",
    )

    def __init__(
        self, generation: ListIndex, name: Folded, kind: PartyKind, config: ScreeningConfig
    ) -> None:
        self._generation = generation
        self._name = name
        self._kind = kind
        self._config = config
        self._is_foreign = name.is_foreign
        self._core = name_words(name.words, is_person=kind is PartyKind.PERSON)
        self._form = Form(name.joined, self._core, " ".join(sorted(self._core)))
        self._sounds = [whole_sound(self._core)]
        if name.is_unvowelled and (
            other := whole_sound([heard_otherwise(word) for word in self._core])
        ):
            self._sounds.append(other)

    def ranked(self, budget: Budget) -> tuple[Comparison, ...]:
        close = self._closest_by_letters()
        aligner = Aligner(self._core, self._generation.weights, _likeness_for(self._name))
        aligner.learn(one.row.words for one in close)
        close.sort(key=lambda one: -(one.letters + 0.5 * one.shared + aligner.reach(one.row.words)))
        aligned = [
            (one, aligner.align(one.row.words)) for one in close[: self._config.aligned_names]
        ]
        aligned.sort(
            key=lambda one: -(one[0].letters + one[1].queried_share + 0.5 * one[1].listed_share)
        )
        compared = self._compared_while_promising(aligned[: self._config.compared_names], budget)
        return tuple(
            sorted(compared, key=lambda comparison: (-comparison.score, comparison.row.key))
        )

    def _compared_while_promising(
        self, aligned: Sequence[tuple[_Close, Alignment]], budget: Budget
    ) -> list[Comparison]:
        """The comparisons of the likeliest, a few at a time, for as long as one of the last few came to something."""
        compared: list[Comparison] = []
        for start in range(0, len(aligned), FEW):
            few = aligned[start : start + FEW]
            measured = [
                (one.row, words, self._measured(one.row, one.shared, words))
                for one, words in few
                if budget.allows()
            ]
            scores = self._log_odds([likeness for _, _, likeness in measured])
            found = [
                Comparison(
                    row,
                    min(sigmoid(score), HIGHEST_INEXACT),
                    _sound_score(likeness),
                    words,
                    likeness,
                )
                for (row, words, likeness), score in zip(measured, scores, strict=True)
            ]
            compared += found
            if not any(comparison.score >= self._config.promising for comparison in found):
                break
        return compared

    def _log_odds(self, names: Sequence[Likeness]) -> list[float]:
        scores = self._config.name_score.log_odds(names)
        if not self._is_foreign:
            return scores
        weights = self._config.foreign_names
        moved_by = weights.moved_by(in_characters=self._name.in_characters)
        return [
            max(score + moved_by, _by_sound(each, weights))
            for score, each in zip(scores, names, strict=True)
        ]

    def _closest_by_letters(self) -> list[_Close]:
        """Rows in the order in which they are likely, by letters, shared words and, of other scripts, sound.

        Letters are compared with the words in alphabetical order and in their own: a first letter that is wrong changes
        the former.
        """
        generation = self._generation
        found = generation.candidates(self._name, self._kind, self._config.candidates_per_pass)
        if not found:
            return []
        keys, ordered = generation.spellings.keys, generation.spellings.ordered
        choices = [ordered[position] for position in found]
        letters = np.maximum(
            process.cdist([self._form.ordered], choices, scorer=fuzz.ratio)[0],
            process.cdist(
                [self._name.key], [keys[position] for position in found], scorer=fuzz.ratio
            )[0],
        )
        letters /= 100
        shared = process.cdist([self._form.ordered], choices, scorer=fuzz.token_set_ratio)[0] / 100
        likely = letters + 0.5 * shared
        if self._name.is_foreign:
            sounds = [generation.sounds[position] for position in found]
            likely += process.cdist(self._sounds, sounds, scorer=fuzz.ratio).max(axis=0) / 100
        best = np.argsort(-likely, kind="stable")[: self._config.likely_names].tolist()
        return [
            _Close(generation.rows[found[at]], float(shared[at]), float(letters[at])) for at in best
        ]

    def _measured(self, row: Row, shared: float, alignment: Alignment) -> Likeness:
        may_be_read = self._name.is_unvowelled or (self._is_foreign and _has_equivalents(alignment))
        if (
            may_be_read
            and alignment.queried_share >= HEARD
            and (reading := self._read_as_listed(alignment))
        ):
            return reading.measured_as_read(row, alignment)
        return self._plainly_measured(row, shared, alignment)

    def measured_as_read(self, row: Row, heard: Alignment) -> Likeness:
        """The likeness of the name as the listed one has it, words weighed by how well the written name agrees."""
        return self._plainly_measured(
            row, fuzz.token_set_ratio(self._form.ordered, row.ordered) / 100, heard
        )

    def _read_as_listed(self, alignment: Alignment) -> "_Comparer | None":
        """The queried name with the vowels, or forms of given names, that the listed one has; None when none differ."""
        words = list(self._core)
        for pair in alignment.pairs:
            if pair.queried != pair.listed and self._is_read(pair.likeness):
                _replace(words, pair.queried.split(), pair.listed.split())
        if tuple(words) == self._core:
            return None
        read = Folded(" ".join(words), " ".join(words), tuple(words), (), is_foreign=False)
        return _Comparer(self._generation, read, self._kind, self._config)

    def _is_read(self, alike: float) -> bool:
        return alike >= LEAST_READ if self._name.is_unvowelled else alike == SAME_MEANING

    def _plainly_measured(self, row: Row, shared: float, alignment: Alignment) -> Likeness:
        is_unknown = self._kind is PartyKind.UNKNOWN
        return likeness_of(
            self._form,
            Form(row.joined, row.words, row.ordered),
            alignment,
            self._generation.weights,
            shared_words=shared,
            sound=max(fuzz.ratio(sound, row.sound) for sound in self._sounds) / 100,
            is_person=row.is_person if is_unknown else self._kind is PartyKind.PERSON,
            is_listed_person=row.is_person,
        )


def _has_equivalents(alignment: Alignment) -> bool:
    """Whether a given name has another form in the listed name: Oleksandr is Alyaksandr."""
    return any(
        pair.likeness == SAME_MEANING and pair.queried != pair.listed for pair in alignment.pairs
    )


def _by_sound(close: Likeness, weights: ForeignWeights) -> float:
    """The log-odds of a name in another script."""
    return (
        weights.base
        + weights.shared_words * close.shared_words
        + weights.letters * max(close.letters, close.ordered)
        + weights.paired_well * (1 - exp(-close.paired_well))
        + weights.queried_weakest * close.queried_weakest
        + weights.listed_weakest * close.listed_weakest
        + weights.sound * close.sound
        - weights.queried_left * min(close.queried_left, 2.0)
    )


def _sound_score(close: Likeness) -> float:
    return 0.4 * close.sound + 0.4 * close.queried_share + 0.2 * close.listed_share


def _likeness_for(name: Folded) -> Callable[[str, str], float]:
    """How words are compared, by the script they were written in."""
    if name.is_unvowelled:
        return read_likeness
    return syllable_likeness if name.is_syllabic else likeness


def _replace(words: list[str], old: Sequence[str], new: Sequence[str]) -> None:
    for at in range(len(words) - len(old) + 1):
        if words[at : at + len(old)] == list(old):
            words[at : at + len(old)] = new
            return
