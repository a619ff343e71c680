"""How much each word of a name counts, by how rare it is among the listed names.

One rare word identifies a party better than three words that every trading company has.
"""

from collections import Counter
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from math import log
from typing import Final

from services.screening.core.names.places import is_place_word
from services.screening.core.names.stop_words import GENERIC, HONORIFICS, LEGAL_FORMS, PARTICLES
from services.screening.core.names.word_meaning import english_meaning

RAREST: Final = 1.0
COMMONEST: Final = 0.25
INITIAL_WEIGHT: Final = 0.3
GENERIC_BOUND: Final = 0.5
"""Highest weight of a generic word of any language, or of a place."""
STOP_WORD_BOUNDS: Final[tuple[tuple[frozenset[str], float], ...]] = (
    (LEGAL_FORMS, 0.05),
    (PARTICLES, 0.1),
    (HONORIFICS, 0.3),
    (GENERIC, 0.35),
)
"""Highest weight of a stop word, by the table that holds it."""


class WordWeights(dict[str, float]):
    """The weight of each word of the listed names, 0..1.

    An unknown word weighs as much as the rarest known word and is not stored.

    names: the words of each listed name. person_words: words of persons' names, if they are known.
    Every other word that is a place or in the vocabulary weighs at most GENERIC_BOUND, however rare
    it is on the lists.
    """

    __slots__ = ("_person_words", "_scale")

    def __init__(
        self, names: Iterable[tuple[str, ...]], person_words: AbstractSet[str] | None = None
    ) -> None:
        self._person_words = person_words
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
        for table, bound in STOP_WORD_BOUNDS:
            if word in table:
                return min(rarity, bound)
        if (
            self._person_words is not None
            and word not in self._person_words
            and (is_place_word(word) or english_meaning(word))
        ):
            return min(rarity, GENERIC_BOUND)
        return rarity
