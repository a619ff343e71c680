"""Finds every listed name whose letters are similar to those of a query.

The search is exhaustive: no candidate is cut off by others. Each spelling has a signature of 64
bits, which say which letters it contains and how often. Two spellings differ in at least as many
letters as bits of their signatures differ. The index compares signatures first, a million in a
millisecond, and then the letters of the few spellings that remain.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from rapidfuzz import fuzz, process

from services.screening.core.names.normalisation import NormalisedName

MIN_SIMILARITY: Final = 85
"""Default similarity from which a name is found: rapidfuzz's ratio, 0..100."""
MAX_NAMES: Final = 400
"""Names returned at most, most similar first. More than a few dozen are similar only in crowded
parts of a list.
"""
LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
FREQUENT: Final = "ainerolhmusd"
"""Letters that names often contain three times."""
BITS: Final = tuple(
    (
        letter,
        1 << at,
        1 << (at + 26),
        1 << (52 + FREQUENT.index(letter)) if letter in FREQUENT else 0,
    )
    for at, letter in enumerate(LETTERS)
)
"""For each letter the bits that say it occurs once, twice, three times."""

BATCH: Final = 50_000
"""Spellings whose signatures are computed at once, in a matrix of 10 MB."""

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Spelling:
    """A name as its letters are compared.

    key: all words in their order. sorted_words: the core words in alphabetical order.
    """

    key: str
    sorted_words: str


def spelling_of(name: NormalisedName, core: Sequence[str]) -> Spelling:
    """Returns the spelling of a name with these core words."""
    return Spelling(name.key, " ".join(sorted(core)))


