"""Durations counted in buckets that grow with the duration (as HdrHistogram does): bounded memory, a bounded error.

Every quantile is at most 0.1 % above the true one, from a microsecond to many minutes, however many were recorded.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import Final

# Below 2,048 each microsecond has a bucket of its own; above, 1,024 buckets share each doubling.
_HALF: Final = 1_024
_MICROSECONDS: Final = 1e6


class Histogram:
    """Durations in seconds; what is below zero counts as zero."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()
        self._longest = 0.0

    def record(self, seconds: float) -> None:
        """Counts one."""
        self._counts[_bucket(max(0, round(seconds * _MICROSECONDS)))] += 1
        self._longest = max(self._longest, seconds)

    @property
    def count(self) -> int:
        """How many were recorded."""
        return self._counts.total()

    @property
    def longest(self) -> float:
        """The longest one exactly, in seconds; 0 when there is none."""
        return self._longest

    def quantile(self, share: float) -> float:
        """Seconds within which this share (0 to 1) of all was done; 0 when there is none."""
        rank = max(1, math.ceil(share * self.count))
        seen = 0
        for bucket in sorted(self._counts):
            seen += self._counts[bucket]
            if seen >= rank:
                return min(_highest(bucket) / _MICROSECONDS, self._longest)
        return 0.0


def _bucket(value: int) -> int:
    shift = max(0, value.bit_length() - _HALF.bit_length())
    return shift * _HALF + (value >> shift)


def _highest(bucket: int) -> int:
    """The highest value that falls into the bucket."""
    shift = max(0, bucket // _HALF - 1)
    return ((bucket - shift * _HALF + 1) << shift) - 1
