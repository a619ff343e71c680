"""Decides a command on a license and its cases: the events, or a refusal with its reason.

The current time and the ids of new objects are arguments.
"""

from datetime import datetime
from typing import assert_never

from safeconduct.standing import StandingState

from services.enforcement.core import commands as c
from services.enforcement.core.case_findings import decide_finding
from services.enforcement.core.errors import Refusal, not_found
from services.enforcement.core.events import Event, LicenseRegistered, LicenseSuspended
from services.enforcement.core.four_eyes import check_conflict
from services.enforcement.core.list_matches import LIST_MATCH, follow_verdict, record_match
from services.enforcement.core.measures import decide_measure
from services.enforcement.core.model import LicenseConduct
from services.enforcement.core.reinstatements import decide_reinstatement
from services.enforcement.core.reports import decide_report
from services.enforcement.core.standings import complete_grants, first_standing

Decision = tuple[Event, ...] | Refusal


def decide(conduct: LicenseConduct | None, command: c.Command, now: datetime) -> Decision:
    """Returns the events of the command, `()` if it changes nothing, or why it is refused.

    `conduct` is None if nothing about a license with this id is stored.
    """
    match command:
        case c.RegisterLicense():
            return _register(conduct, command, now)
        case c.RecordListMatch():
            return record_match(conduct, command, now)
        case c.FollowHitVerdict():
            return follow_verdict(conduct, command, now)
        case _:
            is_known = conduct is not None and conduct.is_registered
            return _by_caller(conduct if is_known else None, command, now)


def _by_caller(
    conduct: LicenseConduct | None,
    command: c.ReportConduct | c.ReinstatementCommand | c.CaseCommand,
    now: datetime,
) -> Decision:
    """Decides the command of a caller, to whom a license that is not registered is unknown."""
    match command:
        case c.ReportConduct():
            return decide_report(conduct, command, now)
        case c.ProposeReinstatement() | c.ConfirmReinstatement() | c.RejectReinstatement():
            if conduct is None:
                return not_found("license")
            conflict = check_conflict(command.officer, conduct.partner_id)
            return conflict or decide_reinstatement(conduct, command, now)
        case _:
            return _on_case(conduct, command, now)


def _on_case(conduct: LicenseConduct | None, command: c.CaseCommand, now: datetime) -> Decision:
    violation = conduct.violation(command.violation_id) if conduct is not None else None
    if conduct is None or violation is None:
        return not_found("case")
    conflict = check_conflict(command.officer, conduct.partner_id)
    if conflict is not None:
        return conflict
    match command:
        case c.ProposeFinding() | c.ConfirmFinding() | c.RejectFinding():
            return decide_finding(violation, command, now)
        case c.ImposeWarning() | c.ProposeMeasure() | c.ConfirmMeasure() | c.RejectMeasure():
            return decide_measure(conduct, violation, command, now)
        case _:
            assert_never(command)


def _register(
    conduct: LicenseConduct | None, command: c.RegisterLicense, now: datetime
) -> Decision:
    if conduct is not None and conduct.is_registered:
        # A repeated or late LicenseIssued must not make a revoked license ACTIVE again.
        completed = complete_grants(conduct, command, now)
        return () if completed is None else (completed,)
    registered = LicenseRegistered(command.license_id, command.application_id, command.partner_id)
    if conduct is None or not conduct.is_suspended_by_list:
        return (registered, first_standing(command, now))
    # A match came first. The first standing is SUSPENDED, so that no gate ever sees another one,
    # also if the match is settled: after a suspension two officers reinstate the license.
    standing = first_standing(command, now, StandingState.SUSPENDED, LIST_MATCH)
    suspended = LicenseSuspended(
        command.license_id, command.application_id, None, None, standing.standing.version
    )
    return (registered, suspended, standing)
