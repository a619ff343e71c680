"""Measures and what they do to the standing: warn, suspend, revoke, reinstate.

A measure and the standing it changes are one decision, so they are stored in one transaction and no gate waits for a
second step. Who may act at all was decided before.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from services.enforcement.core.commands import ImposeMeasure, Reinstate
from services.enforcement.core.errors import Kind, Reason, Refusal
from services.enforcement.core.events import (
    Event,
    LicenseReinstated,
    LicenseRevoked,
    LicenseSuspended,
    MeasureImposed,
    MeasureProposed,
    MeasureRejected,
    ReinstatementProposed,
    StandingChanged,
)
from services.enforcement.core.evolve import (
    LicenseConduct,
    pending_measure,
    rejecting_step,
    suspension_in_force,
)
from services.enforcement.core.four_eyes import differs, same_officer
from services.enforcement.core.lifecycle import (
    OPEN,
    StandingStep,
    ViolationStep,
    step_standing,
    step_violation,
)
from services.enforcement.core.list_matches import still_open
from services.enforcement.core.model import (
    Measure,
    MeasureKind,
    OfficerAct,
    StandingState,
    Violation,
)

STOPPING: Final[Mapping[MeasureKind, StandingStep]] = {
    MeasureKind.SUSPENSION: StandingStep.SUSPEND,
    MeasureKind.REVOCATION: StandingStep.REVOKE,
}
"""What a measure does to the standing; one that is not here leaves access as it is."""


def impose(
    conduct: LicenseConduct, case: Violation, command: ImposeMeasure, now: datetime
) -> tuple[Event, ...] | Refusal:
    """A warning at once; a suspension or revocation proposed, confirmed or rejected."""
    step = measure_step(case, command)
    after = step_violation(case.state, step)
    if isinstance(after, Refusal):
        return after
    act = OfficerAct(command.officer.officer_id, command.rationale, now)
    pending = pending_measure(case)
    if pending is not None:
        return _answer(conduct, case, command, pending, act)
    if command.kind in STOPPING:
        stopped = step_standing(conduct.known_standing.state, STOPPING[command.kind])
        if isinstance(stopped, Refusal):
            return stopped
        measure = Measure(command.measure_id, command.kind, act, None, is_in_force=False)
        return (MeasureProposed(conduct.license_id, case.violation_id, measure),)
    measure = Measure(command.measure_id, command.kind, act, None, is_in_force=True)
    return (MeasureImposed(conduct.license_id, case.violation_id, measure),)


def measure_step(case: Violation, command: ImposeMeasure) -> ViolationStep:
    """The step that the command asks for, seeing what waits on the case."""
    if command.is_rejection:
        return rejecting_step(case)
    if command.kind not in STOPPING:
        return ViolationStep.WARN
    return (
        ViolationStep.PROPOSE_MEASURE
        if pending_measure(case) is None
        else ViolationStep.CONFIRM_MEASURE
    )


def _answer(
    conduct: LicenseConduct,
    case: Violation,
    command: ImposeMeasure,
    pending: Measure,
    act: OfficerAct,
) -> tuple[Event, ...] | Refusal:
    if pending.imposed_by.officer_id == act.officer_id:
        return same_officer(act.officer_id)
    if command.is_rejection:
        return (MeasureRejected(conduct.license_id, case.violation_id, pending.measure_id, act),)
    if command.kind is not pending.kind:
        return differs(pending.kind)
    return _stop(conduct, case, replace(pending, confirmed_by=act, is_in_force=True), act.acted_at)


def _stop(
    conduct: LicenseConduct, case: Violation, measure: Measure, now: datetime
) -> tuple[Event, ...] | Refusal:
    # Another case may have stopped the license since the proposal, so the standing is asked again.
    state = step_standing(conduct.known_standing.state, STOPPING[measure.kind])
    if isinstance(state, Refusal):
        return state
    changed = _changed(conduct, state, f"{measure.kind}:{case.clause}", now)
    told = LicenseSuspended if measure.kind is MeasureKind.SUSPENSION else LicenseRevoked
    return (
        MeasureImposed(conduct.license_id, case.violation_id, measure),
        told(
            conduct.license_id,
            conduct.application_id,
            case.violation_id,
            measure.measure_id,
            changed.standing.version,
        ),
        changed,
    )


def reinstate(
    conduct: LicenseConduct, command: Reinstate, now: datetime
) -> tuple[Event, ...] | Refusal:
    """Proposed by one officer, done by another; neither of them had a part in the suspension."""
    state = step_standing(conduct.known_standing.state, StandingStep.REINSTATE)
    if isinstance(state, Refusal):
        return state
    act = OfficerAct(command.officer.officer_id, command.rationale, now)
    refusal = (
        _suspender(conduct, act.officer_id) or _violations_open(conduct) or still_open(conduct)
    )
    if refusal is not None:
        return refusal
    proposed = conduct.reinstatement
    if proposed is None:
        return (ReinstatementProposed(conduct.license_id, act),)
    if proposed.officer_id == act.officer_id:
        return same_officer(act.officer_id)
    changed = _changed(conduct, state, "", now)
    version = changed.standing.version
    return (
        LicenseReinstated(conduct.license_id, conduct.application_id, proposed, act, version),
        changed,
    )


def _changed(
    conduct: LicenseConduct, state: StandingState, reason: str, now: datetime
) -> StandingChanged:
    known = conduct.known_standing
    return StandingChanged(
        replace(known, version=known.version + 1, state=state, reason=reason, changed_at=now)
    )


def _suspender(conduct: LicenseConduct, officer_id: str) -> Refusal | None:
    case = conduct.suspending_case()
    suspension = suspension_in_force(case) if case is not None else None
    if suspension is None:
        return None
    acts = (suspension.imposed_by, suspension.confirmed_by)
    if officer_id not in {act.officer_id for act in acts if act is not None}:
        return None
    return Refusal(
        Kind.PERMISSION,
        Reason.SUSPENDER_CANNOT_REINSTATE,
        f"officer {officer_id} took part in the suspension",
        {"officerId": officer_id},
    )


def _violations_open(conduct: LicenseConduct) -> Refusal | None:
    still_open = [str(case.violation_id) for case in conduct.violations if case.state in OPEN]
    if not still_open:
        return None
    return Refusal(
        Kind.PRECONDITION,
        Reason.VIOLATIONS_OPEN,
        f"{len(still_open)} cases of this license are open",
        {"openViolations": ",".join(still_open)},
    )
