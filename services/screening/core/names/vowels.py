"""Adds vowels to names of scripts that omit them: mhmd is mohammad.

The vowels come from words of other names, which are written with them. This is needed for parties
that are listed in such a script only and queried in Latin letters. In the other direction the
listed name already has the vowels.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from math import log
from typing import Final

from services.screening.core.names.normalisation import (
    NormalisedName,
    core_words,
    other_pronunciation,
    phonetic_skeleton,
)
from services.screening.core.names.word_similarity import MIN_UNVOWELLED, unvowelled_similarity

FREQUENCY_BONUS: Final = 0.03
"""Added to the similarity of a word, times the logarithm of how often it occurs."""
MIN_KNOWN_WORDS: Final = 0.5
"""Share of the words of a name that must be known."""


class VowelLexicon:
    """Words written with vowels, by their phonetic skeletons.

    names: the words of each name. A word that occurs in many names is preferred.
    """

    __slots__ = ("_by_skeleton",)

    def __init__(self, names: Iterable[Sequence[str]]) -> None:
        counts = Counter(
            word for words in names for word in words if word.isalpha() and len(word) > 1
        )
        self._by_skeleton: dict[str, list[tuple[str, float]]] = defaultdict(list)
        for word, count in counts.items():
            bonus = FREQUENCY_BONUS * log(count)
            self._by_skeleton[phonetic_skeleton(word)].append((word, bonus))

    def with_vowels(self, name: NormalisedName) -> str | None:
        """Returns the name with likely vowels, or None if too few of its words are known."""
        words = [word for word in core_words(name.words, is_person=True) if word != "al"]
        found = [self._best_word(word) for word in words]
        known = sum(word is not None for word in found)
        if not words or known < MIN_KNOWN_WORDS * len(words):
            return None
        return " ".join(other or word for word, other in zip(words, found, strict=True))

    def _best_word(self, written: str) -> str | None:
        skeletons = {phonetic_skeleton(written), phonetic_skeleton(other_pronunciation(written))}
        options = [
            (unvowelled_similarity(written, word) + bonus, word)
            for skeleton in skeletons
            for word, bonus in self._by_skeleton.get(skeleton, ())
        ]
        best = max(options, default=(0.0, ""))
        return best[1] if best[0] >= MIN_UNVOWELLED else None
