"""Folds events into the state of a license and its cases.

`evolve` knows what each event changes. Whether an event may happen is decided in `decide`; the
lifecycle tables are consulted here once more, so that a wrong stored stream is noticed.
"""

from dataclasses import replace
from typing import Final, assert_never
from uuid import UUID

from safeconduct.standing import MeasureKind, Standing, StandingState

from services.enforcement.core import events as e
from services.enforcement.core.credibility import credibility
from services.enforcement.core.errors import ImpossibleEventError
from services.enforcement.core.lifecycle import next_license_state, next_violation_state
from services.enforcement.core.model import (
    LicenseConduct,
    LicenseState,
    ListMatch,
    Measure,
    Reinstatement,
    Violation,
    ViolationState,
)

_NIL: Final = UUID(int=0)


def evolve(conduct: LicenseConduct | None, event: e.Event) -> LicenseConduct:
    """Returns the state after the event. Raises ImpossibleEventError if it cannot follow."""
    if isinstance(event, e.LicenseRegistered):
        return _registered(conduct, event)
    if conduct is None and isinstance(event, e.ListMatchRecorded):
        next_license_state(None, event)
        conduct = LicenseConduct(event.license_id, _NIL, "", 0, None, (), None)
    if conduct is None:
        raise ImpossibleEventError(f"{type(event).__name__} of a license that is not registered")
    changed = (
        _evolve_case(conduct, event)
        if isinstance(event, e.CaseEvent)
        else _evolve_license(conduct, event)
    )
    return replace(changed, version=conduct.version + 1)


def _registered(conduct: LicenseConduct | None, event: e.LicenseRegistered) -> LicenseConduct:
    next_license_state(None if conduct is None else conduct.state, event)
    before = conduct or LicenseConduct(event.license_id, _NIL, "", 0, None, (), None)
    if before.is_registered:
        raise ImpossibleEventError(f"license {event.license_id} is registered twice")
    return replace(
        before,
        application_id=event.application_id,
        partner_id=event.partner_id,
        version=before.version + 1,
    )


def _evolve_case(conduct: LicenseConduct, event: e.CaseEvent) -> LicenseConduct:
    case = conduct.violation(event.violation_id)
    if isinstance(event, e.ConductReported):
        return _reported(conduct, case, event)
    if case is None:
        raise ImpossibleEventError(f"license {conduct.license_id} has no case {event.violation_id}")
    match event:
        case e.FindingProposed(finding=finding):
            changed, target = replace(case, finding=finding), ViolationState.FINDING_PROPOSED
        case e.FindingConfirmed():
            changed, target = _finding_confirmed(case, event)
        case e.FindingRejected():
            changed, target = replace(case, finding=None), ViolationState.REPORTED
        case e.MeasureProposed(measure=measure):
            changed, target = _with_measure(case, measure), ViolationState.MEASURE_PROPOSED
        case e.MeasureRejected(measure_id=measure_id):
            changed = _without_measure(case, measure_id)
            target = ViolationState.MEASURED if changed.measures else ViolationState.FOUND
        case e.MeasureImposed(measure=measure):
            changed, target = _with_measure(case, measure), ViolationState.MEASURED
        case _:
            assert_never(event)
    return _with_violation(conduct, _moved(changed, event, target))


def _evolve_license(conduct: LicenseConduct, event: e.LicenseEvent) -> LicenseConduct:
    match event:
        case e.ListMatchRecorded(match=match):
            matches = (*_matches_of_others(conduct, match.party_id), match)
            # A license that is not registered yet will be registered as suspended.
            by_list = conduct.is_suspended_by_list or not conduct.is_registered
            return replace(conduct, list_matches=matches, is_suspended_by_list=by_list)
        case e.ListMatchSettled(party_id=party_id):
            return replace(conduct, list_matches=_matches_of_others(conduct, party_id))
        case e.LicenseSuspended(measure_id=measure_id):
            moved = conduct
            if conduct.standing is not None:
                moved = _moved_license(conduct, event)
            else:
                next_license_state(conduct.state, event)
            return replace(moved, is_suspended_by_list=measure_id is None)
        case e.LicenseRevoked():
            return _revoked(conduct, event)
        case e.ReinstatementProposed(proposed_by=act, reinstatement_id=reinstatement_id):
            pending = Reinstatement(reinstatement_id, act)
            return replace(_moved_license(conduct, event), reinstatement=pending)
        case e.ReinstatementRejected():
            return _moved_license(conduct, event)
        case e.LicenseReinstated():
            return _reinstated(conduct, event)
        case e.StandingChanged(standing=standing):
            return _standing_changed(conduct, standing)
        case _:
            assert_never(event)


