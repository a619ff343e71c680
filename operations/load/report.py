"""What a run found: how much was offered, answered and decided, how long it took, and what went wrong by reason."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from operations.load.histogram import Histogram

QUANTILES: Final = (("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999))


@dataclass(slots=True)
class Report:
    """Counts and durations of one run. Durations begin when a submission was due, not when it could be sent."""

    offered_per_second: float
    submitted: Counter[str] = field(default_factory=Counter)
    """By name of the application."""
    outcomes: Counter[str] = field(default_factory=Counter)
    """By the state in which an application left screening."""
    errors: Counter[str] = field(default_factory=Counter)
    """Submissions that failed, by reason."""
    not_sent: int = 0
    """Submissions that were due while too many others were still on their way."""
    answers: Histogram = field(default_factory=Histogram)
    decisions: Histogram = field(default_factory=Histogram)
    seconds: float = 0.0
    """From the first submission that was due to the last."""
    deciding_seconds: float = 0.0
    """From the first submission that was due to the last decision."""

    @property
    def sent(self) -> int:
        """Submissions that were sent."""
        return self.submitted.total()

    @property
    def undecided(self) -> int:
        """Answered, and not decided when the run ended."""
        return self.answers.count - self.decisions.count

    @property
    def decided_per_second(self) -> float:
        """Decisions per second while there was something to decide."""
        return self.decisions.count / self.deciding_seconds if self.deciding_seconds else 0.0


def document(report: Report) -> dict[str, Any]:
    """The report for programs; durations in milliseconds."""
    return {
        "offeredPerSecond": report.offered_per_second,
        "seconds": round(report.seconds, 3),
        "sent": report.sent,
        "answered": report.answers.count,
        "decided": report.decisions.count,
        "undecided": report.undecided,
        "notSent": report.not_sent,
        "decidedPerSecond": round(report.decided_per_second, 2),
        "submitMilliseconds": milliseconds(report.answers),
        "decisionMilliseconds": milliseconds(report.decisions),
        "submitted": dict(report.submitted),
        "outcomes": dict(report.outcomes),
        "errors": dict(report.errors),
    }


def milliseconds(histogram: Histogram) -> dict[str, float]:
    """The quantiles worth telling, and the longest."""
    found = {name: round(histogram.quantile(share) * 1e3, 3) for name, share in QUANTILES}
    return {**found, "max": round(histogram.longest * 1e3, 3)}
