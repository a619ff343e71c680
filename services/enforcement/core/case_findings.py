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
from services.enforcement.core.lifecycle import CaseStep, confirmation_step, step_case
from services.enforcement.core.model import Finding, OfficerAct, Violation


def decide_finding(
    case: Violation, command: c.FindingCommand, now: datetime
) -> tuple[Event, ...] | Refusal:
    """Returns the event of the command on this case, or why it is refused."""
    act = OfficerAct(command.officer.officer_id, command.rationale, now)
    match command:
        case c.ProposeFinding():
            return _propose(case, command, act)
        case c.ConfirmFinding():
            return _confirm(case, command, act)
        case c.RejectFinding():
            return _reject(case, command, act)
        case _:
            assert_never(command)


def _propose(
    case: Violation, command: c.ProposeFinding, act: OfficerAct
) -> tuple[Event, ...] | Refusal:
    after = step_case(case.state, CaseStep.PROPOSE_FINDING)
    if isinstance(after, Refusal):
        return after
    if command.is_violation and command.severity is None:
        return invalid("severity", "REQUIRED", "severity is required for a violation")
    if not command.is_violation and command.severity is not None:
        return invalid("severity", "NOT_ALLOWED", "severity must be empty without a violation")
    finding = Finding(command.finding_id, command.is_violation, command.severity, act, None)
    return (FindingProposed(case.license_id, case.violation_id, finding),)


def _confirm(
    case: Violation, command: c.ConfirmFinding, act: OfficerAct
) -> tuple[Event, ...] | Refusal:
    pending = case.pending_finding
    # Without a pending finding the table refuses both steps alike.
    step = confirmation_step(is_violation=pending is None or pending.is_violation)
    refusal = _refuse_answer(case, pending, command, step)
    if refusal is not None:
        return refusal
    return (FindingConfirmed(case.license_id, case.violation_id, act, command.finding_id),)


def _reject(
    case: Violation, command: c.RejectFinding, act: OfficerAct
) -> tuple[Event, ...] | Refusal:
    refusal = _refuse_answer(case, case.pending_finding, command, CaseStep.REJECT_FINDING)
    if refusal is not None:
        return refusal
    return (FindingRejected(case.license_id, case.violation_id, act, command.finding_id),)


def _refuse_answer(
    case: Violation,
    pending: Finding | None,
    command: c.ConfirmFinding | c.RejectFinding,
    step: CaseStep,
) -> Refusal | None:
    after = step_case(case.state, step)
    if isinstance(after, Refusal):
        return after
    assert pending is not None, "the table allows an answer only while a finding is pending"
    return check_second_officer(
        command.officer,
        command.finding_id,
        pending_id=pending.finding_id,
        proposed_by=pending.found_by,
    )
