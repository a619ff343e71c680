"""Decides on conduct reports: who may report, and which case a report opens or is added to."""

from datetime import datetime
from typing import Final

from services.enforcement.core.commands import ReportConduct
from services.enforcement.core.errors import Kind, Reason, Refusal, not_found
from services.enforcement.core.events import ConductReported, Event
from services.enforcement.core.model import ConductReport, LicenseConduct, Violation
from services.enforcement.core.visibility import check_reporter

MAX_REPORTS: Final = 50
"""Maximum number of reports of one reporter on one open case.

All cases of a license are one stored row, so no reporter may make it grow without limit.
"""


def decide_report(
    conduct: LicenseConduct | None, command: ReportConduct, now: datetime
) -> tuple[Event, ...] | Refusal:
    """Returns the event of the report, or why it is refused.

    The report is added to the open case of its clause or opens one. Evidence that the reporter had
    already reported on the open case changes nothing: `()`.
    """
    refusal = check_reporter(conduct, command.reporter, command.reporter_kind)
    if refusal is not None:
        return refusal
    if conduct is None:
        return not_found("license")
    case = conduct.open_case(command.clause)
    if case is not None and earlier_report(case, command) is not None:
        return ()
    if case is not None and _number_of_reports(case, command) >= MAX_REPORTS:
        return Refusal(
            Kind.PRECONDITION,
            Reason.TOO_MANY_REPORTS,
            f"you have {MAX_REPORTS} reports on this case; please contact an officer",
            {"limit": str(MAX_REPORTS)},
        )
    report = ConductReport(
        command.report_id,
        command.reporter.name,
        command.reporter_kind,
        command.evidence_digests,
        now,
    )
    violation_id = case.violation_id if case is not None else command.violation_id
    return (ConductReported(conduct.license_id, violation_id, command.clause, report),)


def earlier_report(case: Violation, command: ReportConduct) -> ConductReport | None:
    """Returns the reporter's newest report on the case if it brings no new evidence, else None."""
    own = [
        r
        for r in case.reports
        if (r.reporter, r.reporter_kind) == (command.reporter.name, command.reporter_kind)
    ]
    known = {digest for report in own for digest in report.evidence_digests}
    return own[-1] if own and known.issuperset(command.evidence_digests) else None


def find_report(conduct: LicenseConduct, command: ReportConduct) -> tuple[Violation, ConductReport]:
    """Returns the case and the report of a command that was not refused.

    If the command changed nothing, that is the earlier report with the same evidence.
    """
    for case in conduct.violations:
        for report in case.reports:
            if report.report_id == command.report_id:
                return case, report
    open_case = conduct.open_case(command.clause)
    assert open_case is not None, "without an open case the report would have opened one"
    earlier = earlier_report(open_case, command)
    assert earlier is not None, "without an earlier report this one would have been added"
    return open_case, earlier


def _number_of_reports(case: Violation, command: ReportConduct) -> int:
    return sum(report.reporter == command.reporter.name for report in case.reports)
