"""Who may report as whom, and how far the reports of a case can be believed. Knows no case."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

from services.enforcement.core.model import ConductReport, Credibility, ReporterKind


class ReporterRole(StrEnum):
    """What the identity of a caller says it is."""

    PARTNER = "partner"
    GATE = "gate"
    OFFICER = "officer"


CLAIMS: Final[Mapping[ReporterRole, frozenset[ReporterKind]]] = {
    ReporterRole.PARTNER: frozenset({ReporterKind.SELF_DISCLOSURE, ReporterKind.PUBLIC}),
    ReporterRole.GATE: frozenset({ReporterKind.DEVELOPER_TELEMETRY}),
    ReporterRole.OFFICER: frozenset({ReporterKind.AUTHORITY, ReporterKind.PUBLIC}),
}
"""As whom each may speak. What depends on the license stands in `reports`."""

CREDIBLE: Final = frozenset(
    {ReporterKind.DEVELOPER_TELEMETRY, ReporterKind.SELF_DISCLOSURE, ReporterKind.AUTHORITY}
)
"""Kinds whose single report is believed."""

INDEPENDENT_SOURCES: Final = 2
"""So many different public reporters say more than one of them does, however often it reports."""


def credibility(reports: Iterable[ConductReport]) -> Credibility:
    """HIGH with one credible report, MEDIUM with several independent public reporters, else LOW."""
    known = tuple(reports)
    if any(report.reporter_kind in CREDIBLE for report in known):
        return Credibility.HIGH
    sources = {report.reporter for report in known}
    return Credibility.MEDIUM if len(sources) >= INDEPENDENT_SOURCES else Credibility.LOW
