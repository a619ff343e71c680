"""Decides on reinstatements: one officer proposes, a second officer confirms or rejects.

Neither of them may have proposed or confirmed the suspension. A rejection is an answer to the
suspended party, so the same rule holds for it.
"""

from datetime import datetime
from typing import assert_never

from services.enforcement.core import commands as c
from services.enforcement.core.errors import Kind, Reason, Refusal
from services.enforcement.core.events import (
    Event,
    LicenseReinstated,
    ReinstatementProposed,
    ReinstatementRejected,
)
from services.enforcement.core.four_eyes import check_second_officer
from services.enforcement.core.lifecycle import LicenseStep, step_license
from services.enforcement.core.list_matches import check_list_matches
from services.enforcement.core.model import (
    LicenseConduct,
    OfficerAct,
    Reinstatement,
    StandingState,
)
from services.enforcement.core.standings import change_standing


def decide_reinstatement(
    conduct: LicenseConduct, command: c.ReinstatementCommand, now: datetime
) -> tuple[Event, ...] | Refusal:
    """Returns the events of the command on this license, or why it is refused."""
    act = OfficerAct(command.officer.officer_id, command.rationale, now)
    match command:
        case c.ProposeReinstatement():
            return _propose(conduct, command, act)
        case c.ConfirmReinstatement():
            return _confirm(conduct, command, act)
        case c.RejectReinstatement():
            return _reject(conduct, command, act)
        case _:
            assert_never(command)


def _propose(
    conduct: LicenseConduct, command: c.ProposeReinstatement, act: OfficerAct
) -> tuple[Event, ...] | Refusal:
    after = step_license(conduct.state, LicenseStep.PROPOSE_REINSTATEMENT)
    if isinstance(after, Refusal):
        return after
    refusal = _check_suspender(conduct, act.officer_id) or _check_causes(conduct)
    if refusal is not None:
        return refusal
    return (ReinstatementProposed(conduct.license_id, act, command.reinstatement_id),)


def _confirm(
    conduct: LicenseConduct, command: c.ConfirmReinstatement, act: OfficerAct
) -> tuple[Event, ...] | Refusal:
    after = step_license(conduct.state, LicenseStep.CONFIRM_REINSTATEMENT)
    if isinstance(after, Refusal):
        return after
    # Reports and list matches may have come since the proposal.
    refusal = (
        _check_suspender(conduct, act.officer_id)
        or _check_causes(conduct)
        or _check_second_officer(conduct, command)
    )
    if refusal is not None:
        return refusal
    proposal = _pending(conduct)
    changed = change_standing(conduct, StandingState.ACTIVE, "", act.acted_at)
    reinstated = LicenseReinstated(
        conduct.license_id,
        conduct.application_id,
        proposal.proposed_by,
        act,
        changed.standing.version,
        proposal.reinstatement_id,
    )
    return (reinstated, changed)


def _reject(
    conduct: LicenseConduct, command: c.RejectReinstatement, act: OfficerAct
) -> tuple[Event, ...] | Refusal:
    after = step_license(conduct.state, LicenseStep.REJECT_REINSTATEMENT)
    if isinstance(after, Refusal):
        return after
    refusal = _check_suspender(conduct, act.officer_id) or _check_second_officer(conduct, command)
    if refusal is not None:
        return refusal
    return (ReinstatementRejected(conduct.license_id, command.reinstatement_id, act),)


def _pending(conduct: LicenseConduct) -> Reinstatement:
    assert conduct.reinstatement is not None, "the table allows an answer only to a proposal"
    return conduct.reinstatement


def _check_second_officer(
    conduct: LicenseConduct, command: c.ConfirmReinstatement | c.RejectReinstatement
) -> Refusal | None:
    proposal = _pending(conduct)
    return check_second_officer(
        command.officer,
        command.reinstatement_id,
        pending_id=proposal.reinstatement_id,
        proposed_by=proposal.proposed_by,
    )


def _check_causes(conduct: LicenseConduct) -> Refusal | None:
    return _check_open_cases(conduct) or check_list_matches(conduct)


def _check_suspender(conduct: LicenseConduct, officer_id: str) -> Refusal | None:
    case = conduct.suspending_case
    suspension = case.suspension_in_force if case is not None else None
    if suspension is None:
        return None
    acts = (suspension.imposed_by, suspension.confirmed_by)
    if officer_id not in {act.officer_id for act in acts if act is not None}:
        return None
    return Refusal(
        Kind.PERMISSION,
        Reason.SUSPENDER_CANNOT_REINSTATE,
        f"officer {officer_id} proposed or confirmed the suspension",
        {"officerId": officer_id},
    )


def _check_open_cases(conduct: LicenseConduct) -> Refusal | None:
    open_cases = [str(case.violation_id) for case in conduct.violations if case.is_open]
    if not open_cases:
        return None
    return Refusal(
        Kind.PRECONDITION,
        Reason.VIOLATIONS_OPEN,
        f"{len(open_cases)} cases about this license are open",
        {"openViolations": ",".join(open_cases)},
    )
