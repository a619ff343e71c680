"""Decides on findings: one officer proposes, a second officer confirms or rejects."""

from datetime import datetime
from typing import assert_never

from services.enforcement.core import commands as c
from services.enforcement.core.errors import Refusal, invalid
from services.enforcement.core.events import (
    Event,
    FindingConfirmed,
    FindingProposed,
    FindingRejected,
)
from services.enforcement.core.four_eyes import check_second_officer
from services.enforcement.core.lifecycle import fits_case, wrong_case_state
from services.enforcement.core.model import Finding, OfficerAct, Violation


def decide_finding(
    case: Violation, command: c.FindingCommand, now: datetime
) -> tuple[Event, ...] | Refusal:
    """Returns the event of the command on this case, or why it is refused."""
    if not fits_case(case.state, type(command)):
        return wrong_case_state(case.state, command)
    act = OfficerAct(command.officer.officer_id, command.rationale, now)
    match command:
        case c.ProposeFinding():
            return _propose(case, command, act)
        case c.ConfirmFinding(finding_id=finding_id):
            confirmed = FindingConfirmed(case.license_id, case.violation_id, act, finding_id)
            return _check_answer(case, command) or (confirmed,)
        case c.RejectFinding(finding_id=finding_id):
            rejected = FindingRejected(case.license_id, case.violation_id, act, finding_id)
            return _check_answer(case, command) or (rejected,)
        case _:
            assert_never(command)


def _propose(
    case: Violation, command: c.ProposeFinding, act: OfficerAct
) -> tuple[Event, ...] | Refusal:
    if command.is_violation and command.severity is None:
        return invalid("severity", "REQUIRED", "severity is required for a violation")
    if not command.is_violation and command.severity is not None:
        return invalid("severity", "NOT_ALLOWED", "severity must be empty without a violation")
    finding = Finding(command.finding_id, command.is_violation, command.severity, act, None)
    return (FindingProposed(case.license_id, case.violation_id, finding),)


def _check_answer(case: Violation, command: c.ConfirmFinding | c.RejectFinding) -> Refusal | None:
    pending = case.pending_finding
    assert pending is not None, "the table allows an answer only while a finding is pending"
    return check_second_officer(
        command.officer,
        command.finding_id,
        pending_id=pending.finding_id,
        proposed_by=pending.found_by,
    )
