"""Finds every listed name that is spelled nearly as a given one: all of them are looked at, so none can be crowded out.

Which letters a name has, and how often, is kept as 64 bits. Two names differ in at least as many letters as their bits
differ; what is too far by that is left out without being read, a million names in a millisecond, and the few that
remain are compared letter by letter.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from rapidfuzz import fuzz, process

from services.screening.core.normalise import Folded

NEAR: Final = 85
"""Share of letters that agree, of 100 (rapidfuzz's ratio), from which a name is near."""
MOST: Final = 400
"""Names brought at most, the nearest first. More than a few dozen are near only where a list is crowded."""
LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
OFTEN: Final = "ainerolhmusd"
"""Letters of which names often have three."""
BITS: Final = tuple(
    (letter, 1 << at, 1 << (at + 26), 1 << (52 + OFTEN.index(letter)) if letter in OFTEN else 0)
    for at, letter in enumerate(LETTERS)
)
"""Of a letter: the bits that say it is there, twice, three times."""

AT_ONCE: Final = 50_000
"""Spellings whose letters are counted at once: a matrix of 10 MB."""

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Spelled:
    """A name as it is compared: its words in order, and those it is compared by in alphabetical order."""

    key: str
    ordered: str


@dataclass(frozen=True, slots=True)
class Spellings:
    """All names, `keys` and `ordered` by row; and, shortest first, the letters of each spelling and whose it is.

    starts: where spellings of a length begin.
    """

    keys: Sequence[str]
    ordered: Sequence[str]
    _rows: Array
    _letters: Array
    _lengths: Array
    _starts: Array

    @classmethod
    def of(cls, names: Iterable[Spelled]) -> "Spellings":
        """The spellings of these names; rows are their positions."""
        known = list(names)
        found = [(text, row) for row, name in enumerate(known) for text in _different(name)]
        texts = [text for text, _ in found]
        lengths = np.array([len(text) for text in texts], dtype=np.uint16)
        order = np.argsort(lengths, kind="stable")
        letters = all_letters_of(texts)[order]
        rows = np.array([row for _, row in found], dtype=np.uint32)[order]
        lengths = lengths[order]
        longest = int(lengths[-1]) if len(lengths) else 0
        starts = np.searchsorted(lengths, np.arange(longest + 2))
        return cls([each.key for each in known], [each.ordered for each in known], rows, letters, lengths, starts)

    def near(self, name: Spelled) -> list[int]:
        """Every name whose letters agree with this one's to NEAR, in order or in alphabetical order, nearest first."""
        possible = [self._possible(text) for text in _different(name)]
        rows = np.unique(np.concatenate(possible))
        if not len(rows):
            return []
        written = _agree(name.key, [self.keys[row] for row in rows])
        ordered = _agree(name.ordered, [self.ordered[row] for row in rows])
        agree = np.maximum(written, ordered)
        order = np.argsort(-agree, kind="stable")[:MOST]
        nearest: list[int] = rows[order[agree[order] >= NEAR]].tolist()
        return nearest

    def _possible(self, text: str) -> Array:
        """Rows that may be near by length and by how often they have each letter."""
        length, least = len(text), 200 - NEAR
        shortest, longest = -(-length * NEAR // least), length * least // NEAR
        last = len(self._starts) - 1
        begin, end = self._starts[min(shortest, last)], self._starts[min(longest + 1, last)]
        apart = np.bitwise_count(self._letters[begin:end] ^ np.uint64(letters_of(text)))
        few = np.flatnonzero(apart <= (100 - NEAR) * (length + longest) // 100)
        allowed = (100 - NEAR) * (self._lengths[begin:end][few].astype(np.int64) + length)
        found: Array = self._rows[begin:end][few[apart[few].astype(np.int64) * 100 <= allowed]]
        return found


def spelled(name: Folded, core: Sequence[str]) -> Spelled:
    """A folded name and the words it is compared by."""
    return Spelled(name.key, " ".join(sorted(core)))


def letters_of(text: str) -> int:
    """Which letters a text has once, twice, three times, as bits."""
    bits = 0
    for letter, once, twice, thrice in BITS:
        count = text.count(letter)
        if count:
            bits |= once
            if count > 1:
                bits |= twice
                if count > 2:
                    bits |= thrice
    return bits


def all_letters_of(texts: Sequence[str]) -> Array:
    """The same of many texts, in a tenth of the time."""
    parts = [_letters_of(texts[start : start + AT_ONCE]) for start in range(0, len(texts), AT_ONCE)]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.uint64)


def _letters_of(texts: Sequence[str]) -> Array:
    written = np.frombuffer("".join(texts).encode("ascii", "replace"), dtype=np.uint8) - ord("a")
    owners = np.repeat(np.arange(len(texts)), [len(text) for text in texts])
    known = written < len(LETTERS)
    places = owners[known] * len(LETTERS) + written[known]
    counts = np.bincount(places, minlength=len(texts) * len(LETTERS)).reshape(len(texts), len(LETTERS))
    bits = np.zeros(len(texts), dtype=np.uint64)
    for at, (_, *signs) in enumerate(BITS):
        for least, sign in enumerate(signs, 1):
            bits |= np.where(counts[:, at] >= least, np.uint64(sign), np.uint64(0))
    return bits


def _different(name: Spelled) -> tuple[str, ...]:
    """Both spellings; one of them where they have the same letters."""
    is_same = name.key == name.ordered or sorted(name.key) == sorted(name.ordered)
    return (name.ordered,) if is_same else (name.ordered, name.key)


def _agree(text: str, others: Sequence[str]) -> Array:
    agree: Array = process.cdist([text], others, scorer=fuzz.ratio, score_cutoff=NEAR, dtype=np.float32)[0]
    return agree
