"""Two officers for whatever is grave, and none who has a part in it."""

import pytest

from services.enforcement.core.commands import Command
from services.enforcement.core.errors import Kind, Reason
from services.enforcement.core.evolve import LicenseConduct
from services.enforcement.core.model import (
    Clause,
    MeasureKind,
    Severity,
    StandingState,
    ViolationState,
)
from tests.enforcement.core.builders import (
    CASE,
    FIRST,
    FOURTH,
    RELATED,
    SECOND,
    THIRD,
    done,
    find,
    found,
    impose,
    issued,
    new_id,
    refused,
    reinstate,
    reject_finding,
    reject_measure,
    report,
    suspended,
    with_case,
)

REVOCATION, SUSPENSION, WARNING = (
    MeasureKind.REVOCATION,
    MeasureKind.SUSPENSION,
    MeasureKind.WARNING,
)


@pytest.mark.parametrize(
    ("conduct", "command"),
    [
        (issued(report(case_id=CASE), find(FIRST)), find(FIRST)),
        (issued(report(case_id=CASE), find(FIRST)), reject_finding(FIRST)),
        (found(impose(FIRST, REVOCATION)), impose(FIRST, REVOCATION)),
        (found(impose(FIRST, REVOCATION)), reject_measure(FIRST, REVOCATION)),
        (suspended(reinstate(THIRD)), reinstate(THIRD)),
    ],
)
def test_whoever_acted_first_cannot_confirm_or_reject(
    conduct: LicenseConduct, command: Command
) -> None:
    refusal = refused(conduct, command)

    assert (refusal.kind, refusal.reason) == (Kind.PERMISSION, Reason.SELF_CONFIRMATION)
    assert set(refusal.metadata) == {"officerId"}


@pytest.mark.parametrize(
    ("conduct", "command"),
    [
        (with_case(ViolationState.REPORTED), find(RELATED)),
        (with_case(ViolationState.FINDING_PROPOSED), find(RELATED)),
        (with_case(ViolationState.FINDING_PROPOSED), reject_finding(RELATED)),
        (with_case(ViolationState.FOUND), impose(RELATED, WARNING)),
        (with_case(ViolationState.MEASURE_PROPOSED), impose(RELATED, SUSPENSION)),
        (suspended(), reinstate(RELATED)),
        (suspended(reinstate(THIRD)), reinstate(RELATED)),
    ],
)
def test_an_officer_of_the_partner_cannot_act(conduct: LicenseConduct, command: Command) -> None:
    refusal = refused(conduct, command)

    assert (refusal.kind, refusal.reason) == (Kind.PERMISSION, Reason.CONFLICT_OF_INTEREST)
    assert refusal.metadata == {"officerId": RELATED.officer_id}


def test_a_finding_counts_once_another_officer_says_the_same() -> None:
    (case,) = issued(report(case_id=CASE), find(FIRST), find(SECOND)).violations

    assert case.state is ViolationState.FOUND
    assert case.finding is not None
    assert case.finding.found_by.officer_id == FIRST.officer_id
    assert case.finding.confirmed_by is not None
    assert case.finding.confirmed_by.officer_id == SECOND.officer_id


@pytest.mark.parametrize("severity", [Severity.MINOR, None])
def test_another_finding_than_the_pending_one_confirms_nothing(severity: Severity | None) -> None:
    refusal = refused(issued(report(case_id=CASE), find(FIRST)), find(SECOND, severity=severity))

    assert (refusal.kind, refusal.reason) == (Kind.ABORTED, Reason.PENDING_ACT_DIFFERS)
    assert refusal.metadata == {"pending": "CRITICAL"}


def test_a_rejected_finding_leaves_the_case_as_reported() -> None:
    (case,) = issued(report(case_id=CASE), find(FIRST), reject_finding(SECOND)).violations

    assert (case.state, case.finding) == (ViolationState.REPORTED, None)


@pytest.mark.parametrize("kind", [SUSPENSION, REVOCATION])
def test_one_officer_alone_stops_no_access(kind: MeasureKind) -> None:
    conduct = found(impose(FIRST, kind))

    assert conduct.known_standing.state is StandingState.ACTIVE
    assert not conduct.violations[0].measures[0].is_in_force


def test_two_officers_revoke() -> None:
    conduct = found(impose(FIRST, REVOCATION), impose(SECOND, REVOCATION))

    assert conduct.known_standing.state is StandingState.REVOKED
    assert conduct.known_standing.reason == "REVOCATION:MILITARY_SURVEILLANCE"
    assert conduct.known_standing.version == 2


def test_another_measure_than_the_pending_one_confirms_nothing() -> None:
    refusal = refused(found(impose(FIRST, SUSPENSION)), impose(SECOND, REVOCATION))

    assert refusal.reason == Reason.PENDING_ACT_DIFFERS
    assert refusal.metadata == {"pending": SUSPENSION}


