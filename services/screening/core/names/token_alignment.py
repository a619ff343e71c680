"""Aligns two names: pairs words with their counterparts and measures the coverage."""

from collections.abc import Callable, Iterable
from operator import mul
from typing import Final, NamedTuple

import numpy as np
from rapidfuzz import process
from rapidfuzz.distance import OSA

from services.screening.core.names.word_similarity import (
    MIN_LETTERS,
    SAME_SOUND,
    word_similarities,
    word_similarity,
)
from services.screening.core.names.word_weights import WordWeights

MIN_JOINED: Final = SAME_SOUND - 0.06
"""Above this similarity one word is two others written together."""
CLOSE_PAIR: Final = 0.75
"""A pair agrees closely from this similarity on."""
MAX_LENGTH_DIFFERENCE: Final = 3
"""A word and two joined words that differ more in length are not compared."""


class WordPair(NamedTuple):
    """A word of the queried name and its counterpart in the listed one.

    Either may be two words written together.

    similarity and weight: 0..1.
    """

    queried: str
    listed: str
    similarity: float
    weight: float


class Alignment(NamedTuple):
    """Two aligned names.

    queried_coverage and listed_coverage: the share of each name, by weight, that has a counterpart,
    0..1. heaviest_close_pair: the weight of the heaviest pair that agrees closely.
    """

    pairs: tuple[WordPair, ...]
    queried_unpaired: tuple[str, ...]
    listed_unpaired: tuple[str, ...]
    queried_coverage: float
    listed_coverage: float
    heaviest_close_pair: float


