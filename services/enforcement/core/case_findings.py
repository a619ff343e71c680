"""Findings: an officer judges a case, another one confirms the same or rejects it. Knows nothing of measures."""

from datetime import datetime

from services.enforcement.core.commands import RecordFinding
from services.enforcement.core.errors import Refusal, invalid
from services.enforcement.core.events import (
    Event,
    FindingConfirmed,
    FindingProposed,
    FindingRejected,
)
from services.enforcement.core.evolve import confirming_step, pending_finding
from services.enforcement.core.four_eyes import differs, same_officer
from services.enforcement.core.lifecycle import ViolationStep, step_violation
from services.enforcement.core.model import Finding, OfficerAct, Violation


def find(case: Violation, command: RecordFinding, now: datetime) -> tuple[Event, ...] | Refusal:
    """Proposed, confirmed or rejected, as what waits on the case makes it."""
    step = finding_step(case, command)
    after = step_violation(case.state, step)
    if isinstance(after, Refusal):
        return after
    act = OfficerAct(command.officer.officer_id, command.rationale, now)
    pending = pending_finding(case)
    if pending is None:
        return _propose_finding(case, command, act)
    if pending.found_by.officer_id == act.officer_id:
        return same_officer(act.officer_id)
    if step is ViolationStep.REJECT_FINDING:
        return (FindingRejected(case.license_id, case.violation_id, act),)
    if (pending.is_violation, pending.severity) != (command.is_violation, command.severity):
        return differs(pending.severity or "NO_VIOLATION")
    return (FindingConfirmed(case.license_id, case.violation_id, act),)


def finding_step(case: Violation, command: RecordFinding) -> ViolationStep:
    """The step that the command asks for, seeing what waits on the case."""
    if command.is_rejection:
        return ViolationStep.REJECT_FINDING
    pending = pending_finding(case)
    return confirming_step(pending) if pending is not None else ViolationStep.PROPOSE_FINDING


def _propose_finding(
    case: Violation, command: RecordFinding, act: OfficerAct
) -> tuple[Event, ...] | Refusal:
    if command.is_violation and command.severity is None:
        return invalid("severity", "REQUIRED", "a violation needs its severity")
    if not command.is_violation and command.severity is not None:
        return invalid("severity", "NOT_ALLOWED", "no violation has no severity")
    return (
        FindingProposed(
            case.license_id,
            case.violation_id,
            Finding(command.is_violation, command.severity, act, None),
        ),
    )
