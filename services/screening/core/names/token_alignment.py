"""Lays the words of two names side by side and weighs how much of each is found in the other.

A word weighs by how rare it is among the listed names: one rare word says more than three that every trading company
has.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache
from math import log
from operator import mul
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import process
from rapidfuzz.distance import OSA, LCSseq

from services.screening.core.names.normalisation import heard_otherwise, skeleton
from services.screening.core.names.places import is_place
from services.screening.core.names.vocabulary import CONCEPTS, meaning_of
from services.screening.core.names.words import (
    GENERIC,
    HONORIFICS,
    LEGAL_FORMS,
    NICKNAMES,
    PARTICLES,
)

SAME_SOUND: Final = 0.88
"""Likeness of two words that differ but keep the same consonant sounds in order (Yusuf, Yousef)."""
SAME_MEANING: Final = 0.9
"""Likeness of two words that mean the same (Sanat, Industries) or are forms of one given name (Larry, Lawrence)."""
INITIAL: Final = 0.6
"""Likeness of an initial and a word that begins with it."""
READ: Final = 0.94
"""Likeness of a word written without vowels and the word it is read as."""
LEAST_READ: Final = 0.68
LEAST_LETTERS: Final = 0.4
"""Words whose letters agree less are different words, whatever their consonants."""
SHORT_SYLLABLES: Final = 5
HEARD_ALIKE: Final = 0.75
"""Likeness of short words of syllable scripts that share their consonants only."""
LONG: Final = "awy"
UNWRITTEN_START: Final = 0.2
"""Taken off when the word begins with a vowel that is not written: scripts without vowels do write that one."""
UNHEARD_BREATH: Final = 0.2
GENERAL: Final = 0.5
"""What a general word of some language, or a place, weighs at most."""
JOINED: Final = SAME_SOUND - 0.06
"""Above this likeness a word is two others written together."""
LEAST_LIKENESS: Final = 0.6
"""Words less alike than this are different words."""
RAREST: Final = 1.0
COMMONEST: Final = 0.25
INITIAL_WEIGHT: Final = 0.3

MEANING: Final[Mapping[str, int]] = {
    word: group
    for group, line in enumerate((*CONCEPTS, *NICKNAMES))
    for word in line.split()
    if word[-1] != "*"
}
LIGHT: Final[tuple[tuple[frozenset[str], float], ...]] = (
    (LEGAL_FORMS, 0.05),
    (PARTICLES, 0.1),
    (HONORIFICS, 0.3),
    (GENERIC, 0.35),
)
"""Upper bound of a light word's weight, by the table it stands in."""


class Pair(NamedTuple):
    """A word (or two joined ones) of the queried name, its counterpart in the listed one, their likeness 0..1."""

    queried: str
    listed: str
    likeness: float
    weight: float


class Alignment(NamedTuple):
    """Two names side by side. The shares say how much of each name, by weight, is found in the other, 0..1."""

    pairs: tuple[Pair, ...]
    queried_rest: tuple[str, ...]
    listed_rest: tuple[str, ...]
    queried_share: float
    listed_share: float
    carried: float
    """The weight of the heaviest pair that agrees closely: what carries the match."""


class Weights(dict[str, float]):
    """How much each word says, 0..1, from how many listed names contain it.

    Unknown words weigh like the rarest known; they are not kept. persons: the words of persons' names, when they are
    known: any other that is general vocabulary of some language, or a place, says little, however rare it is on the
    lists.
    """

    __slots__ = ("_persons", "_scale")

    def __init__(
        self, names: Iterable[tuple[str, ...]], persons: AbstractSet[str] | None = None
    ) -> None:
        self._persons = persons
        counts: Counter[str] = Counter()
        total = 1
        for words in names:
            counts.update(set(words))
            total += 1
        self._scale = log(total + 1)
        super().__init__((word, self._weight(word, count)) for word, count in counts.items())

    def __missing__(self, word: str) -> float:
        return self._weight(word, 1)

    def _weight(self, word: str, count: int) -> float:
        if len(word) == 1 and not word.isdigit():
            return INITIAL_WEIGHT
        rarity = RAREST - (RAREST - COMMONEST) * min(1.0, 1.25 * log(count) / self._scale)
        for table, bound in LIGHT:
            if word in table:
                return min(rarity, bound)
        if (
            self._persons is not None
            and word not in self._persons
            and (is_place(word) or meaning_of(word))
        ):
            return min(rarity, GENERAL)
        return rarity


def read_likeness(written: str, word: str) -> float:
    """How well a word written without short vowels can be read as another word.

    The consonants must be the same; the long vowels that are written must be heard in the word, in order.
    """
    other = heard_otherwise(written)
    return (
        _read_as(written, word)
        if other == written
        else max(_read_as(written, word), _read_as(other, word))
    )


def _read_as(written: str, word: str) -> float:
    sound = skeleton(written)
    if not sound or sound != skeleton(word):
        return likeness(written, word)
    frame, other = frame_of(written), frame_of(word)
    heard = LCSseq.similarity(frame, other) / len(frame)
    unwritten = UNWRITTEN_START if other[0] in LONG and frame[0] not in LONG else 0.0
    breath = UNHEARD_BREATH * max(frame.count("h") - other.count("h"), 0)
    read = READ * (heard - unwritten - breath)
    return read if read >= LEAST_READ else likeness(written, word)


