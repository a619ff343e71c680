"""Reports the progress of a batch, and a summary at its end."""

from __future__ import annotations

import time
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final, TextIO

from services.screening.batch.answers import Answer
from services.screening.core.config import ScreeningConfig

_REPORT_EVERY_S: Final = 5.0


class Progress:
    """Counts lines and answers, and writes reports to a text stream."""

    def __init__(self, to: TextIO) -> None:
        self._to = to
        self._began = self._reported = time.perf_counter()
        self._first_answer: float | None = None
        self._results: Counter[str] = Counter()
        self._ms = array("d")
        self._blank_lines = 0

    def log(self, message: str) -> None:
        """Writes a message after the seconds since the start."""
        print(f"{time.perf_counter() - self._began:7.1f} s  {message}", file=self._to, flush=True)

    def lines(self, queries: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
        """Yields the lines with their numbers from 1. Blank lines are counted and left out."""
        for number, line in enumerate(queries, start=1):
            if line.strip():
                yield number, line
            else:
                self._blank_lines += 1

    def answered(self, answer: Answer) -> None:
        """Counts an answer, and reports every few seconds."""
        now = time.perf_counter()
        if self._first_answer is None:
            self._first_answer = now
            self.log("first answers")
        self._results[answer.result.value] += 1
        self._ms.append(answer.ms)
        if now - self._reported >= _REPORT_EVERY_S:
            self._reported = now
            self.log(f"{len(self._ms)} answered")

    def summary(self, config: ScreeningConfig, listed: int) -> None:
        """Reports results, throughput and configuration. listed: number of parties on the list."""
        total, ordered = len(self._ms), sorted(self._ms)
        results = (
            ", ".join(f"{count} {result}" for result, count in self._results.most_common())
            or "no lines"
        )
        self.log(f"{total} answered against {listed} listed parties: {results}")
        if self._blank_lines:
            self.log(f"{self._blank_lines} blank lines skipped")
        if total and self._first_answer is not None:
            rate = total / max(time.perf_counter() - self._first_answer, 1e-6)
            p50, p99 = ordered[total // 2], ordered[min(total - 1, total * 99 // 100)]
            self.log(f"{rate:.0f} answers/s; time per answer: p50 {p50:.1f} ms, p99 {p99:.1f} ms")
        expected = f"{config.expected_alert_rate:.1%} of innocent persons are expected to reach it"
        self.log(f"rules {config.version}, threshold {config.threshold:.2f}: {expected}")