def test_a_rejected_measure_leaves_the_finding() -> None:
    (case,) = found(impose(FIRST, REVOCATION), reject_measure(SECOND, REVOCATION)).violations

    assert (case.state, case.measures) == (ViolationState.FOUND, ())


def test_a_rejected_escalation_leaves_the_measure_in_force() -> None:
    (case,) = suspended(impose(THIRD, REVOCATION), reject_measure(FOURTH, REVOCATION)).violations

    assert case.state is ViolationState.MEASURED
    assert [(m.kind, m.is_in_force) for m in case.measures] == [(SUSPENSION, True)]


def test_one_officer_warns_and_access_goes_on() -> None:
    conduct = found(impose(FIRST, WARNING))

    assert conduct.violations[0].state is ViolationState.MEASURED
    assert conduct.known_standing.version == 1


@pytest.mark.parametrize("officer", [FIRST, SECOND])
def test_whoever_suspended_or_confirmed_it_cannot_reinstate(officer: type) -> None:
    for conduct in (suspended(), suspended(reinstate(THIRD))):
        refusal = refused(conduct, reinstate(officer))

        assert (refusal.kind, refusal.reason) == (
            Kind.PERMISSION,
            Reason.SUSPENDER_CANNOT_REINSTATE,
        )


def test_two_other_officers_reinstate_and_the_case_is_closed() -> None:
    conduct = suspended(reinstate(THIRD), reinstate(FOURTH))

    assert conduct.known_standing.state is StandingState.ACTIVE
    assert (conduct.known_standing.reason, conduct.known_standing.version) == ("", 3)
    assert conduct.reinstatement is None
    (case,) = conduct.violations
    assert case.state is ViolationState.CLOSED
    assert not case.measures[0].is_in_force


def test_one_officer_alone_reinstates_nothing() -> None:
    assert suspended(reinstate(THIRD)).known_standing.state is StandingState.SUSPENDED


def test_no_license_is_reinstated_while_a_case_is_open() -> None:
    other = new_id()
    at_proposal = suspended(report(Clause.OVER_USE, case_id=other))
    at_confirmation = suspended(reinstate(THIRD), report(Clause.OVER_USE, case_id=other))

    for conduct, officer in ((at_proposal, THIRD), (at_confirmation, FOURTH)):
        refusal = refused(conduct, reinstate(officer))
        assert (refusal.kind, refusal.reason) == (Kind.PRECONDITION, Reason.VIOLATIONS_OPEN)
        assert refusal.metadata == {"openViolations": str(other)}


def test_a_suspended_license_can_still_be_revoked_in_the_same_case() -> None:
    conduct = suspended(reinstate(THIRD), impose(FIRST, REVOCATION), impose(SECOND, REVOCATION))

    assert conduct.known_standing.state is StandingState.REVOKED
    assert [(m.kind, m.is_in_force) for m in conduct.violations[0].measures] == [
        (SUSPENSION, False),
        (REVOCATION, True),
    ]
    assert conduct.reinstatement is None


def test_a_measure_proposed_before_another_case_revoked_is_refused_when_it_is_confirmed() -> None:
    other = new_id()
    conduct = found(
        report(Clause.FALSE_STATEMENT, case_id=other), find(FIRST, other), find(SECOND, other)
    )
    conduct = done(
        conduct,
        impose(FIRST, SUSPENSION, other),
        impose(FIRST, REVOCATION),
        impose(SECOND, REVOCATION),
    )

    refusal = refused(conduct, impose(SECOND, SUSPENSION, other))

    assert refusal.reason == Reason.WRONG_STATE
    assert refusal.metadata == {"state": "REVOKED", "command": "Suspend", "allowedCommands": ""}


def test_a_case_outlives_its_license() -> None:
    late = new_id()
    conduct = found(impose(FIRST, REVOCATION), impose(SECOND, REVOCATION))

    conduct = done(
        conduct,
        report(Clause.OVER_USE, case_id=late),
        find(FIRST, late),
        find(SECOND, late),
        impose(FIRST, WARNING, late),
    )

    assert conduct.violations[-1].state is ViolationState.MEASURED
    assert conduct.known_standing.version == 2


@pytest.mark.parametrize("command", [find(FIRST), impose(FIRST, WARNING), reinstate(FIRST)])
def test_what_does_not_exist_is_not_found(command: Command) -> None:
    assert refused(None, command).reason == Reason.NOT_FOUND


def test_a_violation_needs_its_severity() -> None:
    command = find(FIRST, severity=None)
    violation = type(command)(
        FIRST, CASE, is_violation=True, severity=None, rationale="why not", is_rejection=False
    )

    refusal = refused(with_case(ViolationState.REPORTED), violation)

    assert refusal.kind is Kind.INVALID
    assert [fault.path for fault in refusal.fields] == ["severity"]