def syllable_likeness(written: str, word: str) -> float:
    """Likeness of syllables by sound: a short one is the same or another; spellings of one sound are near."""
    if written == word:
        return 1.0
    if min(len(written), len(word)) > SHORT_SYLLABLES:
        return likeness(written, word)
    sound = skeleton(written)
    return HEARD_ALIKE if len(sound) > 1 and sound == skeleton(word) else 0.0


@lru_cache(maxsize=65_536)
def frame_of(word: str) -> str:
    """A word with its vowels reduced to the three that consonant scripts write: a, w, y."""
    return re.sub(r"([awy])\1+", r"\1", re.sub(r"[ou]", "w", re.sub(r"[ei]", "y", word)))


def likeness(left: str, right: str) -> float:
    """How alike two words are, 0..1; 0 when they are different words."""
    if left == right:
        return 1.0
    if len(left) == 1 or len(right) == 1:
        return INITIAL if left[0] == right[0] and left.isalpha() and right.isalpha() else 0.0
    if left.isdigit() or right.isdigit():
        return 0.0
    if (meaning := MEANING.get(left)) is not None and meaning == MEANING.get(right):
        return SAME_MEANING
    return _by_letters(
        left, right, OSA.normalized_similarity(left, right, score_cutoff=LEAST_LETTERS)
    )


def _by_letters(left: str, right: str, close: float) -> float:
    """Likeness of two words whose letters agree to a share, 0 below LEAST_LETTERS."""
    if 0.0 < close < SAME_SOUND:
        sound = skeleton(left)
        if len(sound) > 1 and sound == skeleton(right):
            return SAME_SOUND
    return close if close >= LEAST_LIKENESS else 0.0


def _likenesses(
    word: str, others: Sequence[str], close: NDArray[np.float64]
) -> Iterator[tuple[int, float]]:
    """Which of the others a word is like, by place, and how much. close: by letters, with each."""
    meaning = MEANING.get(word)
    if len(word) == 1 or word.isdigit() or meaning is not None:
        for at, other in enumerate(others):
            is_possible = (
                len(word) == 1
                or close[at]
                or (meaning is not None and MEANING.get(other) == meaning)
            )
            if is_possible and (value := likeness(word, other)):
                yield at, value
        return
    found = np.flatnonzero(close)
    for at, share in zip(found.tolist(), close[found].tolist(), strict=True):
        if value := _by_letters(word, others[at], share):
            yield at, value


