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

from services.screening.core.names.normalisation import Folded

NEAR: Final = 85
"""Share of letters that agree, of 100 (rapidfuzz's ratio), from which a name is near unless another one is said."""
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
class _Letters:
    """The letters of spellings, shortest first, and whose they are. starts: where spellings of a length begin."""

    rows: Array
    letters: Array
    lengths: Array
    starts: Array

    @classmethod
    def of(cls, texts: Sequence[str], rows: Sequence[int]) -> "_Letters":
        lengths = np.array([len(text) for text in texts], dtype=np.uint16)
        return cls._ordered(np.array(rows, dtype=np.uint32), all_letters_of(texts), lengths)

    @classmethod
    def _ordered(cls, rows: Array, letters: Array, lengths: Array) -> "_Letters":
        order = np.argsort(lengths, kind="stable")
        lengths = lengths[order]
        longest = int(lengths[-1]) if len(lengths) else 0
        return cls(
            rows[order], letters[order], lengths, np.searchsorted(lengths, np.arange(longest + 2))
        )

    def __len__(self) -> int:
        return len(self.rows)

    def __add__(self, other: "_Letters") -> "_Letters":
        return self._ordered(
            np.concatenate((self.rows, other.rows)),
            np.concatenate((self.letters, other.letters)),
            np.concatenate((self.lengths, other.lengths)),
        )

    def possible(self, text: str, near: int) -> Array:
        """Rows that may be near by length and by how often they have each letter."""
        length, least = len(text), 200 - near
        shortest, longest = -(-length * near // least), length * least // near
        last = len(self.starts) - 1
        begin, end = self.starts[min(shortest, last)], self.starts[min(longest + 1, last)]
        apart = np.bitwise_count(self.letters[begin:end] ^ np.uint64(letters_of(text)))
        few = np.flatnonzero(apart <= (100 - near) * (length + longest) // 100)
        allowed = (100 - near) * (self.lengths[begin:end][few].astype(np.int64) + length)
        found: Array = self.rows[begin:end][few[apart[few].astype(np.int64) * 100 <= allowed]]
        return found


class Spellings:
    """Names by how they are spelled, `keys` and `ordered` by row. What was added is found once it settled."""

    __slots__ = ("_parts", "_rows", "_texts", "keys", "ordered")

    def __init__(self, keys: Sequence[str], ordered: Sequence[str]) -> None:
        """Of no names yet. keys and ordered: those of each row that is added, whenever they are asked for."""
        self.keys, self.ordered = keys, ordered
        self._parts: tuple[_Letters, ...] = ()
        self._texts: list[str] = []
        self._rows: list[int] = []

    @classmethod
    def of(cls, names: Iterable[Spelled]) -> "Spellings":
        """The spellings of these names; rows are their positions."""
        known = list(names)
        found = cls([each.key for each in known], [each.ordered for each in known])
        spellings = [(text, row) for row, name in enumerate(known) for text in _different(name)]
        found._parts = (
            _Letters.of([text for text, _ in spellings], [row for _, row in spellings]),
        )
        return found

    def add(self, name: Spelled, row: int) -> None:
        """One more name."""
        for text in _different(name):
            self._texts.append(text)
            self._rows.append(row)
        if len(self._texts) >= AT_ONCE:
            self.settle()

    def settle(self) -> None:
        """From now on all that was added is found."""
        if not self._texts:
            return
        # Parts of falling size: each name is moved as often as its part has doubled.
        added = _Letters.of(self._texts, self._rows)
        parts = list(self._parts)
        while parts and len(parts[-1]) <= 2 * len(added):
            added = parts.pop() + added
        self._parts = (*parts, added)
        self._texts, self._rows = [], []

    def near(self, name: Spelled, near: int = NEAR, most: int = MOST) -> list[int]:
        """Names whose letters agree with this one's to `near`, in its order or the alphabetical one, nearest first."""
        possible = [part.possible(text, near) for part in self._parts for text in _different(name)]
        rows = np.unique(np.concatenate(possible)) if possible else np.zeros(0, dtype=np.uint32)
        if not len(rows):
            return []
        written = _agree(name.key, [self.keys[row] for row in rows.tolist()], near)
        ordered = _agree(name.ordered, [self.ordered[row] for row in rows.tolist()], near)
        agree = np.maximum(written, ordered)
        order = np.argsort(-agree, kind="stable")[:most]
        nearest: list[int] = rows[order[agree[order] >= near]].tolist()
        return nearest


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
    counts = np.bincount(places, minlength=len(texts) * len(LETTERS)).reshape(
        len(texts), len(LETTERS)
    )
    bits = np.zeros(len(texts), dtype=np.uint64)
    for at, (_, *signs) in enumerate(BITS):
        for least, sign in enumerate(signs, 1):
            bits |= np.where(counts[:, at] >= least, np.uint64(sign), np.uint64(0))
    return bits


def _different(name: Spelled) -> tuple[str, ...]:
    """Both spellings; one of them where they have the same letters."""
    is_same = name.key == name.ordered or sorted(name.key) == sorted(name.ordered)
    return (name.ordered,) if is_same else (name.ordered, name.key)


def _agree(text: str, others: Sequence[str], near: int) -> Array:
    agree: Array = process.cdist(
        [text], others, scorer=fuzz.ratio, score_cutoff=near, dtype=np.float32
    )[0]
    return agree
