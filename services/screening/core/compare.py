"""Compares one queried name with its candidates and ranks them. Knows names alone; facts are for `qualify`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import exp, log
from typing import Final

import numpy as np
from rapidfuzz import fuzz, process

from services.screening.core.align import (
    LEAST_READ,
    Aligner,
    Alignment,
    Weights,
    likeness,
    read_likeness,
    syllable_likeness,
)
from services.screening.core.budget import Budget
from services.screening.core.config import NameWeights, ScreeningConfig
from services.screening.core.index import Generation, Row, whole_sound
from services.screening.core.model import PartyKind
from services.screening.core.normalise import Folded, heard_otherwise, name_words
from services.screening.core.score import AnalysedName, analyse, logic_score

HIGHEST_INEXACT: Final = 0.99
"""Only an exact name scores 1."""
KNOWN_NAMES: Final = 0.89
"""From this logic-v2 score on a name of another script consists of known names, whose Latin spellings are the listed
ones."""
HEARD: Final = 0.6
"""Share of a name without vowels that must agree before it is read with the vowels of the listed name."""
FEW: Final = 8
"""Names that are compared before it is asked whether more are worth it."""
PROMISING: Final = 0.2
"""From this score on, facts beside the name might still make a hit: the next few names are compared too."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A queried name beside a listed one: the name score, the score by sound alone, and the words side by side."""

    row: Row
    score: float
    sound_score: float
    alignment: Alignment


@dataclass(frozen=True, slots=True)
class Likeness:
    """The likenesses of two names that the name score is made of, as NameWeights describes them."""

    shared_words: float
    logic: float
    letters: float
    telling: float
    queried_weakest: float
    listed_weakest: float
    sound: float
    queried_rest: float

    def score(self, weights: NameWeights) -> float:
        """The name score, 0..1."""
        return sigmoid(
            weights.base
            + weights.shared_words * self.shared_words
            + weights.logic * self.logic
            + weights.letters * self.letters
            + weights.telling * self.telling
            + weights.queried_weakest * self.queried_weakest
            + weights.listed_weakest * self.listed_weakest
            + weights.sound * self.sound
            - weights.queried_rest * self.queried_rest
        )


def sigmoid(log_odds: float) -> float:
    """The probability of log-odds."""
    return 1.0 / (1.0 + exp(-log_odds))


def moved(score: float, by: float) -> float:
    """A score moved by log-odds; it stays within 0..1 and never becomes an exact match."""
    bounded = min(max(score, 1e-6), 1 - 1e-6)
    return min(sigmoid(log(bounded / (1 - bounded)) + by), HIGHEST_INEXACT)


def compare(
    generation: Generation, name: Folded, kind: PartyKind, config: ScreeningConfig, budget: Budget
) -> tuple[Comparison, ...]:
    """The closest listed names, best first.

    Candidates come from the index; letters, then words, then every likeness decide which of them go on, the likeliest
    first, for as long as the budget allows.
    """
    return _Comparer(generation, name, kind, config).ranked(budget)


