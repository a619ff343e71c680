"""The conduct under one license: its standing and all cases about it, as the fold of its events.

One stream per license, so a case and the standing it changes move in the same transaction, and every rule about both is
local. It knows what each event changes; whether it may happen stands in `decide`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import assert_never
from uuid import UUID

from services.enforcement.core import events as e
from services.enforcement.core.credibility import credibility
from services.enforcement.core.errors import Refusal
from services.enforcement.core.lifecycle import (
    OPEN,
    StandingStep,
    ViolationStep,
    step_standing,
    step_violation,
)
from services.enforcement.core.model import (
    Clause,
    Finding,
    ListMatch,
    Measure,
    MeasureKind,
    OfficerAct,
    Standing,
    StandingState,
    Violation,
    ViolationState,
)


class BrokenPromiseError(Exception):
    """An event that `decide` never gives, or not in this order: what is stored cannot be trusted."""


@dataclass(frozen=True, slots=True)
class LicenseConduct:
    """One license as enforcement sees it. `version` counts its events."""

    license_id: UUID
    application_id: UUID
    partner_id: str
    version: int
    standing: (
        Standing | None
    )  # None only between LicenseRegistered and the StandingChanged that is written with it
    violations: tuple[Violation, ...]
    reinstatement: OfficerAct | None
    list_matches: tuple[ListMatch, ...] = ()
    """What lists say of its parties and officers have not settled."""
    is_stopped_by_list: bool = False
    """True: the suspension in force is a list match's and no case's."""

    @property
    def known_standing(self) -> Standing:
        """Whether it holds."""
        if self.standing is None:
            raise BrokenPromiseError(f"license {self.license_id} was registered without a standing")
        return self.standing

    def violation(self, violation_id: UUID) -> Violation | None:
        """The case of this id."""
        return next((case for case in self.violations if case.violation_id == violation_id), None)

    def open_case(self, clause: Clause) -> Violation | None:
        """The case that a report about the clause joins."""
        return next(
            (case for case in self.violations if case.clause is clause and case.state in OPEN), None
        )

    def suspending_case(self) -> Violation | None:
        """The case whose suspension is in force."""
        return next((case for case in self.violations if suspension_in_force(case)), None)


def suspension_in_force(case: Violation) -> Measure | None:
    """The suspension by which the case stops access now."""
    return next(
        (m for m in case.measures if m.kind is MeasureKind.SUSPENSION and m.is_in_force), None
    )


def pending_finding(case: Violation) -> Finding | None:
    """The finding that waits for another officer."""
    return case.finding if case.state is ViolationState.FINDING_PROPOSED else None


def pending_measure(case: Violation) -> Measure | None:
    """The measure that waits for another officer."""
    return case.measures[-1] if case.state is ViolationState.MEASURE_PROPOSED else None


def evolve(conduct: LicenseConduct | None, event: e.Event) -> LicenseConduct:
    """The conduct after the event. Raises BrokenPromiseError for an event that cannot follow."""
    if isinstance(event, e.LicenseRegistered):
        if conduct is not None:
            raise BrokenPromiseError(f"license {event.license_id} is registered twice")
        return LicenseConduct(
            event.license_id, event.application_id, event.partner_id, 1, None, (), None
        )
    if conduct is None:
        raise BrokenPromiseError(f"{type(event).__name__} of a license that was never registered")
    changed = (
        _case_changed(conduct, event)
        if isinstance(event, e.CaseEvent)
        else _license_changed(conduct, event)
    )
    return replace(changed, version=conduct.version + 1)


def _case_changed(conduct: LicenseConduct, event: e.CaseEvent) -> LicenseConduct:
    match event:
        case e.ConductReported():
            return _reported(conduct, event)
        case e.FindingProposed(violation_id=case_id, finding=finding):
            return _step(
                conduct,
                case_id,
                ViolationStep.PROPOSE_FINDING,
                lambda case: replace(case, finding=finding),
            )
        case e.FindingConfirmed():
            return _finding_confirmed(conduct, event)
        case e.FindingRejected(violation_id=case_id):
            return _step(
                conduct,
                case_id,
                ViolationStep.REJECT_FINDING,
                lambda case: replace(case, finding=None),
            )
        case e.MeasureProposed(violation_id=case_id, measure=measure):
            return _step(
                conduct, case_id, ViolationStep.PROPOSE_MEASURE, lambda case: _added(case, measure)
            )
        case e.MeasureRejected(violation_id=case_id, measure_id=measure_id):
            step = rejecting_step(_case(conduct, case_id))
            return _step(conduct, case_id, step, lambda case: _without(case, measure_id))
        case e.MeasureImposed(violation_id=case_id, measure=measure):
            step = (
                ViolationStep.WARN
                if measure.kind is MeasureKind.WARNING
                else ViolationStep.CONFIRM_MEASURE
            )
            return _step(
                conduct,
                case_id,
                step,
                lambda case: _added(_without(case, measure.measure_id), measure),
            )
        case _:
            assert_never(event)


def _license_changed(conduct: LicenseConduct, event: e.LicenseEvent) -> LicenseConduct:
    match event:
        case e.ListMatchRecorded(match=match):
            return replace(conduct, list_matches=(*_unmatched(conduct, match.party_id), match))
        case e.ListMatchSettled(party_id=party_id):
            return replace(conduct, list_matches=_unmatched(conduct, party_id))
        case e.LicenseSuspended(measure_id=measure_id):
            return replace(
                _step_license(conduct, StandingStep.SUSPEND), is_stopped_by_list=measure_id is None
            )
        case e.LicenseRevoked():
            cases = tuple(map(_suspension_over, conduct.violations))
            return replace(
                _step_license(conduct, StandingStep.REVOKE),
                violations=cases,
                reinstatement=None,
                is_stopped_by_list=False,
            )
        case e.ReinstatementProposed(proposed_by=act):
            return replace(conduct, reinstatement=act)
        case e.LicenseReinstated():
            return _reinstated(conduct)
        case e.StandingChanged(standing=standing):
            return _standing_changed(conduct, standing)
        case _:
            assert_never(event)


def rejecting_step(case: Violation) -> ViolationStep:
    """Rejecting a first measure leaves a finding; rejecting a harder one leaves the measure in force."""
    imposed = case.measures[:-1] if pending_measure(case) is not None else case.measures
    return ViolationStep.REJECT_ESCALATION if imposed else ViolationStep.REJECT_MEASURE


def _case(conduct: LicenseConduct, violation_id: UUID) -> Violation:
    case = conduct.violation(violation_id)
    if case is None:
        raise BrokenPromiseError(f"license {conduct.license_id} has no case {violation_id}")
    return case


def _put(conduct: LicenseConduct, changed: Violation) -> LicenseConduct:
    cases = tuple(
        changed if case.violation_id == changed.violation_id else case
        for case in conduct.violations
    )
    return replace(conduct, violations=cases)


def _step(
    conduct: LicenseConduct,
    violation_id: UUID,
    step: ViolationStep,
    change: Callable[[Violation], Violation],
) -> LicenseConduct:
    case = _case(conduct, violation_id)
    after = step_violation(case.state, step)
    if isinstance(after, Refusal):
        raise BrokenPromiseError(after.message)
    return _put(conduct, replace(change(case), state=after))


def _reported(conduct: LicenseConduct, event: e.ConductReported) -> LicenseConduct:
    case = conduct.violation(event.violation_id)
    if case is None:
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
    reports = (*case.reports, event.report)
    return _put(conduct, replace(case, reports=reports, credibility=credibility(reports)))


def _finding_confirmed(conduct: LicenseConduct, event: e.FindingConfirmed) -> LicenseConduct:
    finding = _case(conduct, event.violation_id).finding
    if finding is None:
        raise BrokenPromiseError(f"case {event.violation_id} has no finding to confirm")
    confirmed = replace(finding, confirmed_by=event.confirmed_by)
    return _step(
        conduct,
        event.violation_id,
        confirming_step(finding),
        lambda case: replace(case, finding=confirmed),
    )


def confirming_step(finding: Finding) -> ViolationStep:
    """What the confirmation of this finding does to its case."""
    return (
        ViolationStep.CONFIRM_VIOLATION
        if finding.is_violation
        else ViolationStep.CONFIRM_NO_VIOLATION
    )


def _added(case: Violation, measure: Measure) -> Violation:
    return replace(case, measures=(*case.measures, measure))


def _without(case: Violation, measure_id: UUID) -> Violation:
    return replace(case, measures=tuple(m for m in case.measures if m.measure_id != measure_id))


def _suspension_over(case: Violation) -> Violation:
    measures = tuple(
        replace(m, is_in_force=False) if m.kind is MeasureKind.SUSPENSION and m.is_in_force else m
        for m in case.measures
    )
    return replace(case, measures=measures)


def _reinstated(conduct: LicenseConduct) -> LicenseConduct:
    case = conduct.suspending_case()
    stepped = replace(_step_license(conduct, StandingStep.REINSTATE), is_stopped_by_list=False)
    if case is None and conduct.is_stopped_by_list:
        return replace(stepped, reinstatement=None)
    if case is None:
        raise BrokenPromiseError(
            f"license {conduct.license_id} is reinstated without a suspension in force"
        )
    return replace(
        _step(stepped, case.violation_id, ViolationStep.CLOSE, _suspension_over), reinstatement=None
    )


def _unmatched(conduct: LicenseConduct, party_id: str) -> tuple[ListMatch, ...]:
    """The matches of all other parties."""
    return tuple(match for match in conduct.list_matches if match.party_id != party_id)


def _step_license(conduct: LicenseConduct, step: StandingStep) -> LicenseConduct:
    after = step_standing(conduct.known_standing.state, step)
    if isinstance(after, Refusal):
        raise BrokenPromiseError(after.message)
    return replace(conduct, standing=replace(conduct.known_standing, state=after))


def _standing_changed(conduct: LicenseConduct, standing: Standing) -> LicenseConduct:
    known, state = (0, StandingState.ACTIVE)
    if conduct.standing is not None:
        known, state = conduct.standing.version, conduct.standing.state
    if standing.version != known + 1 or standing.state is not state:
        raise BrokenPromiseError(
            f"standing {standing.version} {standing.state} cannot follow {known} {state}"
        )
    return replace(conduct, standing=standing)
