"""Decides on measures: a warning by one officer, a suspension or revocation by two.

A measure and the standing that it changes are one decision. They are stored in one transaction, so
gates need no second step of another process before they deny.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final, assert_never

from services.enforcement.core import commands as c
from services.enforcement.core.errors import Refusal
from services.enforcement.core.events import (
    Event,
    LicenseRevoked,
    LicenseSuspended,
    MeasureImposed,
    MeasureProposed,
    MeasureRejected,
)
from services.enforcement.core.four_eyes import check_second_officer
from services.enforcement.core.lifecycle import (
    CaseStep,
    LicenseStep,
    rejection_step,
    step_case,
    step_license,
)
from services.enforcement.core.model import (
    LicenseConduct,
    Measure,
    MeasureKind,
    OfficerAct,
    StandingState,
    Violation,
)
from services.enforcement.core.standings import change_standing

LICENSE_STEPS: Final[Mapping[MeasureKind, LicenseStep]] = {
    MeasureKind.SUSPENSION: LicenseStep.SUSPEND,
    MeasureKind.REVOCATION: LicenseStep.REVOKE,
}
"""Step of the license by kind of measure. A warning is missing: the license stays as it is."""


def decide_measure(
    conduct: LicenseConduct, case: Violation, command: c.MeasureCommand, now: datetime
) -> tuple[Event, ...] | Refusal:
    """Returns the events of the command on this case, or why it is refused."""
    act = OfficerAct(command.officer.officer_id, command.rationale, now)
    match command:
        case c.ImposeWarning():
            return _warn(case, command, act)
        case c.ProposeMeasure():
            return _propose(conduct, case, command, act)
        case c.ConfirmMeasure():
            return _confirm(conduct, case, command, act)
        case c.RejectMeasure():
            return _reject(case, command, act)
        case _:
            assert_never(command)


def _warn(
    case: Violation, command: c.ImposeWarning, act: OfficerAct
) -> tuple[Event, ...] | Refusal:
    after = step_case(case.state, CaseStep.IMPOSE_WARNING)
    if isinstance(after, Refusal):
        return after
    warning = Measure(command.measure_id, MeasureKind.WARNING, act, None, is_in_force=True)
    return (MeasureImposed(case.license_id, case.violation_id, warning),)


def _propose(
    conduct: LicenseConduct, case: Violation, command: c.ProposeMeasure, act: OfficerAct
) -> tuple[Event, ...] | Refusal:
    after = step_case(case.state, CaseStep.PROPOSE_MEASURE)
    if isinstance(after, Refusal):
        return after
    license_after = step_license(conduct.state, LICENSE_STEPS[command.kind])
    if isinstance(license_after, Refusal):
        return license_after
    measure = Measure(command.measure_id, command.kind, act, None, is_in_force=False)
    return (MeasureProposed(case.license_id, case.violation_id, measure),)


def _confirm(
    conduct: LicenseConduct, case: Violation, command: c.ConfirmMeasure, act: OfficerAct
) -> tuple[Event, ...] | Refusal:
    refusal = _refuse_answer(case, command, CaseStep.CONFIRM_MEASURE)
    if refusal is not None:
        return refusal
    pending = _pending(case)
    # Another case may have suspended or revoked the license since this measure was proposed.
    license_after = step_license(conduct.state, LICENSE_STEPS[pending.kind])
    if isinstance(license_after, Refusal):
        return license_after
    measure = replace(pending, confirmed_by=act, is_in_force=True)
    return _impose(conduct, case, measure, act.acted_at)


def _reject(
    case: Violation, command: c.RejectMeasure, act: OfficerAct
) -> tuple[Event, ...] | Refusal:
    step = rejection_step(has_earlier_measure=case.has_earlier_measure)
    refusal = _refuse_answer(case, command, step)
    if refusal is not None:
        return refusal
    return (MeasureRejected(case.license_id, case.violation_id, command.measure_id, act),)


def _refuse_answer(
    case: Violation, command: c.ConfirmMeasure | c.RejectMeasure, step: CaseStep
) -> Refusal | None:
    after = step_case(case.state, step)
    if isinstance(after, Refusal):
        return after
    pending = _pending(case)
    return check_second_officer(
        command.officer,
        command.measure_id,
        pending_id=pending.measure_id,
        proposed_by=pending.imposed_by,
    )


def _pending(case: Violation) -> Measure:
    pending = case.pending_measure
    assert pending is not None, "the table allows an answer only while a measure is pending"
    return pending


def _impose(
    conduct: LicenseConduct, case: Violation, measure: Measure, now: datetime
) -> tuple[Event, ...]:
    is_suspension = measure.kind is MeasureKind.SUSPENSION
    state = StandingState.SUSPENDED if is_suspension else StandingState.REVOKED
    changed = change_standing(conduct, state, f"{measure.kind}:{case.clause}", now)
    event = LicenseSuspended if is_suspension else LicenseRevoked
    return (
        MeasureImposed(case.license_id, case.violation_id, measure),
        event(
            case.license_id,
            conduct.application_id,
            case.violation_id,
            measure.measure_id,
            changed.standing.version,
        ),
        changed,
    )