class _Comparer:
    """One queried name with its prepared forms."""

    __slots__ = ("_analysed", "_config", "_core", "_generation", "_is_foreign", "_kind", "_name", "_ordered", "_sounds")

    def __init__(self, generation: Generation, name: Folded, kind: PartyKind, config: ScreeningConfig) -> None:
        self._generation = generation
        self._name = name
        self._kind = kind
        self._config = config
        self._is_foreign = name.is_foreign
        self._core = name_words(name.words, is_person=kind is PartyKind.PERSON)
        self._ordered = " ".join(sorted(self._core))
        self._sounds = [whole_sound(self._core)]
        if name.is_unvowelled and (other := whole_sound([heard_otherwise(word) for word in self._core])):
            self._sounds.append(other)
        self._analysed: dict[PartyKind, tuple[AnalysedName, ...]] = {}

    def ranked(self, budget: Budget) -> tuple[Comparison, ...]:
        rows = self._closest_by_letters()
        aligner = Aligner(self._core, self._generation.weights, _likeness_for(self._name))
        aligner.learn(row.words for row, _, _ in rows)
        aligned = [(row, shared, letters, aligner.align(row.words)) for row, shared, letters in rows]
        aligned.sort(key=lambda one: -(one[2] + one[3].queried_share + 0.5 * one[3].listed_share))
        compared = self._compared_while_promising(aligned[: self._config.compared_names], budget)
        return tuple(sorted(compared, key=lambda comparison: (-comparison.score, comparison.row.key)))

    def _compared_while_promising(
        self, aligned: Sequence[tuple[Row, float, float, Alignment]], budget: Budget
    ) -> list[Comparison]:
        """The comparisons of the likeliest, a few at a time, for as long as one of the last few came to something."""
        compared: list[Comparison] = []
        for start in range(0, len(aligned), FEW):
            few = aligned[start : start + FEW]
            found = [self._compared(row, shared, words) for row, shared, _, words in few if budget.allows()]
            compared += found
            if not any(comparison.score >= PROMISING for comparison in found):
                break
        return compared

    def _closest_by_letters(self) -> list[tuple[Row, float, float]]:
        """Rows in the order in which they are likely, by letters, shared words and, of other scripts, sound."""
        generation = self._generation
        found = generation.candidates(self._name, self._kind, self._config.candidates_per_pass)
        if not found:
            return []
        ordered = generation.spellings.ordered
        choices = [ordered[position] for position in found]
        letters = process.cdist([self._ordered], choices, scorer=fuzz.ratio)[0] / 100
        shared = process.cdist([self._ordered], choices, scorer=fuzz.token_set_ratio)[0] / 100
        likely = letters + 0.5 * shared
        if self._name.is_foreign:
            sounds = [generation.sounds[position] for position in found]
            likely += process.cdist(self._sounds, sounds, scorer=fuzz.ratio).max(axis=0) / 100
        best = np.argsort(-likely, kind="stable")[: self._config.aligned_names].tolist()
        return [(generation.rows[found[at]], float(shared[at]), float(letters[at])) for at in best]

    def _compared(self, row: Row, shared: float, alignment: Alignment) -> Comparison:
        if (
            self._name.is_unvowelled
            and alignment.queried_share >= HEARD
            and (reading := self._read_as_listed(alignment))
        ):
            return reading.compared_as_read(row, alignment)
        return self._plainly_compared(row, shared, alignment)

    def compared_as_read(self, row: Row, heard: Alignment) -> Comparison:
        """The comparison of the vowelled reading, weighed by how well the written name agrees."""
        shared = fuzz.token_set_ratio(self._ordered, row.ordered) / 100
        return self._plainly_compared(row, shared, heard)

    def _read_as_listed(self, alignment: Alignment) -> "_Comparer | None":
        """The queried name with the vowels that the listed name gives its words; None when no word can be read so."""
        words = list(self._core)
        for pair in alignment.pairs:
            if pair.queried != pair.listed and pair.likeness >= LEAST_READ:
                _replace(words, pair.queried.split(), pair.listed.split())
        if tuple(words) == self._core:
            return None
        read = Folded(" ".join(words), " ".join(words), tuple(words), (), is_foreign=False)
        reading = _Comparer(self._generation, read, self._kind, self._config)
        reading._is_foreign = self._is_foreign  # as it was written
        return reading

    def _plainly_compared(self, row: Row, shared: float, alignment: Alignment) -> Comparison:
        sound = max(fuzz.ratio(sound, row.sound) for sound in self._sounds) / 100
        rarity = self._generation.weights
        close = Likeness(
            shared_words=shared,
            logic=self._logic(row),
            letters=fuzz.ratio(self._name.joined, row.joined) / 100,
            telling=1 - exp(-sum(pair.likeness**2 * pair.weight for pair in alignment.pairs)),
            queried_weakest=_weakest(alignment, alignment.queried_rest, rarity),
            listed_weakest=1 - max((rarity[word] for word in alignment.listed_rest), default=0.0),
            sound=sound,
            queried_rest=min(sum(rarity[word] for word in alignment.queried_rest), 2.0),
        )
        sound_score = 0.4 * sound + 0.4 * alignment.queried_share + 0.2 * alignment.listed_share
        return Comparison(row, min(self._scored(close), HIGHEST_INEXACT), sound_score, alignment)

    def _scored(self, close: Likeness) -> float:
        if not self._is_foreign:
            return close.score(self._config.names)
        foreign = close.score(self._config.foreign_names)
        return max(foreign, close.score(self._config.names)) if close.logic >= KNOWN_NAMES else foreign

    def _logic(self, row: Row) -> float:
        """The best logic-v2 score, the queried name read as the kind that the listed name is."""
        return max(
            (
                logic_score(queried, listed)
                for kind, listed in row.analysed.items()
                for queried in self._read_as(self._kind if kind is PartyKind.UNKNOWN else kind)
            ),
            default=0.0,
        )

    def _read_as(self, kind: PartyKind) -> tuple[AnalysedName, ...]:
        if kind not in self._analysed:
            texts: Sequence[str] = (self._name.raw, self._name.key) if self._name.is_foreign else (self._name.raw,)
            self._analysed[kind] = tuple(found for text in texts if (found := analyse(text, kind, is_query=True)))
        return self._analysed[kind]


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


def _weakest(alignment: Alignment, rest: Sequence[str], weights: Weights) -> float:
    paired = (1 - pair.weight * (1 - pair.likeness) for pair in alignment.pairs)
    return min((*paired, *(1 - weights[word] for word in rest)), default=0.0)
