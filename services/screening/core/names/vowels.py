"""Reads names of scripts without vowels, by the words of names that are written with them: mhmd is mohammad.

Knows how often words are borne. Needed for parties that are listed in such a script only and asked about in Latin
letters; the other way round every listed name offers its own vowels.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from math import log
from typing import Final

from services.screening.core.names.normalisation import (
    Folded,
    heard_otherwise,
    name_words,
    skeleton,
)
from services.screening.core.names.token_alignment import LEAST_READ, read_likeness

COMMON: Final = 0.03
"""What each doubling or so of its bearers adds to the likeness of a word."""
LEAST_SHARE: Final = 0.5
"""Share of the words of a name that must be known for it to be read."""


class Lexicon:
    """Words written with vowels, by their consonants."""

    __slots__ = ("_bearers",)

    def __init__(self, names: Iterable[Sequence[str]]) -> None:
        counts = Counter(
            word for words in names for word in words if word.isalpha() and len(word) > 1
        )
        self._bearers: dict[str, list[tuple[str, float]]] = defaultdict(list)
        for word, count in counts.items():
            self._bearers[skeleton(word)].append((word, COMMON * log(count)))

    def read(self, name: Folded) -> str | None:
        """The name with the vowels of the likeliest words; None when too few of its words are known."""
        words = [word for word in name_words(name.words, is_person=True) if word != "al"]
        read = [self._word(word) for word in words]
        known = sum(word is not None for word in read)
        if not words or known < LEAST_SHARE * len(words):
            return None
        return " ".join(other or word for word, other in zip(words, read, strict=True))

    def _word(self, written: str) -> str | None:
        sounds = {skeleton(written), skeleton(heard_otherwise(written))}
        options = [
            (read_likeness(written, word) + rank, word)
            for sound in sounds
            for word, rank in self._bearers.get(sound, ())
        ]
        best = max(options, default=(0.0, ""))
        return best[1] if best[0] >= LEAST_READ else None
