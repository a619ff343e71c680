"""The two lifecycles: of a violation case and of a standing. What a table does not list is refused.

Everything that says which step leads where is in this file, and `step_violation` and `step_standing` are the only
functions that read the tables. It does not know who may take a step, nor what else must hold.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

from services.enforcement.core.errors import Kind, Reason, Refusal
from services.enforcement.core.model import StandingState, ViolationState


class ViolationStep(StrEnum):
    """A step of a case. A proposal and its confirmation are two steps, taken by two officers."""

    PROPOSE_FINDING = "ProposeFinding"
    CONFIRM_VIOLATION = "ConfirmViolation"
    CONFIRM_NO_VIOLATION = "ConfirmNoViolation"
    REJECT_FINDING = "RejectFinding"
    WARN = "Warn"
    PROPOSE_MEASURE = "ProposeMeasure"
    CONFIRM_MEASURE = "ConfirmMeasure"
    REJECT_MEASURE = "RejectMeasure"
    REJECT_ESCALATION = "RejectEscalation"
    CLOSE = "Close"


class StandingStep(StrEnum):
    """A step of a license's standing."""

    SUSPEND = "Suspend"
    REVOKE = "Revoke"
    REINSTATE = "Reinstate"


VIOLATION_TRANSITIONS: Final[Mapping[ViolationState, Mapping[ViolationStep, ViolationState]]] = {
    ViolationState.REPORTED: {
        ViolationStep.PROPOSE_FINDING: ViolationState.FINDING_PROPOSED,
    },
    ViolationState.FINDING_PROPOSED: {
        ViolationStep.CONFIRM_VIOLATION: ViolationState.FOUND,
        ViolationStep.CONFIRM_NO_VIOLATION: ViolationState.NOT_FOUND,
        ViolationStep.REJECT_FINDING: ViolationState.REPORTED,
    },
    ViolationState.FOUND: {
        ViolationStep.WARN: ViolationState.MEASURED,
        ViolationStep.PROPOSE_MEASURE: ViolationState.MEASURE_PROPOSED,
    },
    ViolationState.NOT_FOUND: {},
    ViolationState.MEASURE_PROPOSED: {
        ViolationStep.CONFIRM_MEASURE: ViolationState.MEASURED,
        ViolationStep.REJECT_MEASURE: ViolationState.FOUND,
        ViolationStep.REJECT_ESCALATION: ViolationState.MEASURED,
    },
    ViolationState.MEASURED: {
        ViolationStep.PROPOSE_MEASURE: ViolationState.MEASURE_PROPOSED,  # a harder measure than the one in force
        ViolationStep.CLOSE: ViolationState.CLOSED,
    },
    ViolationState.CLOSED: {},
}

STANDING_TRANSITIONS: Final[Mapping[StandingState, Mapping[StandingStep, StandingState]]] = {
    StandingState.ACTIVE: {
        StandingStep.SUSPEND: StandingState.SUSPENDED,
        StandingStep.REVOKE: StandingState.REVOKED,
    },
    StandingState.SUSPENDED: {
        StandingStep.REINSTATE: StandingState.ACTIVE,
        StandingStep.REVOKE: StandingState.REVOKED,
    },
    StandingState.REVOKED: {},  # final: a successful appeal issues a new license
}

OPEN: Final = frozenset(
    {
        ViolationState.REPORTED,
        ViolationState.FINDING_PROPOSED,
        ViolationState.FOUND,
        ViolationState.MEASURE_PROPOSED,
    }
)
"""Cases that reports join and that stand in the way of a reinstatement. Conduct reported later is a case of its own."""


def step_violation(state: ViolationState, step: ViolationStep) -> ViolationState | Refusal:
    """Where the step leads a case, or WRONG_STATE."""
    allowed = VIOLATION_TRANSITIONS[state]
    return allowed.get(step) or _wrong_state("case", state, step, allowed)


def step_standing(state: StandingState, step: StandingStep) -> StandingState | Refusal:
    """Where the step leads a license, or WRONG_STATE."""
    allowed = STANDING_TRANSITIONS[state]
    return allowed.get(step) or _wrong_state("license", state, step, allowed)


def _wrong_state(what: str, state: StrEnum, step: StrEnum, allowed: Iterable[StrEnum]) -> Refusal:
    return Refusal(
        Kind.PRECONDITION,
        Reason.WRONG_STATE,
        f"{step} does not fit a {what} that is {state}",
        {"state": state, "command": step, "allowedCommands": ",".join(allowed)},
    )