class Aligner:
    """Aligns one queried name with many listed names; remembers word likenesses between them. One query, one thread."""

    __slots__ = ("_joined", "_known", "_likeness", "_own", "_weights", "_whole", "_words")

    def __init__(
        self,
        words: tuple[str, ...],
        weights: Weights,
        compared_by: Callable[[str, str], float] = likeness,
    ) -> None:
        self._words = words
        self._weights = weights
        self._own = tuple(weights[word] for word in words)
        self._whole = sum(self._own)
        self._known: dict[str, tuple[tuple[float, int], ...]] = {}
        """Of a listed word: the queried words that it is like, as (-likeness, position)."""
        self._joined: dict[tuple[str, str], float] = {}
        self._likeness = compared_by

    def learn(self, listed: Iterable[tuple[str, ...]]) -> None:
        """Compares the words of many names at once. The same comes of it as if `align` met each: only faster."""
        if self._likeness is not likeness or not self._words:
            return
        words = list(
            dict.fromkeys(word for name in listed for word in name if word not in self._known)
        )
        if not words:
            return
        scorer = OSA.normalized_similarity
        near = process.cdist(
            self._words, words, scorer=scorer, score_cutoff=LEAST_LETTERS, dtype=np.float64
        )
        alike: list[list[tuple[float, int]]] = [[] for _ in words]
        for own, word in enumerate(self._words):
            for at, value in _likenesses(word, words, near[own]):
                alike[at].append((-value, own))
        every = range(len(self._words))
        for word, found_alike in zip(words, alike, strict=True):
            is_plain = len(word) > 1 and not word.isdigit()
            self._known[word] = tuple(found_alike) if is_plain else self._alike(word, every)

    def _alike(self, word: str, owns: Iterable[int]) -> tuple[tuple[float, int], ...]:
        words = self._words
        return tuple((-value, own) for own in owns if (value := self._likeness(words[own], word)))

    def reach(self, listed: tuple[str, ...]) -> float:
        """About how much of the queried name can have its counterpart in the listed one, 0..1; joined words aside.

        Each word takes the counterpart that it is most like, whoever else does. Costs a fifth of aligning them.
        """
        known, best = self._known, [0.0] * len(self._words)
        for word in listed:
            alike = known.get(word)
            if alike is None:
                alike = known[word] = self._alike(word, range(len(best)))
            for value, own in alike:
                if value < best[own]:  # noqa: PLR1730 - a call of min costs twice as much
                    best[own] = value
        return -sum(map(mul, best, self._own)) / self._whole if self._whole else 0.0

    def align(self, listed: tuple[str, ...]) -> Alignment:
        """The best pairing of words, most telling pairs first."""
        words, known = self._words, self._known
        options: list[tuple[float, int, int, int]] = []
        for at, word in enumerate(listed):
            alike = known.get(word)
            if alike is None:
                alike = known[word] = self._alike(word, range(len(words)))
            for value, own in alike:
                options.append((value, abs(own - at), at, own))
        if len(options) > 1:
            options.sort()
        left, right = list(range(len(words))), list(range(len(listed)))
        paired: list[tuple[int, int, float]] = []
        weak = False
        for value, _, at, own in options:
            if own in left and at in right:
                left.remove(own)
                right.remove(at)
                paired.append((own, at, -value))
                weak |= -value < JOINED
        if weak and (left or right):
            paired = self._parted(listed, left, right, paired)
        pairs = [
            Pair(words[own], listed[at], value, self._weight(own, listed[at]))
            for own, at, value in paired
        ]
        if left and right and len(left) + len(right) > 2:
            self._join(listed, left, right, pairs)
        return self._summed(listed, left, right, pairs)

    def _parted(
        self,
        listed: tuple[str, ...],
        left: list[int],
        right: list[int],
        paired: list[tuple[int, int, float]],
    ) -> list[tuple[int, int, float]]:
        """Parts two words again of which one, with a neighbour that is left over, is the other written together."""
        words, kept = self._words, []
        for own, at, value in paired:
            word, other = words[own], listed[at]
            if value < JOINED and len(word) != len(other):
                short, place, over, long = (
                    (words, own, left, other)
                    if len(word) < len(other)
                    else (listed, at, right, word)
                )
                if any(
                    -3 <= len(joined) - len(long) <= 3 and self._alike_joined(long, joined) > JOINED
                    for first, joined in _joints(short, sorted((*over, place)))
                    if place in (first, (first + 1) % len(short))
                ):
                    left.append(own)
                    right.append(at)
                    continue
            kept.append((own, at, value))
        left.sort()
        right.sort()
        return kept

    def _weight(self, own: int, listed: str) -> float:
        """The weight of a pair. An initial leaves open the word it stands for, whose weight it must not hide."""
        ours, theirs = self._own[own], self._weights[listed]
        return (
            max(ours, theirs)
            if len(listed) == 1 or len(self._words[own]) == 1
            else (ours + theirs) / 2
        )

    def _join(
        self, listed: tuple[str, ...], left: list[int], right: list[int], pairs: list[Pair]
    ) -> None:
        """Pairs a word with two neighbouring words of the other name that are written apart there."""
        for one, many, ours in ((left, right, True), (right, left, False)):
            if not one or len(many) < 2:
                continue
            single, double = (self._words, listed) if ours else (listed, self._words)
            joints = _joints(double, many)
            for at in tuple(one) if joints else ():
                word = single[at]
                length = len(word)
                for first, joined in joints:
                    if (
                        (
                            word[0] == joined[0] or word[-1] == joined[-1]
                        )  # spares most of what is very unlike
                        and -3 <= len(joined) - length <= 3
                        and (value := self._alike_joined(word, joined)) > JOINED
                    ):
                        one.remove(at)
                        second = (first + 1) % len(double)
                        many.remove(first)
                        many.remove(second)
                        other = f"{double[first]} {double[second]}"
                        pairs.append(
                            Pair(
                                *((word, other) if ours else (other, word)),
                                value,
                                self._weights[word],
                            )
                        )
                        joints = _joints(double, many)
                        break

    def _alike_joined(self, word: str, joined: str) -> float:
        known = self._joined.get((word, joined))
        if known is None:
            known = self._joined[word, joined] = self._likeness(word, joined)
        return known

    def _summed(
        self, listed: tuple[str, ...], left: list[int], right: list[int], pairs: list[Pair]
    ) -> Alignment:
        weights = self._weights
        found = whole = carried = 0.0
        for pair in pairs:
            found += pair.likeness * pair.weight
            whole += pair.weight
            if pair.likeness >= 0.75 and pair.weight > carried:
                carried = pair.weight
        queried = other = whole
        for at in left:
            queried += self._own[at]
        for at in right:
            other += weights[listed[at]]
        return Alignment(
            tuple(pairs),
            tuple([self._words[at] for at in left]),
            tuple([listed[at] for at in right]),
            found / queried if queried else 0.0,
            found / other if other else 0.0,
            carried,
        )


def _joints(words: tuple[str, ...], left: list[int]) -> list[tuple[int, str]]:
    """Neighbours of which both are left, written together, each with the place of the first.

    The last and the first word are neighbours too: a family name may stand at either end.
    """
    found = [(at, words[at] + words[at + 1]) for at in left if at + 1 in left]
    if len(words) > 2 and left and left[0] == 0 and left[-1] == len(words) - 1:
        found.append((left[-1], words[-1] + words[0]))
    return found