@dataclass(frozen=True, slots=True)
class _Part:
    """Signatures of spellings, shortest spelling first, with the rows they belong to.

    starts: for each length the position of the first spelling of that length.
    """

    rows: Array
    signatures: Array
    lengths: Array
    starts: Array

    @classmethod
    def of(cls, texts: Sequence[str], rows: Sequence[int]) -> "_Part":
        lengths = np.array([len(text) for text in texts], dtype=np.uint16)
        return cls._by_length(np.array(rows, dtype=np.uint32), letter_signatures(texts), lengths)

    @classmethod
    def _by_length(cls, rows: Array, signatures: Array, lengths: Array) -> "_Part":
        order = np.argsort(lengths, kind="stable")
        lengths = lengths[order]
        longest = int(lengths[-1]) if len(lengths) else 0
        starts = np.searchsorted(lengths, np.arange(longest + 2))
        return cls(rows[order], signatures[order], lengths, starts)

    def __len__(self) -> int:
        return len(self.rows)

    def __add__(self, other: "_Part") -> "_Part":
        return self._by_length(
            np.concatenate((self.rows, other.rows)),
            np.concatenate((self.signatures, other.signatures)),
            np.concatenate((self.lengths, other.lengths)),
        )

    def candidates(self, text: str, min_similarity: int) -> Array:
        """Returns the rows that may be similar, judged by length and signature."""
        length, rest = len(text), 200 - min_similarity
        shortest, longest = -(-length * min_similarity // rest), length * rest // min_similarity
        last = len(self.starts) - 1
        begin, end = self.starts[min(shortest, last)], self.starts[min(longest + 1, last)]
        bits = np.bitwise_count(self.signatures[begin:end] ^ np.uint64(letter_signature(text)))
        few = np.flatnonzero(bits <= (100 - min_similarity) * (length + longest) // 100)
        lengths = self.lengths[begin:end][few].astype(np.int64)
        allowed = (100 - min_similarity) * (lengths + length)
        found: Array = self.rows[begin:end][few[bits[few].astype(np.int64) * 100 <= allowed]]
        return found


class SpellingIndex:
    """Names by their letters. A name is found after `commit`.

    keys and sorted_words: the spellings by row. The caller may share and extend these lists while
    it adds names.
    """

    __slots__ = ("_parts", "_pending_rows", "_pending_texts", "keys", "sorted_words")

    def __init__(self, keys: Sequence[str], sorted_words: Sequence[str]) -> None:
        self.keys, self.sorted_words = keys, sorted_words
        self._parts: tuple[_Part, ...] = ()
        self._pending_texts: list[str] = []
        self._pending_rows: list[int] = []

    @classmethod
    def of(cls, names: Iterable[Spelling]) -> "SpellingIndex":
        """Returns the index of these names. The row of a name is its position."""
        known = list(names)
        index = cls([each.key for each in known], [each.sorted_words for each in known])
        spellings = [(text, row) for row, name in enumerate(known) for text in _texts_of(name)]
        index._parts = (_Part.of([text for text, _ in spellings], [row for _, row in spellings]),)
        return index

    def add(self, name: Spelling, row: int) -> None:
        """Adds a name. It is found after the next commit."""
        for text in _texts_of(name):
            self._pending_texts.append(text)
            self._pending_rows.append(row)
        if len(self._pending_texts) >= BATCH:
            self.commit()

    def commit(self) -> None:
        """Makes all added names findable."""
        if not self._pending_texts:
            return
        # Merge parts until their sizes at least halve from one to the next, as a log-structured
        # merge tree does: each name is moved once for every doubling of its part, and a query
        # visits few parts.
        added = _Part.of(self._pending_texts, self._pending_rows)
        parts = list(self._parts)
        while parts and len(parts[-1]) <= 2 * len(added):
            added = parts.pop() + added
        self._parts = (*parts, added)
        self._pending_texts, self._pending_rows = [], []

    def similar_to(
        self, name: Spelling, min_similarity: int = MIN_SIMILARITY, limit: int = MAX_NAMES
    ) -> list[int]:
        """Returns the rows whose letters reach the similarity, most similar first.

        Letters are compared in the order of the words and with the words sorted; the higher
        similarity counts.
        """
        texts = _texts_of(name)
        candidates = [
            part.candidates(text, min_similarity) for part in self._parts for text in texts
        ]
        rows = np.unique(np.concatenate(candidates)) if candidates else np.zeros(0, np.uint32)
        if not len(rows):
            return []
        at = rows.tolist()
        by_key = _ratios(name.key, [self.keys[row] for row in at], min_similarity)
        by_sorted = _ratios(
            name.sorted_words, [self.sorted_words[row] for row in at], min_similarity
        )
        ratios = np.maximum(by_key, by_sorted)
        order = np.argsort(-ratios, kind="stable")[:limit]
        found: list[int] = rows[order[ratios[order] >= min_similarity]].tolist()
        return found


def letter_signature(text: str) -> int:
    """Returns which letters a text contains once, twice and three times, as bits."""
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


def letter_signatures(texts: Sequence[str]) -> Array:
    """Returns the signatures of many texts, in a tenth of the time."""
    parts = [
        _batch_signatures(texts[start : start + BATCH]) for start in range(0, len(texts), BATCH)
    ]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.uint64)


def _batch_signatures(texts: Sequence[str]) -> Array:
    written = np.frombuffer("".join(texts).encode("ascii", "replace"), dtype=np.uint8) - ord("a")
    owners = np.repeat(np.arange(len(texts)), [len(text) for text in texts])
    is_letter = written < len(LETTERS)
    cells = owners[is_letter] * len(LETTERS) + written[is_letter]
    counts = np.bincount(cells, minlength=len(texts) * len(LETTERS))
    counts = counts.reshape(len(texts), len(LETTERS))
    bits = np.zeros(len(texts), dtype=np.uint64)
    for at, (_, *flags) in enumerate(BITS):
        for least, flag in enumerate(flags, 1):
            bits |= np.where(counts[:, at] >= least, np.uint64(flag), np.uint64(0))
    return bits


def _texts_of(name: Spelling) -> tuple[str, ...]:
    """Returns both texts, or one of them if they have the same letters."""
    is_same = name.key == name.sorted_words or sorted(name.key) == sorted(name.sorted_words)
    return (name.sorted_words,) if is_same else (name.sorted_words, name.key)


def _ratios(text: str, others: Sequence[str], min_similarity: int) -> Array:
    """Returns the ratio with each other text, 0 below the minimum."""
    ratios: Array = process.cdist(
        [text], others, scorer=fuzz.ratio, score_cutoff=min_similarity, dtype=np.float32
    )[0]
    return ratios
