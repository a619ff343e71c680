"""Tables of violations."""

from __future__ import annotations

from collections.abc import Sequence

from safeconduct.cli.enum_names import short
from safeconduct.cli.license_view import officer_act
from safeconduct.cli.output import time_text
from safeconduct.cli.tables import Column, Pairs, coloured, pairs, rows, show
from safeconduct.enforcement.v1 import model_pb2 as model
from safeconduct.enforcement.v1 import service_pb2 as service


def show_list(violations: Sequence[service.ViolationSummary]) -> None:
    """Prints one violation a line."""
    columns = (
        Column("VIOLATION", whole=True),
        Column("STATE", whole=True),
        Column("CLAUSE", whole=True, rank=1),
        Column("PARTNER", whole=True, rank=3),
        Column("SEVERITY", whole=True, rank=4),
        Column("CREDIBILITY", whole=True, rank=5),
        Column("REPORTS", whole=True, rank=6),
        Column("OPENED", whole=True, rank=7),
        Column("LICENSE", whole=True, rank=2),
    )
    lines = [
        (
            one.violation_id,
            coloured(short(model.ViolationState, one.state)),
            short(model.Clause, one.clause),
            one.partner_id,
            short(model.Severity, one.severity),
            short(model.Credibility, one.credibility),
            str(one.report_count),
            time_text(one.opened_at),
            one.license_id,
        )
        for one in violations
    ]
    show(rows(columns, lines))


def show_violation(case: model.Violation) -> None:
    """Prints one violation, its finding, and its measures."""
    lines: Pairs = [
        ("violation", case.violation_id),
        ("license", case.license_id),
        ("clause", short(model.Clause, case.clause)),
        ("state", coloured(short(model.ViolationState, case.state))),
        ("credibility", short(model.Credibility, case.credibility)),
        ("reports", str(len(case.reports))),
    ]
    if case.HasField("finding"):
        lines += _finding(case.finding)
    for measure in case.measures:
        lines += _measure(measure)
    show(pairs(lines))


def _finding(finding: model.Finding) -> Pairs:
    verdict = (
        f"violation, {short(model.Severity, finding.severity)}"
        if finding.is_violation
        else "no violation"
    )
    return [
        ("finding", verdict),
        ("finding id", finding.finding_id),
        ("proposed", officer_act(finding.found_by)),
        ("confirmed", officer_act(finding.confirmed_by)),
    ]


def _measure(measure: model.Measure) -> Pairs:
    force = "in force" if measure.is_in_force else "not in force"
    return [
        ("measure", f"{short(model.MeasureKind, measure.kind)}, {force}"),
        ("measure id", measure.measure_id),
        ("proposed", officer_act(measure.imposed_by)),
        ("confirmed", officer_act(measure.confirmed_by)),
    ]
