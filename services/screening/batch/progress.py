"""Tells on the way how far a book is, and at the end what came of it."""

from __future__ import annotations

import time
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final, TextIO

from services.screening.batch.answers import Answer
from services.screening.core.config import ScreeningConfig

EVERY_S: Final = 5.0


class Progress:
    """What is said beside the answers; it has seen every line and every answer."""

    def __init__(self, to: TextIO) -> None:
        self._to = to
        self._began = self._told = time.perf_counter()
        self._first: float | None = None
        self._results: Counter[str] = Counter()
        self._ms = array("d")
        self._blank = 0

    def said(self, what: str) -> None:
        """Says it now, after how many seconds."""
        print(f"{time.perf_counter() - self._began:7.1f} s  {what}", file=self._to, flush=True)

    def lines(self, book: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
        """The lines that ask something, with their numbers from 1; blank ones are counted."""
        for number, line in enumerate(book, start=1):
            if line.strip():
                yield number, line
            else:
                self._blank += 1

    def answered(self, answer: Answer) -> None:
        """One more answer is written."""
        now = time.perf_counter()
        if self._first is None:
            self._first = now
            self.said("first answers")
        self._results[answer.result.value] += 1
        self._ms.append(answer.ms)
        if now - self._told >= EVERY_S:
            self._told = now
            self.said(f"{len(self._ms)} answered")

    def summary(self, config: ScreeningConfig, parties: int) -> None:
        """What came of the book."""
        total, ordered = len(self._ms), sorted(self._ms)
        results = (
            ", ".join(f"{count} {result}" for result, count in self._results.most_common())
            or "nothing asked"
        )
        self.said(f"{total} answered against {parties} listed parties: {results}")
        if self._blank:
            self.said(f"{self._blank} blank lines passed over")
        if total and self._first is not None:
            rate = total / max(time.perf_counter() - self._first, 1e-6)
            p50, p99 = ordered[total // 2], ordered[min(total - 1, total * 99 // 100)]
            self.said(
                f"{rate:.0f} answers a second; one took {p50:.1f} ms (p50), {p99:.1f} ms (p99)"
            )
        expected = f"{config.expected_alert_rate:.1%} of innocent persons are expected to reach it"
        self.said(f"rules {config.version}, threshold {config.threshold:.2f}: {expected}")
