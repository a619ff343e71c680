"""The result of a load test: counts, durations and errors."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from operations.load.histogram import Histogram

QUANTILES: Final = (("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999))


@dataclass(slots=True)
class Report:
    """Counts and durations of one run.

    Durations begin when a submission was due, not when it was sent.
    """

    target_per_second: float
    """The rate that the run was to submit at."""
    submitted: Counter[str] = field(default_factory=Counter)
    """Submissions that were sent, by name of the application."""
    outcomes: Counter[str] = field(default_factory=Counter)
    """Decisions, by the state in which the application left screening."""
    errors: Counter[str] = field(default_factory=Counter)
    """Failed submissions, by reason."""
    not_sent: int = 0
    """Submissions that were not sent because too many others were in flight."""
    responses: Histogram = field(default_factory=Histogram)
    decisions: Histogram = field(default_factory=Histogram)
    seconds: float = 0.0
    """From the first due submission to the last one."""
    deciding_seconds: float = 0.0
    """From the first due submission to the last decision."""

    @property
    def sent(self) -> int:
        """Number of submissions that were sent."""
        return self.submitted.total()

    @property
    def undecided(self) -> int:
        """Number of applications without a decision when the run ended."""
        return self.responses.count - self.decisions.count

    @property
    def decided_per_second(self) -> float:
        """Decisions per second until the last decision; 0 without one."""
        return self.decisions.count / self.deciding_seconds if self.deciding_seconds else 0.0


def to_json(report: Report) -> dict[str, Any]:
    """Returns the report as JSON; durations in milliseconds."""
    return {
        "targetPerSecond": report.target_per_second,
        "seconds": round(report.seconds, 3),
        "sent": report.sent,
        "answered": report.responses.count,
        "decided": report.decisions.count,
        "undecided": report.undecided,
        "notSent": report.not_sent,
        "decidedPerSecond": round(report.decided_per_second, 2),
        "submitMilliseconds": milliseconds(report.responses),
        "decisionMilliseconds": milliseconds(report.decisions),
        "submitted": dict(report.submitted),
        "outcomes": dict(report.outcomes),
        "errors": dict(report.errors),
    }


def milliseconds(histogram: Histogram) -> dict[str, float]:
    """Returns the quantiles and the maximum in milliseconds, by name."""
    found = {name: round(histogram.quantile(share) * 1e3, 3) for name, share in QUANTILES}
    return {**found, "max": round(histogram.longest * 1e3, 3)}
