"""Folds events into the state of a license and its cases.

`evolve` knows what each event changes. Whether an event may happen is decided in `decide`; the
lifecycle tables are consulted here once more, so that a wrong stored stream is noticed.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import assert_never
from uuid import UUID

from services.enforcement.core import events as e
from services.enforcement.core.credibility import credibility
from services.enforcement.core.errors import ImpossibleEventError, Refusal
from services.enforcement.core.lifecycle import (
    CaseStep,
    LicenseStep,
    confirmation_step,
    rejection_step,
    step_case,
    step_license,
)
from services.enforcement.core.model import (
    LicenseConduct,
    LicenseState,
    ListMatch,
    Measure,
    MeasureKind,
    Reinstatement,
    Standing,
    StandingState,
    Violation,
    ViolationState,
)


def evolve(conduct: LicenseConduct | None, event: e.Event) -> LicenseConduct:
    """Returns the state after the event. Raises ImpossibleEventError if it cannot follow."""
    if isinstance(event, e.LicenseRegistered):
        if conduct is not None:
            raise ImpossibleEventError(f"license {event.license_id} is registered twice")
        return LicenseConduct(
            event.license_id, event.application_id, event.partner_id, 1, None, (), None
        )
    if conduct is None:
        raise ImpossibleEventError(f"{type(event).__name__} of a license that is not registered")
    changed = (
        _evolve_case(conduct, event)
        if isinstance(event, e.CaseEvent)
        else _evolve_license(conduct, event)
    )
    return replace(changed, version=conduct.version + 1)


def _evolve_case(conduct: LicenseConduct, event: e.CaseEvent) -> LicenseConduct:
    match event:
        case e.ConductReported():
            return _reported(conduct, event)
        case e.FindingProposed(violation_id=violation_id, finding=finding):
            return _step_case(
                conduct,
                violation_id,
                CaseStep.PROPOSE_FINDING,
                lambda violation: replace(violation, finding=finding),
            )
        case e.FindingConfirmed():
            return _finding_confirmed(conduct, event)
        case e.FindingRejected(violation_id=violation_id):
            return _step_case(
                conduct,
                violation_id,
                CaseStep.REJECT_FINDING,
                lambda violation: replace(violation, finding=None),
            )
        case e.MeasureProposed(violation_id=violation_id, measure=measure):
            return _step_case(
                conduct,
                violation_id,
                CaseStep.PROPOSE_MEASURE,
                lambda violation: _with_measure(violation, measure),
            )
        case e.MeasureRejected(violation_id=violation_id, measure_id=measure_id):
            earlier = _violation(conduct, violation_id).has_earlier_measure
            return _step_case(
                conduct,
                violation_id,
                rejection_step(has_earlier_measure=earlier),
                lambda violation: _without_measure(violation, measure_id),
            )
        case e.MeasureImposed(violation_id=violation_id, measure=measure):
            is_warning = measure.kind is MeasureKind.WARNING
            return _step_case(
                conduct,
                violation_id,
                CaseStep.IMPOSE_WARNING if is_warning else CaseStep.CONFIRM_MEASURE,
                lambda violation: _with_measure(violation, measure),
            )
        case _:
            assert_never(event)


def _evolve_license(conduct: LicenseConduct, event: e.LicenseEvent) -> LicenseConduct:
    match event:
        case e.ListMatchRecorded(match=match):
            return replace(
                conduct, list_matches=(*_matches_of_others(conduct, match.party_id), match)
            )
        case e.ListMatchSettled(party_id=party_id):
            return replace(conduct, list_matches=_matches_of_others(conduct, party_id))
        case e.LicenseSuspended(measure_id=measure_id):
            suspended = _step_license(conduct, LicenseStep.SUSPEND)
            return replace(suspended, is_suspended_by_list=measure_id is None)
        case e.LicenseRevoked():
            return _revoked(conduct)
        case e.ReinstatementProposed(proposed_by=act, reinstatement_id=reinstatement_id):
            proposed = _step_license(conduct, LicenseStep.PROPOSE_REINSTATEMENT)
            return replace(proposed, reinstatement=Reinstatement(reinstatement_id, act))
        case e.ReinstatementRejected():
            return _step_license(conduct, LicenseStep.REJECT_REINSTATEMENT)
        case e.LicenseReinstated():
            return _reinstated(conduct)
        case e.StandingChanged(standing=standing):
            return _standing_changed(conduct, standing)
        case _:
            assert_never(event)


def _violation(conduct: LicenseConduct, violation_id: UUID) -> Violation:
    found = conduct.violation(violation_id)
    if found is None:
        raise ImpossibleEventError(f"license {conduct.license_id} has no case {violation_id}")
    return found


def _with_violation(conduct: LicenseConduct, changed: Violation) -> LicenseConduct:
    violations = tuple(
        changed if each.violation_id == changed.violation_id else each
        for each in conduct.violations
    )
    return replace(conduct, violations=violations)


def _step_case(
    conduct: LicenseConduct,
    violation_id: UUID,
    step: CaseStep,
    change: Callable[[Violation], Violation],
) -> LicenseConduct:
    violation = _violation(conduct, violation_id)
    after = step_case(violation.state, step)
    if isinstance(after, Refusal):
        raise ImpossibleEventError(after.message)
    return _with_violation(conduct, replace(change(violation), state=after))


def _reported(conduct: LicenseConduct, event: e.ConductReported) -> LicenseConduct:
    violation = conduct.violation(event.violation_id)
    if violation is None:
        opened = Violation(
            violation_id=event.violation_id,
            license_id=event.license_id,
            clause=event.clause,
            state=ViolationState.REPORTED,
            credibility=credibility((event.report,)),
            reports=(event.report,),
            finding=None,
            measures=(),
            opened_at=event.report.reported_at,
        )
        return replace(conduct, violations=(*conduct.violations, opened))
    reports = (*violation.reports, event.report)
    return _with_violation(
        conduct, replace(violation, reports=reports, credibility=credibility(reports))
    )


def _finding_confirmed(conduct: LicenseConduct, event: e.FindingConfirmed) -> LicenseConduct:
    finding = _violation(conduct, event.violation_id).finding
    if finding is None:
        raise ImpossibleEventError(f"case {event.violation_id} has no finding to confirm")
    confirmed = replace(finding, confirmed_by=event.confirmed_by)
    return _step_case(
        conduct,
        event.violation_id,
        confirmation_step(is_violation=finding.is_violation),
        lambda violation: replace(violation, finding=confirmed),
    )


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


def _revoked(conduct: LicenseConduct) -> LicenseConduct:
    return replace(
        _step_license(conduct, LicenseStep.REVOKE),
        violations=tuple(map(_without_suspension, conduct.violations)),
        is_suspended_by_list=False,
    )


def _reinstated(conduct: LicenseConduct) -> LicenseConduct:
    case = conduct.suspending_case
    reinstated = replace(
        _step_license(conduct, LicenseStep.CONFIRM_REINSTATEMENT), is_suspended_by_list=False
    )
    if case is not None:
        return _step_case(reinstated, case.violation_id, CaseStep.CLOSE, _without_suspension)
    if not conduct.is_suspended_by_list:
        raise ImpossibleEventError(
            f"license {conduct.license_id} is reinstated without a suspension in force"
        )
    return reinstated


def _matches_of_others(conduct: LicenseConduct, party_id: str) -> tuple[ListMatch, ...]:
    return tuple(match for match in conduct.list_matches if match.party_id != party_id)


def _step_license(conduct: LicenseConduct, step: LicenseStep) -> LicenseConduct:
    """Takes a step of the license. Every step answers or overtakes a pending reinstatement."""
    after = step_license(conduct.state, step)
    if isinstance(after, Refusal):
        raise ImpossibleEventError(after.message)
    is_pending = after is LicenseState.REINSTATEMENT_PROPOSED
    state = StandingState.SUSPENDED if is_pending else StandingState(after)
    standing = replace(conduct.known_standing, state=state)
    return replace(conduct, standing=standing, reinstatement=None)


def _standing_changed(conduct: LicenseConduct, standing: Standing) -> LicenseConduct:
    version, state = 0, StandingState.ACTIVE
    if conduct.standing is not None:
        version, state = conduct.standing.version, conduct.standing.state
    if standing.version != version + 1 or standing.state is not state:
        raise ImpossibleEventError(
            f"standing {standing.version} {standing.state} cannot follow {version} {state}"
        )
    return replace(conduct, standing=standing)
