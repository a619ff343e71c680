"""A histogram of durations with bounded memory and bounded error, whatever their number."""

from __future__ import annotations

import math
from typing import Final

from hdrh.histogram import HdrHistogram

_MICROSECONDS: Final = 1e6
_LONGEST_US: Final = 24 * 3600 * 1_000_000
_DIGITS: Final = 3


class Histogram:
    """Durations in seconds, kept to the microsecond or 0.1 %, whichever is coarser.

    Negative durations count as 0, those above a day as one day.
    """

    def __init__(self) -> None:
        self._counts = HdrHistogram(1, _LONGEST_US, _DIGITS)
        self._longest = 0.0

    def record(self, seconds: float) -> None:
        """Adds one duration."""
        self._counts.record_value(min(max(0, round(seconds * _MICROSECONDS)), _LONGEST_US))
        self._longest = max(self._longest, seconds)

    @property
    def count(self) -> int:
        """Number of durations."""
        return int(self._counts.get_total_count())

    @property
    def longest(self) -> float:
        """The longest duration exactly, in seconds; 0 if there is none."""
        return self._longest

    def quantile(self, share: float) -> float:
        """Returns the duration that this share (0 to 1) of all does not exceed; 0 without any."""
        if not self.count:
            return 0.0
        # The library rounds the rank to the nearest one, which may exclude part of the share. The
        # percentile of the rank itself is exact.
        rank = max(1, math.ceil(round(share * self.count, 9)))
        found = self._counts.get_value_at_percentile(100 * rank / self.count) / _MICROSECONDS
        return min(float(found), self._longest)
