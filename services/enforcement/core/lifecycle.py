"""The lifecycles of a violation case and of a license: two tables of state, step and next state.

A step that a table does not list is refused with WRONG_STATE. `step_case` and `step_license` are
the only functions that read the tables. Who may take a step is decided elsewhere.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

from services.enforcement.core.errors import Kind, Reason, Refusal
from services.enforcement.core.model import LicenseState, ViolationState


class CaseStep(StrEnum):
    """A step of a case: an RPC with its outcome. Proposal and confirmation are separate steps."""

    PROPOSE_FINDING = "ProposeFinding"
    CONFIRM_VIOLATION = "ConfirmViolation"
    CONFIRM_NO_VIOLATION = "ConfirmNoViolation"
    REJECT_FINDING = "RejectFinding"
    IMPOSE_WARNING = "ImposeWarning"
    PROPOSE_MEASURE = "ProposeMeasure"
    CONFIRM_MEASURE = "ConfirmMeasure"
    REJECT_FIRST_MEASURE = "RejectFirstMeasure"
    REJECT_ESCALATION = "RejectEscalation"
    CLOSE = "Close"


class LicenseStep(StrEnum):
    """A step of a license."""

    SUSPEND = "Suspend"
    REVOKE = "Revoke"
    PROPOSE_REINSTATEMENT = "ProposeReinstatement"
    CONFIRM_REINSTATEMENT = "ConfirmReinstatement"
    REJECT_REINSTATEMENT = "RejectReinstatement"


CASE_TRANSITIONS: Final[Mapping[ViolationState, Mapping[CaseStep, ViolationState]]] = {
    ViolationState.REPORTED: {
        CaseStep.PROPOSE_FINDING: ViolationState.FINDING_PROPOSED,
    },
    ViolationState.FINDING_PROPOSED: {
        CaseStep.CONFIRM_VIOLATION: ViolationState.FOUND,
        CaseStep.CONFIRM_NO_VIOLATION: ViolationState.NOT_FOUND,
        CaseStep.REJECT_FINDING: ViolationState.REPORTED,
    },
    ViolationState.FOUND: {
        CaseStep.IMPOSE_WARNING: ViolationState.MEASURED,
        CaseStep.PROPOSE_MEASURE: ViolationState.MEASURE_PROPOSED,
    },
    ViolationState.NOT_FOUND: {},
    ViolationState.MEASURE_PROPOSED: {
        CaseStep.CONFIRM_MEASURE: ViolationState.MEASURED,
        CaseStep.REJECT_FIRST_MEASURE: ViolationState.FOUND,
        # A measure was in force before the proposal and stays in force.
        CaseStep.REJECT_ESCALATION: ViolationState.MEASURED,
    },
    ViolationState.MEASURED: {
        # Escalation: a suspension after a warning, a revocation after a suspension.
        CaseStep.PROPOSE_MEASURE: ViolationState.MEASURE_PROPOSED,
        # By the reinstatement of the license that this case suspended.
        CaseStep.CLOSE: ViolationState.CLOSED,
    },
    ViolationState.CLOSED: {},
}

LICENSE_TRANSITIONS: Final[Mapping[LicenseState, Mapping[LicenseStep, LicenseState]]] = {
    LicenseState.ACTIVE: {
        LicenseStep.SUSPEND: LicenseState.SUSPENDED,
        LicenseStep.REVOKE: LicenseState.REVOKED,
    },
    LicenseState.SUSPENDED: {
        LicenseStep.PROPOSE_REINSTATEMENT: LicenseState.REINSTATEMENT_PROPOSED,
        LicenseStep.REVOKE: LicenseState.REVOKED,
    },
    LicenseState.REINSTATEMENT_PROPOSED: {
        LicenseStep.CONFIRM_REINSTATEMENT: LicenseState.ACTIVE,
        LicenseStep.REJECT_REINSTATEMENT: LicenseState.SUSPENDED,
        LicenseStep.REVOKE: LicenseState.REVOKED,
    },
    LicenseState.REVOKED: {},  # final: after a successful appeal a new license is issued
}

_METHODS: Final[Mapping[CaseStep, str]] = {
    CaseStep.CONFIRM_VIOLATION: "ConfirmFinding",
    CaseStep.CONFIRM_NO_VIOLATION: "ConfirmFinding",
    CaseStep.REJECT_FIRST_MEASURE: "RejectMeasure",
    CaseStep.REJECT_ESCALATION: "RejectMeasure",
    # Not a method on the case, but the consequence of one on its license.
    CaseStep.CLOSE: "ConfirmReinstatement",
}


def method_of(step: CaseStep | LicenseStep) -> str:
    """Returns the name of the RPC that takes this step; for Suspend and Revoke the step's name."""
    return _METHODS.get(step, step.value) if isinstance(step, CaseStep) else step.value


def step_case(state: ViolationState, step: CaseStep) -> ViolationState | Refusal:
    """Returns the state of a case after the step, or WRONG_STATE."""
    allowed = CASE_TRANSITIONS[state]
    return allowed.get(step) or _wrong_state("case", state, step, allowed)


def step_license(state: LicenseState, step: LicenseStep) -> LicenseState | Refusal:
    """Returns the state of a license after the step, or WRONG_STATE."""
    allowed = LICENSE_TRANSITIONS[state]
    return allowed.get(step) or _wrong_state("license", state, step, allowed)


def confirmation_step(*, is_violation: bool) -> CaseStep:
    """Returns the step by which a finding of this content is confirmed."""
    return CaseStep.CONFIRM_VIOLATION if is_violation else CaseStep.CONFIRM_NO_VIOLATION


def rejection_step(*, has_earlier_measure: bool) -> CaseStep:
    """Returns the step by which a measure is rejected in a case with or without earlier measure."""
    return CaseStep.REJECT_ESCALATION if has_earlier_measure else CaseStep.REJECT_FIRST_MEASURE


def _wrong_state(
    subject: str,
    state: StrEnum,
    step: CaseStep | LicenseStep,
    allowed: Iterable[CaseStep] | Iterable[LicenseStep],
) -> Refusal:
    method = method_of(step)
    return Refusal(
        Kind.PRECONDITION,
        Reason.WRONG_STATE,
        f"{method} is not possible: the {subject} is {state}",
        {
            "state": state,
            "command": method,
            "allowedCommands": ",".join(dict.fromkeys(map(method_of, allowed))),
        },
    )
