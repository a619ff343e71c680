"""The lifecycles of a license and of a violation case: two tables and the functions that read them.

Everything that a table does not list is refused. Tests and diagrams are derived from the tables.
The rights of officers are decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

from services.enforcement.core import commands as c
from services.enforcement.core import events as e
from services.enforcement.core.errors import ImpossibleEventError, Kind, Reason, Refusal
from services.enforcement.core.model import LicenseState, ViolationState

LICENSE_TRANSITIONS: Final[Mapping[LicenseState | None, Mapping[type[e.Event], LicenseState]]] = {
    None: {
        e.LicenseRegistered: LicenseState.ACTIVE,
        # The event of the license comes on another topic, and may come later.
        e.ListMatchRecorded: LicenseState.UNREGISTERED,
    },
    LicenseState.UNREGISTERED: {
        e.ListMatchRecorded: LicenseState.UNREGISTERED,
        e.ListMatchSettled: LicenseState.UNREGISTERED,
        e.LicenseRegistered: LicenseState.ACTIVE,
        # In the decision that registers the license, if a match is open.
        e.LicenseSuspended: LicenseState.SUSPENDED,
    },
    LicenseState.ACTIVE: {
        e.LicenseSuspended: LicenseState.SUSPENDED,
        e.LicenseRevoked: LicenseState.REVOKED,
    },
    LicenseState.SUSPENDED: {
        e.ReinstatementProposed: LicenseState.REINSTATEMENT_PROPOSED,
        e.LicenseRevoked: LicenseState.REVOKED,
    },
    LicenseState.REINSTATEMENT_PROPOSED: {
        e.ReinstatementRejected: LicenseState.SUSPENDED,
        e.LicenseReinstated: LicenseState.ACTIVE,
        e.LicenseRevoked: LicenseState.REVOKED,
    },
    # Final: after a successful appeal a new license is issued.
    LicenseState.REVOKED: {},
}
"""The state of a license after an event. None is the state before the first event.

After the registration, events about cases and list matches, and StandingChanged, leave the state of
the license as it is.
"""

VIOLATION_TRANSITIONS: Final[
    Mapping[ViolationState | None, Mapping[type[e.Event], frozenset[ViolationState]]]
] = {
    None: {e.ConductReported: frozenset({ViolationState.REPORTED})},
    ViolationState.REPORTED: {
        e.ConductReported: frozenset({ViolationState.REPORTED}),
        e.FindingProposed: frozenset({ViolationState.FINDING_PROPOSED}),
    },
    ViolationState.FINDING_PROPOSED: {
        e.ConductReported: frozenset({ViolationState.FINDING_PROPOSED}),
        e.FindingConfirmed: frozenset({ViolationState.FOUND, ViolationState.NOT_FOUND}),
        e.FindingRejected: frozenset({ViolationState.REPORTED}),
    },
    ViolationState.FOUND: {
        e.ConductReported: frozenset({ViolationState.FOUND}),
        e.MeasureProposed: frozenset({ViolationState.MEASURE_PROPOSED}),
        # A warning, which needs no second officer.
        e.MeasureImposed: frozenset({ViolationState.MEASURED}),
    },
    ViolationState.NOT_FOUND: {},
    ViolationState.MEASURE_PROPOSED: {
        e.ConductReported: frozenset({ViolationState.MEASURE_PROPOSED}),
        e.MeasureImposed: frozenset({ViolationState.MEASURED}),
        # MEASURED if a measure was in force before the rejected one; it stays in force.
        e.MeasureRejected: frozenset({ViolationState.FOUND, ViolationState.MEASURED}),
    },
    ViolationState.MEASURED: {
        # Escalation: a suspension after a warning, a revocation after a suspension.
        e.MeasureProposed: frozenset({ViolationState.MEASURE_PROPOSED}),
        # The case whose suspension ends.
        e.LicenseReinstated: frozenset({ViolationState.CLOSED}),
    },
    ViolationState.CLOSED: {},
}
"""The states that an event may bring a case to. None is the state before the first report.

