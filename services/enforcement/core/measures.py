"""Decides on measures: a warning by one officer, a suspension or revocation by two.

A measure and the standing that it changes are one decision. They are stored in one transaction, so
gates need no second step of another process before they deny.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final, assert_never

from safeconduct.standing import MeasureKind, StandingCause, StandingState

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
    fits_case,
    fits_license,
    wrong_case_state,
    wrong_license_state,
)
from services.enforcement.core.model import LicenseConduct, Measure, OfficerAct, Violation
from services.enforcement.core.standings import change_standing

STOPPING_EVENTS: Final[Mapping[MeasureKind, type[LicenseSuspended | LicenseRevoked]]] = {
    MeasureKind.SUSPENSION: LicenseSuspended,
    MeasureKind.REVOCATION: LicenseRevoked,
}
"""The event of the license by kind of measure. A warning is missing: access continues."""


def decide_measure(
    conduct: LicenseConduct, case: Violation, command: c.MeasureCommand, now: datetime
) -> tuple[Event, ...] | Refusal:
    """Returns the events of the command on this case, or why it is refused."""
    if not fits_case(case.state, type(command)):
        return wrong_case_state(case.state, command)
    act = OfficerAct(command.officer.officer_id, command.rationale, now)
    match command:
        case c.ImposeWarning(measure_id=measure_id):
            warning = Measure(measure_id, MeasureKind.WARNING, act, None, is_in_force=True)
            return (MeasureImposed(case.license_id, case.violation_id, warning),)
        case c.ProposeMeasure():
            return _propose(conduct, case, command, act)
        case c.ConfirmMeasure():
            return _check_answer(case, command) or _confirm(conduct, case, command, act)
        case c.RejectMeasure(measure_id=measure_id):
            rejected = MeasureRejected(case.license_id, case.violation_id, measure_id, act)
            return _check_answer(case, command) or (rejected,)
        case _:
            assert_never(command)


def _propose(
    conduct: LicenseConduct, case: Violation, command: c.ProposeMeasure, act: OfficerAct
) -> tuple[Event, ...] | Refusal:
    if not fits_license(conduct.state, STOPPING_EVENTS[command.kind]):
        return wrong_license_state(conduct.state, command)
    measure = Measure(command.measure_id, command.kind, act, None, is_in_force=False)
    return (MeasureProposed(case.license_id, case.violation_id, measure),)


def _confirm(
    conduct: LicenseConduct, case: Violation, command: c.ConfirmMeasure, act: OfficerAct
) -> tuple[Event, ...] | Refusal:
    pending = _pending(case)
    stopping_event = STOPPING_EVENTS[pending.kind]
    # Another case may have suspended or revoked the license since this measure was proposed.
    if not fits_license(conduct.state, stopping_event):
        return wrong_license_state(conduct.state, command)
    is_suspension = pending.kind is MeasureKind.SUSPENSION
    changed = change_standing(
        conduct,
        StandingState.SUSPENDED if is_suspension else StandingState.REVOKED,
        StandingCause(pending.kind, case.clause, is_list_match=False),
        act.acted_at,
    )
    stopped = stopping_event(
        case.license_id,
        conduct.application_id,
        case.violation_id,
        pending.measure_id,
        changed.standing.version,
    )
    measure = replace(pending, confirmed_by=act, is_in_force=True)
    return (MeasureImposed(case.license_id, case.violation_id, measure), stopped, changed)


def _check_answer(case: Violation, command: c.ConfirmMeasure | c.RejectMeasure) -> Refusal | None:
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
