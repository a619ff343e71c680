"""Decides on reinstatements: one officer proposes, a second officer confirms or rejects.

Neither of them may have proposed or confirmed the suspension. A rejection is an answer to the
suspended party, so the same rule holds for it.
"""

from datetime import datetime
from typing import assert_never

from safeconduct.standing import StandingState

from services.enforcement.core import commands as c
from services.enforcement.core.errors import Kind, Reason, Refusal
from services.enforcement.core.events import (
    Event,
    LicenseReinstated,
    ReinstatementProposed,
    ReinstatementRejected,
)
from services.enforcement.core.four_eyes import check_second_officer
from services.enforcement.core.lifecycle import LICENSE_COMMANDS, fits_license, wrong_license_state
from services.enforcement.core.list_matches import check_list_matches
from services.enforcement.core.model import LicenseConduct, OfficerAct, Reinstatement
from services.enforcement.core.standings import change_standing


def decide_reinstatement(
    conduct: LicenseConduct, command: c.ReinstatementCommand, now: datetime
) -> tuple[Event, ...] | Refusal:
    """Returns the events of the command on this license, or why it is refused."""
    if not fits_license(conduct.state, LICENSE_COMMANDS[type(command)]):
        return wrong_license_state(conduct.state, command)
    act = OfficerAct(command.officer.officer_id, command.rationale, now)
    refusal = _check_suspender(conduct, act.officer_id)
    if refusal is not None:
        return refusal
    match command:
        case c.ProposeReinstatement(reinstatement_id=reinstatement_id):
            proposed = ReinstatementProposed(conduct.license_id, act, reinstatement_id)
            return _check_causes(conduct) or (proposed,)
        case c.ConfirmReinstatement():
            # Reports and list matches may have been recorded since the proposal.
            refusal = _check_causes(conduct) or _check_second_officer(conduct, command)
            return refusal or _reinstate(conduct, act)
        case c.RejectReinstatement(reinstatement_id=reinstatement_id):
            rejected = ReinstatementRejected(conduct.license_id, reinstatement_id, act)
            return _check_second_officer(conduct, command) or (rejected,)
        case _:
            assert_never(command)


def _reinstate(conduct: LicenseConduct, act: OfficerAct) -> tuple[Event, ...]:
    proposal = _pending(conduct)
    changed = change_standing(conduct, StandingState.ACTIVE, None, act.acted_at)
    reinstated = LicenseReinstated(
        conduct.license_id,
        conduct.application_id,
        proposal.proposed_by,
        act,
        changed.standing.version,
        proposal.reinstatement_id,
    )
    return (reinstated, changed)


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