class Aligner:
    """Aligns one queried name with many listed names.

    Caches the similarities of words. Use one aligner per query and thread.
    """

    # Positions of queried words are called `own`, positions of listed words `at`. Similarities are
    # kept negative, so that sorting puts the most similar first.
    __slots__ = (
        "_joined_similarities",
        "_own_weights",
        "_similar_to",
        "_similarity",
        "_total_weight",
        "_weights",
        "_words",
    )

    def __init__(
        self,
        words: tuple[str, ...],
        weights: WordWeights,
        similarity: Callable[[str, str], float] = word_similarity,
    ) -> None:
        self._words = words
        self._weights = weights
        self._own_weights = tuple(weights[word] for word in words)
        self._total_weight = sum(self._own_weights)
        self._similar_to: dict[str, tuple[tuple[float, int], ...]] = {}
        """Listed word to the queried words that are similar, as (-similarity, position)."""
        self._joined_similarities: dict[tuple[str, str], float] = {}
        self._similarity = similarity

    def precompute(self, listed: Iterable[tuple[str, ...]]) -> None:
        """Computes the similarities with the words of many names at once.

        Changes the speed, never a result.
        """
        if self._similarity is not word_similarity or not self._words:
            return
        words = list(
            dict.fromkeys(word for name in listed for word in name if word not in self._similar_to)
        )
        if not words:
            return
        letters = process.cdist(
            self._words,
            words,
            scorer=OSA.normalized_similarity,
            score_cutoff=MIN_LETTERS,
            dtype=np.float64,
        )
        similar: list[list[tuple[float, int]]] = [[] for _ in words]
        for own, word in enumerate(self._words):
            for at, value in word_similarities(word, words, letters[own]):
                similar[at].append((-value, own))
        for word, found in zip(words, similar, strict=True):
            is_plain = len(word) > 1 and not word.isdigit()
            self._similar_to[word] = tuple(found) if is_plain else self._similar_words(word)

    def _similar_words(self, word: str) -> tuple[tuple[float, int], ...]:
        return tuple(
            (-value, own)
            for own, queried in enumerate(self._words)
            if (value := self._similarity(queried, word))
        )

    def estimate_coverage(self, listed: tuple[str, ...]) -> float:
        """Returns an estimate of the queried coverage, 0..1. Costs a fifth of `align`.

        Each queried word takes its most similar listed word, even if another one takes it too.
        Words written together are ignored.
        """
        known, best = self._similar_to, [0.0] * len(self._words)
        for word in listed:
            similar = known.get(word)
            if similar is None:
                similar = known[word] = self._similar_words(word)
            for value, own in similar:
                if value < best[own]:  # noqa: PLR1730 - a call of min costs twice as much
                    best[own] = value
        if not self._total_weight:
            return 0.0
        covered: float = -sum(map(mul, best, self._own_weights))
        return covered / self._total_weight

    def align(self, listed: tuple[str, ...]) -> Alignment:
        """Returns the alignment with a listed name, most similar pairs first.

        Pairing is greedy: the most similar pair first, of equal ones the pair whose positions are
        closest.
        """
        words, known = self._words, self._similar_to
        options: list[tuple[float, int, int, int]] = []
        for at, word in enumerate(listed):
            similar = known.get(word)
            if similar is None:
                similar = known[word] = self._similar_words(word)
            for value, own in similar:
                options.append((value, abs(own - at), at, own))
        if len(options) > 1:
            options.sort()
        left, right = list(range(len(words))), list(range(len(listed)))
        paired: list[tuple[int, int, float]] = []
        has_weak = False
        for value, _, at, own in options:
            if own in left and at in right:
                left.remove(own)
                right.remove(at)
                paired.append((own, at, -value))
                has_weak |= -value < MIN_JOINED
        if has_weak and (left or right):
            paired = self._separate_joinable(listed, left, right, paired)
        pairs = [
            WordPair(words[own], listed[at], value, self._pair_weight(own, listed[at]))
            for own, at, value in paired
        ]
        if left and right and len(left) + len(right) > 2:
            self._pair_joined(listed, left, right, pairs)
        return self._alignment(listed, left, right, pairs)

    def _separate_joinable(
        self,
        listed: tuple[str, ...],
        left: list[int],
        right: list[int],
        paired: list[tuple[int, int, float]],
    ) -> list[tuple[int, int, float]]:
        """Dissolves weak pairs whose shorter word is one half of the longer word.

        Such a word, joined with an unpaired neighbour, is the longer word. Returns the pairs that
        stay; adds the words of the others to `left` and `right`.
        """
        words, kept = self._words, []
        for own, at, value in paired:
            word, other = words[own], listed[at]
            if value < MIN_JOINED and len(word) != len(other):
                if len(word) < len(other):
                    short, place, unpaired, long = words, own, left, other
                else:
                    short, place, unpaired, long = listed, at, right, word
                if any(
                    abs(len(joined) - len(long)) <= MAX_LENGTH_DIFFERENCE
                    and self._joined_similarity(long, joined) > MIN_JOINED
                    for first, joined in _neighbours(short, sorted((*unpaired, place)))
                    if place in (first, (first + 1) % len(short))
                ):
                    left.append(own)
                    right.append(at)
                    continue
            kept.append((own, at, value))
        left.sort()
        right.sort()
        return kept

    def _pair_weight(self, own: int, listed: str) -> float:
        ours, theirs = self._own_weights[own], self._weights[listed]
        # An initial leaves open which word it stands for. It must not lower the weight of that
        # word.
        if len(listed) == 1 or len(self._words[own]) == 1:
            return max(ours, theirs)
        return (ours + theirs) / 2

    def _pair_joined(
        self, listed: tuple[str, ...], left: list[int], right: list[int], pairs: list[WordPair]
    ) -> None:
        """Pairs unpaired words with two neighbouring words of the other name.

        Updates all lists in place.
        """
        for one, many, is_queried in ((left, right, True), (right, left, False)):
            if not one or len(many) < 2:
                continue
            single, double = (self._words, listed) if is_queried else (listed, self._words)
            neighbours = _neighbours(double, many)
            for at in tuple(one) if neighbours else ():
                word = single[at]
                for first, joined in neighbours:
                    # Letters at both ends differ in most pairs of unrelated words: a cheap test
                    # before the costly one.
                    may_be_joined = (
                        word[0] == joined[0] or word[-1] == joined[-1]
                    ) and -MAX_LENGTH_DIFFERENCE <= len(joined) - len(word) <= MAX_LENGTH_DIFFERENCE
                    if not may_be_joined:
                        continue
                    value = self._joined_similarity(word, joined)
                    if value <= MIN_JOINED:
                        continue
                    second = (first + 1) % len(double)
                    one.remove(at)
                    many.remove(first)
                    many.remove(second)
                    apart = f"{double[first]} {double[second]}"
                    queried, counterpart = (word, apart) if is_queried else (apart, word)
                    pairs.append(WordPair(queried, counterpart, value, self._weights[word]))
                    neighbours = _neighbours(double, many)
                    break

    def _joined_similarity(self, word: str, joined: str) -> float:
        known = self._joined_similarities.get((word, joined))
        if known is None:
            known = self._joined_similarities[word, joined] = self._similarity(word, joined)
        return known

    def _alignment(
        self, listed: tuple[str, ...], left: list[int], right: list[int], pairs: list[WordPair]
    ) -> Alignment:
        # Plain loops: this runs for every aligned name.
        weights = self._weights
        agreed = paired = heaviest = 0.0
        for pair in pairs:
            agreed += pair.similarity * pair.weight
            paired += pair.weight
            if pair.similarity >= CLOSE_PAIR and pair.weight > heaviest:
                heaviest = pair.weight
        queried = other = paired
        for own in left:
            queried += self._own_weights[own]
        for at in right:
            other += weights[listed[at]]
        return Alignment(
            tuple(pairs),
            tuple([self._words[own] for own in left]),
            tuple([listed[at] for at in right]),
            agreed / queried if queried else 0.0,
            agreed / other if other else 0.0,
            heaviest,
        )


def _neighbours(words: tuple[str, ...], unpaired: list[int]) -> list[tuple[int, str]]:
    """Returns neighbouring unpaired words written together, each with the position of the first.

    The last and the first word are neighbours too, because a family name may be at either end.
    """
    found = [(at, words[at] + words[at + 1]) for at in unpaired if at + 1 in unpaired]
    if len(words) > 2 and unpaired and unpaired[0] == 0 and unpaired[-1] == len(words) - 1:
        found.append((unpaired[-1], words[-1] + words[0]))
    return found