def _moved(violation: Violation, event: e.Event, target: ViolationState) -> Violation:
    return replace(violation, state=next_violation_state(violation.state, event, target))


def _with_violation(conduct: LicenseConduct, changed: Violation) -> LicenseConduct:
    violations = tuple(
        changed if each.violation_id == changed.violation_id else each
        for each in conduct.violations
    )
    return replace(conduct, violations=violations)


def _reported(
    conduct: LicenseConduct, case: Violation | None, event: e.ConductReported
) -> LicenseConduct:
    if case is None:
        opened = Violation(
            violation_id=event.violation_id,
            license_id=event.license_id,
            clause=event.clause,
            state=next_violation_state(None, event, ViolationState.REPORTED),
            credibility=credibility((event.report,)),
            reports=(event.report,),
            finding=None,
            measures=(),
            opened_at=event.report.reported_at,
        )
        return replace(conduct, violations=(*conduct.violations, opened))
    reports = (*case.reports, event.report)
    changed = replace(case, reports=reports, credibility=credibility(reports))
    return _with_violation(conduct, _moved(changed, event, case.state))


def _finding_confirmed(
    case: Violation, event: e.FindingConfirmed
) -> tuple[Violation, ViolationState]:
    if case.finding is None:
        raise ImpossibleEventError(f"case {case.violation_id} has no finding to confirm")
    confirmed = replace(case.finding, confirmed_by=event.confirmed_by)
    target = ViolationState.FOUND if confirmed.is_violation else ViolationState.NOT_FOUND
    return replace(case, finding=confirmed), target


def _with_measure(violation: Violation, measure: Measure) -> Violation:
    """Adds the measure, or replaces the pending one with the same id."""
    others = _without_measure(violation, measure.measure_id).measures
    return replace(violation, measures=(*others, measure))


def _without_measure(violation: Violation, measure_id: UUID) -> Violation:
    return replace(
        violation, measures=tuple(m for m in violation.measures if m.measure_id != measure_id)
    )


def _without_suspension(violation: Violation) -> Violation:
    """Marks a suspension in force as ended."""
    measures = tuple(
        replace(m, is_in_force=False) if m.kind is MeasureKind.SUSPENSION and m.is_in_force else m
        for m in violation.measures
    )
    return replace(violation, measures=measures)


def _moved_license(conduct: LicenseConduct, event: e.Event) -> LicenseConduct:
    """Moves the license to its next state. Every move answers or overtakes a pending proposal."""
    after = next_license_state(conduct.state, event)
    is_pending = after is LicenseState.REINSTATEMENT_PROPOSED
    state = StandingState.SUSPENDED if is_pending else StandingState(after)
    standing = replace(conduct.known_standing, state=state)
    return replace(conduct, standing=standing, reinstatement=None)


def _revoked(conduct: LicenseConduct, event: e.LicenseRevoked) -> LicenseConduct:
    return replace(
        _moved_license(conduct, event),
        violations=tuple(map(_without_suspension, conduct.violations)),
        is_suspended_by_list=False,
    )


def _reinstated(conduct: LicenseConduct, event: e.LicenseReinstated) -> LicenseConduct:
    case = conduct.suspending_case
    reinstated = replace(_moved_license(conduct, event), is_suspended_by_list=False)
    if case is not None:
        closed = _moved(_without_suspension(case), event, ViolationState.CLOSED)
        return _with_violation(reinstated, closed)
    if not conduct.is_suspended_by_list:
        raise ImpossibleEventError(
            f"license {conduct.license_id} is reinstated without a suspension in force"
        )
    return reinstated


def _matches_of_others(conduct: LicenseConduct, party_id: str) -> tuple[ListMatch, ...]:
    return tuple(match for match in conduct.list_matches if match.party_id != party_id)


def _standing_changed(conduct: LicenseConduct, standing: Standing) -> LicenseConduct:
    version = 0
    state = StandingState.SUSPENDED if conduct.is_suspended_by_list else StandingState.ACTIVE
    if conduct.standing is not None:
        version, state = conduct.standing.version, conduct.standing.state
    if standing.version != version + 1 or standing.state is not state:
        raise ImpossibleEventError(
            f"standing {standing.version} {standing.state} cannot follow {version} {state}"
        )
    return replace(conduct, standing=standing)