Conduct that is reported after a case was decided opens a new case.
"""

VIOLATION_COMMANDS: Final[Mapping[type[c.CaseCommand], type[e.Event]]] = {
    c.ProposeFinding: e.FindingProposed,
    c.ConfirmFinding: e.FindingConfirmed,
    c.RejectFinding: e.FindingRejected,
    c.ImposeWarning: e.MeasureImposed,
    c.ProposeMeasure: e.MeasureProposed,
    c.ConfirmMeasure: e.MeasureImposed,
    c.RejectMeasure: e.MeasureRejected,
}
"""The event that an officer's command on a case causes. The commands are named as their RPCs."""

LICENSE_COMMANDS: Final[Mapping[type[c.ReinstatementCommand], type[e.Event]]] = {
    c.ProposeReinstatement: e.ReinstatementProposed,
    c.ConfirmReinstatement: e.LicenseReinstated,
    c.RejectReinstatement: e.ReinstatementRejected,
}
"""The event that an officer's command on a license causes. The commands are named as their RPCs."""

_PENDING: Final = frozenset({ViolationState.FINDING_PROPOSED, ViolationState.MEASURE_PROPOSED})
_ANSWERS: Final = frozenset({c.ConfirmFinding, c.RejectFinding, c.ConfirmMeasure, c.RejectMeasure})


def fits_case(state: ViolationState, command: type[c.CaseCommand]) -> bool:
    """Returns True if the table allows the command on a case in this state.

    MeasureImposed is the event of a warning and of a confirmation. So an answer fits only while a
    proposal is pending, and every other command only while none is.
    """
    is_allowed = VIOLATION_COMMANDS[command] in VIOLATION_TRANSITIONS[state]
    return is_allowed and (command in _ANSWERS) == (state in _PENDING)


def fits_license(state: LicenseState, event: type[e.Event]) -> bool:
    """Returns True if the table allows the event for a license in this state."""
    return event in LICENSE_TRANSITIONS[state]


def next_license_state(state: LicenseState | None, event: e.Event) -> LicenseState:
    """Returns the state of the license after the event. Raises ImpossibleEventError."""
    try:
        return LICENSE_TRANSITIONS[state][type(event)]
    except KeyError:
        raise ImpossibleEventError(f"{type(event).__name__} of a license that is {state}") from None


def next_violation_state(
    state: ViolationState | None, event: e.Event, target: ViolationState
) -> ViolationState:
    """Returns `target`, the state after the event. Raises ImpossibleEventError."""
    if target not in VIOLATION_TRANSITIONS[state].get(type(event), ()):
        raise ImpossibleEventError(f"{type(event).__name__} to {target} of a case that is {state}")
    return target


def wrong_case_state(state: ViolationState, command: c.CaseCommand) -> Refusal:
    """Returns WRONG_STATE with the RPCs that officers may call on the case instead."""
    allowed = (each.__name__ for each in VIOLATION_COMMANDS if fits_case(state, each))
    return _wrong_state("case", state, command, allowed)


def wrong_license_state(state: LicenseState, command: c.OfficerCommand) -> Refusal:
    """Returns WRONG_STATE with the RPCs that officers may call on the license instead."""
    allowed = (
        each.__name__ for each, event in LICENSE_COMMANDS.items() if fits_license(state, event)
    )
    return _wrong_state("license", state, command, allowed)


def _wrong_state(
    subject: str, state: StrEnum, command: c.OfficerCommand, allowed: Iterable[str]
) -> Refusal:
    name = type(command).__name__
    return Refusal(
        Kind.PRECONDITION,
        Reason.WRONG_STATE,
        f"{name} is not possible: the {subject} is {state}",
        {"state": state, "command": name, "allowedCommands": ",".join(allowed)},
    )
