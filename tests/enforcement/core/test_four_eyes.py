"""Findings, suspensions, revocations and reinstatements need two officers without conflict."""

from dataclasses import replace

import pytest
from safeconduct.standing import Clause, MeasureKind, StandingCause, StandingState

from services.enforcement.core.commands import Command, Officer
from services.enforcement.core.errors import Kind, Reason
from services.enforcement.core.model import LicenseConduct, LicenseState, Severity, ViolationState
from tests.enforcement.core.builders import (
    AFFILIATED,
    CASE,
    FINDING,
    FIRST,
    FOURTH,
    MEASURE,
    REINSTATEMENT,
    SECOND,
    THIRD,
    agree_on_finding,
    agree_on_measure,
    agree_on_reinstatement,
    confirm_finding,
    confirm_measure,
    confirm_reinstatement,
    done,
    found,
    issued,
    listed,
    new_id,
    propose_finding,
    propose_measure,
    propose_reinstatement,
    refused,
    reject_finding,
    reject_measure,
    reject_reinstatement,
    report,
    suspended,
    warn,
    with_case,
)

REVOCATION, SUSPENSION, WARNING = (
    MeasureKind.REVOCATION,
    MeasureKind.SUSPENSION,
    MeasureKind.WARNING,
)
REINSTATING = suspended(propose_reinstatement(THIRD))


@pytest.mark.parametrize(
    ("conduct", "command"),
    [
        (with_case(ViolationState.FINDING_PROPOSED), confirm_finding(FIRST)),
        (with_case(ViolationState.FINDING_PROPOSED), reject_finding(FIRST)),
        (found(propose_measure(FIRST, REVOCATION)), confirm_measure(FIRST)),
        (found(propose_measure(FIRST, REVOCATION)), reject_measure(FIRST)),
        (REINSTATING, confirm_reinstatement(THIRD)),
        (REINSTATING, reject_reinstatement(THIRD)),
    ],
)
def test_the_officer_who_proposed_cannot_confirm_or_reject(
    conduct: LicenseConduct, command: Command
) -> None:
    refusal = refused(conduct, command)

    assert (refusal.kind, refusal.reason) == (Kind.PERMISSION, Reason.SELF_CONFIRMATION)
    assert set(refusal.metadata) == {"officerId"}


@pytest.mark.parametrize(
    ("conduct", "command"),
    [
        (with_case(ViolationState.REPORTED), propose_finding(AFFILIATED)),
        (with_case(ViolationState.FINDING_PROPOSED), confirm_finding(AFFILIATED)),
        (with_case(ViolationState.FINDING_PROPOSED), reject_finding(AFFILIATED)),
        (with_case(ViolationState.FOUND), warn(AFFILIATED)),
        (with_case(ViolationState.FOUND), propose_measure(AFFILIATED, SUSPENSION)),
        (with_case(ViolationState.MEASURE_PROPOSED), confirm_measure(AFFILIATED)),
        (with_case(ViolationState.MEASURE_PROPOSED), reject_measure(AFFILIATED)),
        (suspended(), propose_reinstatement(AFFILIATED)),
        (REINSTATING, confirm_reinstatement(AFFILIATED)),
        (REINSTATING, reject_reinstatement(AFFILIATED)),
    ],
)
def test_an_officer_of_the_partner_cannot_act(conduct: LicenseConduct, command: Command) -> None:
    refusal = refused(conduct, command)

    assert (refusal.kind, refusal.reason) == (Kind.PERMISSION, Reason.CONFLICT_OF_INTEREST)
    assert refusal.metadata == {"officerId": AFFILIATED.officer_id}


def test_a_finding_has_effect_once_a_second_officer_confirms_it() -> None:
    (case,) = issued(report(case_id=CASE), *agree_on_finding()).violations

    assert case.state is ViolationState.FOUND
    assert case.finding is not None
    assert case.finding.found_by.officer_id == FIRST.officer_id
    assert case.finding.confirmed_by is not None
    assert case.finding.confirmed_by.officer_id == SECOND.officer_id


