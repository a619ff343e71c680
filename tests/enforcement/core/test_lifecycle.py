"""Every cell that a table lacks is refused, by the table and through the commands."""

import pytest

from services.enforcement.core.commands import CaseCommand, ReinstatementCommand
from services.enforcement.core.decide import decide
from services.enforcement.core.errors import Kind, Reason, Refusal
from services.enforcement.core.lifecycle import (
    CASE_TRANSITIONS,
    LICENSE_TRANSITIONS,
    CaseStep,
    LicenseStep,
    method_of,
    step_case,
    step_license,
)
from services.enforcement.core.measures import LICENSE_STEPS
from services.enforcement.core.model import LicenseState, MeasureKind, ViolationState
from tests.enforcement.core.builders import (
    FOURTH,
    NOW,
    THIRD,
    confirm_finding,
    confirm_measure,
    confirm_reinstatement,
    propose_finding,
    propose_measure,
    propose_reinstatement,
    refused,
    reject_finding,
    reject_measure,
    reject_reinstatement,
    suspended,
    warn,
    with_case,
    with_license,
)

MISSING_CASE_CELLS = [
    (state, step)
    for state in ViolationState
    for step in CaseStep
    if step not in CASE_TRANSITIONS[state]
]
MISSING_LICENSE_CELLS = [
    (state, step)
    for state in LicenseState
    for step in LicenseStep
    if step not in LICENSE_TRANSITIONS[state]
]
CASE_COMMANDS: tuple[CaseCommand, ...] = (
    propose_finding(THIRD),
    confirm_finding(THIRD),
    reject_finding(THIRD),
    warn(THIRD),
    propose_measure(THIRD, MeasureKind.SUSPENSION),
    propose_measure(THIRD, MeasureKind.REVOCATION),
    confirm_measure(THIRD),
    reject_measure(THIRD),
)
REINSTATEMENT_COMMANDS: tuple[ReinstatementCommand, ...] = (
    propose_reinstatement(FOURTH),
    confirm_reinstatement(FOURTH),
    reject_reinstatement(FOURTH),
)


def name_of(command: CaseCommand | ReinstatementCommand) -> str:
    return type(command).__name__


def test_the_tables_have_a_row_for_every_state() -> None:
    assert set(CASE_TRANSITIONS) == set(ViolationState)
    assert set(LICENSE_TRANSITIONS) == set(LicenseState)


def test_every_state_of_a_case_can_be_reached() -> None:
    for state in ViolationState:
        assert [case.state for case in with_case(state).violations] == [state]


def test_every_state_of_a_license_can_be_reached() -> None:
    for state in LicenseState:
        assert with_license(state).state is state


@pytest.mark.parametrize("state", ViolationState)
def test_a_case_that_is_open_can_still_be_judged(state: ViolationState) -> None:
    (case,) = with_case(state).violations

    assert CASE_TRANSITIONS[state] or not case.is_open


@pytest.mark.parametrize(("state", "step"), MISSING_CASE_CELLS)
def test_a_step_of_a_case_that_the_table_lacks_is_refused(
    state: ViolationState, step: CaseStep
) -> None:
    refusal = step_case(state, step)

    assert isinstance(refusal, Refusal)
    assert (refusal.kind, refusal.reason) == (Kind.PRECONDITION, Reason.WRONG_STATE)
    assert (refusal.metadata["state"], refusal.metadata["command"]) == (state, method_of(step))
    assert set(filter(None, refusal.metadata["allowedCommands"].split(","))) == {
        method_of(allowed) for allowed in CASE_TRANSITIONS[state]
    }


@pytest.mark.parametrize(("state", "step"), MISSING_LICENSE_CELLS)
def test_a_step_of_a_license_that_the_table_lacks_is_refused(
    state: LicenseState, step: LicenseStep
) -> None:
    refusal = step_license(state, step)

    assert isinstance(refusal, Refusal)
    assert (refusal.kind, refusal.reason) == (Kind.PRECONDITION, Reason.WRONG_STATE)
    assert refusal.metadata["allowedCommands"] == ",".join(LICENSE_TRANSITIONS[state])


@pytest.mark.parametrize("state", ViolationState)
@pytest.mark.parametrize("command", CASE_COMMANDS, ids=name_of)
def test_a_command_on_a_case_does_what_the_table_says(
    state: ViolationState, command: CaseCommand
) -> None:
    decided = decide(with_case(state), command, NOW)

    is_wrong = isinstance(decided, Refusal) and decided.reason == Reason.WRONG_STATE
    assert is_wrong == (name_of(command) not in map(method_of, CASE_TRANSITIONS[state]))


@pytest.mark.parametrize("state", LicenseState)
@pytest.mark.parametrize("kind", LICENSE_STEPS)
def test_a_measure_is_proposed_only_where_the_license_allows_it(
    state: LicenseState, kind: MeasureKind
) -> None:
    conduct = with_license(state)
    fresh = conduct.violations[-1].violation_id

    decided = decide(conduct, propose_measure(THIRD, kind, fresh), NOW)

    assert isinstance(decided, Refusal) == (LICENSE_STEPS[kind] not in LICENSE_TRANSITIONS[state])


@pytest.mark.parametrize("state", LicenseState)
@pytest.mark.parametrize("command", REINSTATEMENT_COMMANDS, ids=name_of)
def test_a_reinstatement_does_what_the_table_says(
    state: LicenseState, command: ReinstatementCommand
) -> None:
    decided = decide(with_license(state), command, NOW)

    is_wrong = isinstance(decided, Refusal) and decided.reason == Reason.WRONG_STATE
    assert is_wrong == (name_of(command) not in LICENSE_TRANSITIONS[state])


@pytest.mark.parametrize("command", REINSTATEMENT_COMMANDS[1:], ids=name_of)
def test_without_a_proposal_there_is_nothing_to_answer(command: ReinstatementCommand) -> None:
    refusal = refused(suspended(), command)

    assert refusal.metadata == {
        "state": "SUSPENDED",
        "command": name_of(command),
        "allowedCommands": "ProposeReinstatement,Revoke",
    }
