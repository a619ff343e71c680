"""Every cell that a table lacks is refused, by the table and through the commands."""

from typing import get_args

import pytest
from safeconduct.standing import MeasureKind

from services.enforcement.core.commands import CaseCommand, ReinstatementCommand
from services.enforcement.core.decide import decide
from services.enforcement.core.errors import ImpossibleEventError, Kind, Reason, Refusal
from services.enforcement.core.events import Event
from services.enforcement.core.lifecycle import (
    LICENSE_COMMANDS,
    LICENSE_TRANSITIONS,
    VIOLATION_COMMANDS,
    VIOLATION_TRANSITIONS,
    next_license_state,
    next_violation_state,
)
from services.enforcement.core.measures import STOPPING_EVENTS
from services.enforcement.core.model import LicenseState, ViolationState
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

CASE_CELLS = [(state, kind) for state in (None, *ViolationState) for kind in get_args(Event)]
MISSING_LICENSE_CELLS = [
    (state, kind)
    for state in (None, *LicenseState)
    for kind in get_args(Event)
    if kind not in LICENSE_TRANSITIONS[state]
]
REGISTERED = [state for state in LicenseState if state is not LicenseState.UNREGISTERED]
"""To callers a license in the other state is unknown."""
# The commands that each state of a case accepts, as an officer would list them.
ACCEPTED = {
    ViolationState.REPORTED: {"ProposeFinding"},
    ViolationState.FINDING_PROPOSED: {"ConfirmFinding", "RejectFinding"},
    ViolationState.FOUND: {"ImposeWarning", "ProposeMeasure"},
    ViolationState.NOT_FOUND: set(),
    ViolationState.MEASURE_PROPOSED: {"ConfirmMeasure", "RejectMeasure"},
    ViolationState.MEASURED: {"ProposeMeasure"},
    ViolationState.CLOSED: set(),
}
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
    assert set(VIOLATION_TRANSITIONS) == {None, *ViolationState}
    assert set(LICENSE_TRANSITIONS) == {None, *LicenseState}


def test_every_command_of_an_officer_has_its_event() -> None:
    assert set(VIOLATION_COMMANDS) == set(get_args(CaseCommand))
    assert set(LICENSE_COMMANDS) == set(get_args(ReinstatementCommand))


def test_every_state_of_a_case_can_be_reached() -> None:
    for state in ViolationState:
        assert [case.state for case in with_case(state).violations] == [state]


def test_every_state_of_a_license_can_be_reached() -> None:
    for state in LicenseState:
        assert with_license(state).state is state


@pytest.mark.parametrize("state", ViolationState)
def test_a_case_that_is_open_can_still_be_judged(state: ViolationState) -> None:
    (case,) = with_case(state).violations

    assert VIOLATION_TRANSITIONS[state] or not case.is_open


@pytest.mark.parametrize(("state", "kind"), CASE_CELLS)
def test_an_event_brings_a_case_to_no_state_that_the_table_lacks(
    state: ViolationState | None, kind: type[Event]
) -> None:
    for target in set(ViolationState) - VIOLATION_TRANSITIONS[state].get(kind, frozenset()):
        with pytest.raises(ImpossibleEventError):
            next_violation_state(state, object.__new__(kind), target)


@pytest.mark.parametrize(("state", "kind"), MISSING_LICENSE_CELLS)
def test_an_event_of_a_license_that_the_table_lacks_is_impossible(
    state: LicenseState | None, kind: type[Event]
) -> None:
    with pytest.raises(ImpossibleEventError):
        next_license_state(state, object.__new__(kind))


@pytest.mark.parametrize("state", ViolationState)
@pytest.mark.parametrize("command", CASE_COMMANDS, ids=name_of)
def test_a_command_on_a_case_does_what_the_table_says(
    state: ViolationState, command: CaseCommand
) -> None:
    decided = decide(with_case(state), command, NOW)

    is_wrong = isinstance(decided, Refusal) and decided.reason == Reason.WRONG_STATE
    assert is_wrong == (name_of(command) not in ACCEPTED[state])
    if isinstance(decided, Refusal) and is_wrong:
        assert decided.kind is Kind.PRECONDITION
        assert (decided.metadata["state"], decided.metadata["command"]) == (state, name_of(command))
        assert set(filter(None, decided.metadata["allowedCommands"].split(","))) == ACCEPTED[state]


@pytest.mark.parametrize("state", REGISTERED)
@pytest.mark.parametrize("kind", STOPPING_EVENTS)
def test_a_measure_is_proposed_only_where_the_license_allows_it(
    state: LicenseState, kind: MeasureKind
) -> None:
    conduct = with_license(state)
    fresh = conduct.violations[-1].violation_id

    decided = decide(conduct, propose_measure(THIRD, kind, fresh), NOW)

    assert isinstance(decided, Refusal) == (STOPPING_EVENTS[kind] not in LICENSE_TRANSITIONS[state])


@pytest.mark.parametrize("state", REGISTERED)
@pytest.mark.parametrize("command", REINSTATEMENT_COMMANDS, ids=name_of)
def test_a_reinstatement_does_what_the_table_says(
    state: LicenseState, command: ReinstatementCommand
) -> None:
    decided = decide(with_license(state), command, NOW)

    is_wrong = isinstance(decided, Refusal) and decided.reason == Reason.WRONG_STATE
    assert is_wrong == (LICENSE_COMMANDS[type(command)] not in LICENSE_TRANSITIONS[state])


@pytest.mark.parametrize("command", REINSTATEMENT_COMMANDS[1:], ids=name_of)
def test_without_a_proposal_there_is_nothing_to_answer(command: ReinstatementCommand) -> None:
    refusal = refused(suspended(), command)

    assert refusal.metadata == {
        "state": "SUSPENDED",
        "command": name_of(command),
        "allowedCommands": "ProposeReinstatement",
    }