@pytest.mark.parametrize(
    ("conduct", "command", "pending"),
    [
        (
            with_case(ViolationState.FINDING_PROPOSED),
            confirm_finding(SECOND, finding_id=MEASURE),
            FINDING,
        ),
        (
            with_case(ViolationState.FINDING_PROPOSED),
            reject_finding(SECOND, finding_id=MEASURE),
            FINDING,
        ),
        (
            with_case(ViolationState.MEASURE_PROPOSED),
            confirm_measure(SECOND, measure_id=FINDING),
            MEASURE,
        ),
        (
            with_case(ViolationState.MEASURE_PROPOSED),
            reject_measure(SECOND, measure_id=FINDING),
            MEASURE,
        ),
        (REINSTATING, confirm_reinstatement(FOURTH, FINDING), REINSTATEMENT),
        (REINSTATING, reject_reinstatement(FOURTH, FINDING), REINSTATEMENT),
    ],
)
def test_another_act_than_the_pending_one_is_neither_confirmed_nor_rejected(
    conduct: LicenseConduct, command: Command, pending: object
) -> None:
    refusal = refused(conduct, command)

    assert (refusal.kind, refusal.reason) == (Kind.ABORTED, Reason.PENDING_ACT_DIFFERS)
    assert refusal.metadata == {"pending": str(pending)}


@pytest.mark.parametrize(
    ("conduct", "command", "allowed"),
    [
        (
            with_case(ViolationState.FINDING_PROPOSED),
            propose_finding(SECOND),
            "ConfirmFinding,RejectFinding",
        ),
        (
            with_case(ViolationState.MEASURE_PROPOSED),
            propose_measure(SECOND, REVOCATION),
            "ConfirmMeasure,RejectMeasure",
        ),
        (
            REINSTATING,
            propose_reinstatement(FOURTH),
            "ConfirmReinstatement,RejectReinstatement",
        ),
    ],
)
def test_a_second_proposal_confirms_nothing(
    conduct: LicenseConduct, command: Command, allowed: str
) -> None:
    refusal = refused(conduct, command)

    assert (refusal.kind, refusal.reason) == (Kind.PRECONDITION, Reason.WRONG_STATE)
    assert refusal.metadata["allowedCommands"] == allowed


def test_a_rejected_finding_leaves_the_case_as_reported() -> None:
    (case,) = issued(
        report(case_id=CASE), propose_finding(FIRST), reject_finding(SECOND)
    ).violations

    assert (case.state, case.finding) == (ViolationState.REPORTED, None)


@pytest.mark.parametrize("kind", [SUSPENSION, REVOCATION])
def test_one_officer_alone_stops_no_access(kind: MeasureKind) -> None:
    conduct = found(propose_measure(FIRST, kind))

    assert conduct.known_standing.state is StandingState.ACTIVE
    assert not conduct.violations[0].measures[0].is_in_force


def test_two_officers_revoke() -> None:
    conduct = found(*agree_on_measure(REVOCATION))

    assert conduct.known_standing.state is StandingState.REVOKED
    assert conduct.known_standing.cause == StandingCause(
        REVOCATION, Clause.MILITARY_SURVEILLANCE, is_list_match=False
    )
    assert conduct.known_standing.version == 2


def test_a_rejected_measure_leaves_the_finding() -> None:
    (case,) = found(propose_measure(FIRST, REVOCATION), reject_measure(SECOND)).violations

    assert (case.state, case.measures) == (ViolationState.FOUND, ())


def test_a_rejected_escalation_leaves_the_measure_in_force() -> None:
    escalation = new_id()

    (case,) = suspended(
        propose_measure(THIRD, REVOCATION, measure_id=escalation),
        reject_measure(FOURTH, measure_id=escalation),
    ).violations

    assert case.state is ViolationState.MEASURED
    assert [(m.kind, m.is_in_force) for m in case.measures] == [(SUSPENSION, True)]


def test_one_officer_warns_and_access_goes_on() -> None:
    conduct = found(warn(FIRST))

    assert conduct.violations[0].state is ViolationState.MEASURED
    assert conduct.known_standing.version == 1


@pytest.mark.parametrize("officer", [FIRST, SECOND])
def test_an_officer_with_a_part_in_the_suspension_has_none_in_the_reinstatement(
    officer: Officer,
) -> None:
    for conduct, command in (
        (suspended(), propose_reinstatement(officer)),
        (REINSTATING, confirm_reinstatement(officer)),
        (REINSTATING, reject_reinstatement(officer)),
    ):
        refusal = refused(conduct, command)

        assert (refusal.kind, refusal.reason) == (
            Kind.PERMISSION,
            Reason.SUSPENDER_CANNOT_REINSTATE,
        )


