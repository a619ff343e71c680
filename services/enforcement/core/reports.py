"""Reports of conduct: who may report what about whom, and which case a report opens or joins.

A partner or gate never learns from an answer whether a license that is not its own exists: only who knows the random id
of one can report on it, and every other id gets the same words. Knows nothing of what officers do with a case.
"""

from datetime import datetime
from typing import Final

from services.enforcement.core.commands import ReportConduct
from services.enforcement.core.credibility import CLAIMS, ReporterRole
from services.enforcement.core.errors import Kind, Reason, Refusal, not_found, not_visible
from services.enforcement.core.events import ConductReported, Event
from services.enforcement.core.evolve import LicenseConduct
from services.enforcement.core.model import ConductReport, ReporterKind, Violation

MOST_REPORTS: Final = 50
"""Of one reporter on one open case: what it has to say beyond that, it says to an officer."""


def report(
    conduct: LicenseConduct | None, command: ReportConduct, now: datetime
) -> tuple[Event, ...] | Refusal:
    """The report joins the open case of its clause or opens one; the same source with nothing new changes nothing."""
    refusal = _may_report(conduct, command)
    if refusal is not None or conduct is None:
        return refusal or not_found("license")
    case = conduct.open_case(command.clause)
    if case is not None and earlier_report(case, command) is not None:
        return ()
    if case is not None and _has_said_enough(case, command):
        return Refusal(
            Kind.PRECONDITION,
            Reason.TOO_MANY_REPORTS,
            f"{MOST_REPORTS} reports of yours are on this case; an officer takes what is beyond that",
            {"limit": str(MOST_REPORTS)},
        )
    told = ConductReport(
        command.report_id,
        command.reporter.name,
        command.reporter_kind,
        command.evidence_digests,
        now,
    )
    case_id = case.violation_id if case is not None else command.violation_id
    return (ConductReported(conduct.license_id, case_id, command.clause, told),)


def earlier_report(case: Violation, command: ReportConduct) -> ConductReport | None:
    """The newest report of this reporter, when all evidence of the command is already in its reports on the case."""
    own = [
        r
        for r in case.reports
        if (r.reporter, r.reporter_kind) == (command.reporter.name, command.reporter_kind)
    ]
    known = {digest for report in own for digest in report.evidence_digests}
    return own[-1] if own and known.issuperset(command.evidence_digests) else None


def _has_said_enough(case: Violation, command: ReportConduct) -> bool:
    """A case is kept in one row, so nobody alone may make it grow without end."""
    return sum(each.reporter == command.reporter.name for each in case.reports) >= MOST_REPORTS


def told_in(conduct: LicenseConduct, command: ReportConduct) -> tuple[Violation, ConductReport]:
    """Where a report that was not refused stands now: its case, and the report that says it."""
    for case in conduct.violations:
        for each in case.reports:
            if each.report_id == command.report_id:
                return case, each
    joined = conduct.open_case(command.clause)
    earlier = earlier_report(joined, command) if joined is not None else None
    assert joined is not None, "a report that changed nothing said what an open case holds already"
    assert earlier is not None, "same"
    return joined, earlier


def _may_report(conduct: LicenseConduct | None, command: ReportConduct) -> Refusal | None:
    """First what depends on the caller alone; then another's license is answered as no license is."""
    reporter, kind = command.reporter, command.reporter_kind
    if kind not in CLAIMS[reporter.role]:
        return _claim_refused(command)
    if reporter.role is ReporterRole.OFFICER:
        return not_found("license") if conduct is None else None
    if conduct is None:
        return not_visible()
    is_own = conduct.partner_id == reporter.partner_id
    if kind is ReporterKind.PUBLIC:
        # Whoever knows the random id of another's license may report on it; about its own, a partner discloses.
        return _claim_refused(command) if is_own else None
    return None if is_own else not_visible()


def _claim_refused(command: ReportConduct) -> Refusal:
    return Refusal(
        Kind.PERMISSION,
        Reason.REPORTER_KIND_NOT_ALLOWED,
        f"a {command.reporter.role} cannot report this as {command.reporter_kind}",
        {"reporterKind": command.reporter_kind},
    )
