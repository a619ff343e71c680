"""Kinds of reporters that each role may claim, and the credibility of reports."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

from services.enforcement.core.model import ConductReport, Credibility, ReporterKind


class ReporterRole(StrEnum):
    """Role of the caller, from the identity in its certificate."""

    PARTNER = "partner"
    GATE = "gate"
    OFFICER = "officer"


CLAIMS: Final[Mapping[ReporterRole, frozenset[ReporterKind]]] = {
    ReporterRole.PARTNER: frozenset({ReporterKind.SELF_DISCLOSURE, ReporterKind.PUBLIC}),
    ReporterRole.GATE: frozenset({ReporterKind.DEVELOPER_TELEMETRY}),
    ReporterRole.OFFICER: frozenset({ReporterKind.AUTHORITY, ReporterKind.PUBLIC}),
}
"""Kinds that a role may claim. Further limits depend on the license: see `visibility`."""

CREDIBLE_KINDS: Final = frozenset(
    {ReporterKind.DEVELOPER_TELEMETRY, ReporterKind.SELF_DISCLOSURE, ReporterKind.AUTHORITY}
)
"""Kinds of which a single report has HIGH credibility."""

INDEPENDENT_SOURCES: Final = 2
"""Number of different public reporters that raises LOW to MEDIUM.

Many reports of one reporter count once, so that nobody can raise credibility by repetition.
"""


def credibility(reports: Iterable[ConductReport]) -> Credibility:
    """Returns HIGH with one credible report, MEDIUM with two public reporters, LOW otherwise."""
    all_reports = tuple(reports)
    if any(report.reporter_kind in CREDIBLE_KINDS for report in all_reports):
        return Credibility.HIGH
    sources = {report.reporter for report in all_reports}
    return Credibility.MEDIUM if len(sources) >= INDEPENDENT_SOURCES else Credibility.LOW