def test_a_rejected_reinstatement_leaves_the_license_suspended_and_can_be_proposed_again() -> None:
    conduct = suspended(propose_reinstatement(THIRD), reject_reinstatement(FOURTH))

    assert (conduct.state, conduct.reinstatement) == (LicenseState.SUSPENDED, None)
    assert conduct.known_standing.version == 2
    again = done(conduct, propose_reinstatement(FOURTH), confirm_reinstatement(THIRD))
    assert again.known_standing.state is StandingState.ACTIVE


def test_a_reinstatement_is_rejected_even_while_a_case_or_a_list_match_is_open() -> None:
    conduct = done(REINSTATING, report(Clause.OVER_USE), listed(), reject_reinstatement(FOURTH))

    assert conduct.reinstatement is None


def test_two_other_officers_reinstate_and_the_case_is_closed() -> None:
    conduct = suspended(*agree_on_reinstatement())

    assert conduct.known_standing.state is StandingState.ACTIVE
    assert (conduct.known_standing.cause, conduct.known_standing.version) == (None, 3)
    assert conduct.reinstatement is None
    (case,) = conduct.violations
    assert case.state is ViolationState.CLOSED
    assert not case.measures[0].is_in_force


def test_one_officer_alone_reinstates_nothing() -> None:
    assert REINSTATING.known_standing.state is StandingState.SUSPENDED


def test_no_license_is_reinstated_while_a_case_is_open() -> None:
    other = new_id()
    opened = report(Clause.OVER_USE, case_id=other)

    for conduct, command in (
        (suspended(opened), propose_reinstatement(THIRD)),
        (done(REINSTATING, opened), confirm_reinstatement(FOURTH)),
    ):
        refusal = refused(conduct, command)
        assert (refusal.kind, refusal.reason) == (Kind.PRECONDITION, Reason.VIOLATIONS_OPEN)
        assert refusal.metadata == {"openViolations": str(other)}


def test_a_suspended_license_can_still_be_revoked_in_the_same_case() -> None:
    conduct = done(REINSTATING, *agree_on_measure(REVOCATION, measure_id=new_id()))

    assert conduct.known_standing.state is StandingState.REVOKED
    assert [(m.kind, m.is_in_force) for m in conduct.violations[0].measures] == [
        (SUSPENSION, False),
        (REVOCATION, True),
    ]
    assert conduct.reinstatement is None


def test_a_measure_proposed_before_another_case_revoked_is_refused_when_it_is_confirmed() -> None:
    other, suspension = new_id(), new_id()
    conduct = found(
        report(Clause.FALSE_STATEMENT, case_id=other),
        *agree_on_finding(other),
        propose_measure(FIRST, SUSPENSION, other, suspension),
        *agree_on_measure(REVOCATION),
    )

    refusal = refused(conduct, confirm_measure(SECOND, other, suspension))

    assert refusal.reason == Reason.WRONG_STATE
    assert refusal.metadata == {
        "state": "REVOKED",
        "command": "ConfirmMeasure",
        "allowedCommands": "",
    }


def test_a_case_outlives_its_license() -> None:
    late = new_id()
    conduct = found(*agree_on_measure(REVOCATION))

    conduct = done(
        conduct, report(Clause.OVER_USE, case_id=late), *agree_on_finding(late), warn(FIRST, late)
    )

    assert conduct.violations[-1].state is ViolationState.MEASURED
    assert conduct.known_standing.version == 2


@pytest.mark.parametrize(
    "command", [propose_finding(FIRST), warn(FIRST), propose_reinstatement(FIRST)]
)
def test_a_license_that_does_not_exist_is_not_found(command: Command) -> None:
    assert refused(None, command).reason == Reason.NOT_FOUND


def test_a_case_that_does_not_exist_is_not_found() -> None:
    assert refused(issued(), confirm_finding(FIRST)).reason == Reason.NOT_FOUND


@pytest.mark.parametrize(("is_violation", "other"), [(True, None), (False, Severity.MINOR)])
def test_a_violation_and_nothing_else_has_a_severity(
    is_violation: bool, other: Severity | None
) -> None:
    command = replace(propose_finding(FIRST), is_violation=is_violation, severity=other)

    refusal = refused(with_case(ViolationState.REPORTED), command)

    assert refusal.kind is Kind.INVALID
    assert [fault.path for fault in refusal.fields] == ["severity"]
