"""Every cell that a table lacks is refused, by the table and through the commands."""

import pytest

from services.enforcement.core.case_findings import finding_step
from services.enforcement.core.commands import Command, ImposeMeasure, RecordFinding
from services.enforcement.core.decide import decide
from services.enforcement.core.errors import Kind, Reason, Refusal
from services.enforcement.core.lifecycle import (
    OPEN,
    STANDING_TRANSITIONS,
    VIOLATION_TRANSITIONS,
    StandingStep,
    ViolationStep,
    step_standing,
    step_violation,
)
from services.enforcement.core.measures import STOPPING, measure_step
from services.enforcement.core.model import MeasureKind, StandingState, ViolationState
from tests.enforcement.core.builders import (
    NOW,
    THIRD,
    find,
    impose,
    refused,
    reinstate,
    reject_finding,
    reject_measure,
    with_case,
    with_standing,
)

MISSING_CASE_CELLS = [
    (state, step)
    for state in ViolationState
    for step in ViolationStep
    if step not in VIOLATION_TRANSITIONS[state]
]
MISSING_STANDING_CELLS = [
    (state, step)
    for state in StandingState
    for step in StandingStep
    if step not in STANDING_TRANSITIONS[state]
]
CASE_COMMANDS: dict[str, RecordFinding | ImposeMeasure] = {
    "find": find(THIRD),
    "reject finding": reject_finding(THIRD),
    "warn": impose(THIRD, MeasureKind.WARNING),
    "suspend": impose(THIRD, MeasureKind.SUSPENSION),
    "revoke": impose(THIRD, MeasureKind.REVOCATION),
    "reject measure": reject_measure(THIRD, MeasureKind.SUSPENSION),
}


def test_the_tables_have_a_row_for_every_state() -> None:
    assert set(VIOLATION_TRANSITIONS) == set(ViolationState)
    assert set(STANDING_TRANSITIONS) == set(StandingState)


def test_every_state_of_a_case_can_be_reached() -> None:
    for state in ViolationState:
        assert [case.state for case in with_case(state).violations] == [state]


def test_a_case_that_is_open_can_still_be_judged() -> None:
    for state in OPEN:
        assert VIOLATION_TRANSITIONS[state]


@pytest.mark.parametrize(("state", "step"), MISSING_CASE_CELLS)
def test_a_step_of_a_case_that_the_table_lacks_is_refused(
    state: ViolationState, step: ViolationStep
) -> None:
    refusal = step_violation(state, step)

    assert isinstance(refusal, Refusal)
    assert (refusal.kind, refusal.reason) == (Kind.PRECONDITION, Reason.WRONG_STATE)
    assert refusal.metadata == {
        "state": state,
        "command": step,
        "allowedCommands": ",".join(VIOLATION_TRANSITIONS[state]),
    }


@pytest.mark.parametrize(("state", "step"), MISSING_STANDING_CELLS)
def test_a_step_of_a_license_that_the_table_lacks_is_refused(
    state: StandingState, step: StandingStep
) -> None:
    refusal = step_standing(state, step)

    assert isinstance(refusal, Refusal)
    assert (refusal.kind, refusal.reason) == (Kind.PRECONDITION, Reason.WRONG_STATE)
    assert refusal.metadata["allowedCommands"] == ",".join(STANDING_TRANSITIONS[state])


@pytest.mark.parametrize("state", ViolationState)
@pytest.mark.parametrize("name", CASE_COMMANDS)
def test_a_command_on_a_case_does_what_the_table_says(state: ViolationState, name: str) -> None:
    conduct, command = with_case(state), CASE_COMMANDS[name]
    (case,) = conduct.violations
    step = (
        finding_step(case, command)
        if isinstance(command, RecordFinding)
        else measure_step(case, command)
    )

    decided = decide(conduct, command, NOW)

    is_wrong = isinstance(decided, Refusal) and decided.reason == Reason.WRONG_STATE
    assert is_wrong == (step not in VIOLATION_TRANSITIONS[state])


@pytest.mark.parametrize("state", StandingState)
@pytest.mark.parametrize("kind", STOPPING)
def test_a_measure_is_proposed_only_where_the_standing_allows_it(
    state: StandingState, kind: MeasureKind
) -> None:
    conduct = with_standing(state)
    fresh = conduct.violations[-1].violation_id

    decided = decide(conduct, impose(THIRD, kind, fresh), NOW)

    assert isinstance(decided, Refusal) == (STOPPING[kind] not in STANDING_TRANSITIONS[state])


@pytest.mark.parametrize("state", [StandingState.ACTIVE, StandingState.REVOKED])
def test_only_a_suspended_license_is_reinstated(state: StandingState) -> None:
    command: Command = reinstate(THIRD)

    refusal = refused(with_standing(state), command)

    assert refusal.reason == Reason.WRONG_STATE
    assert refusal.metadata["command"] == StandingStep.REINSTATE
