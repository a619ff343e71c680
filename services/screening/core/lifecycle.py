"""The lifecycles of an application at screening and of a hit: two tables and the functions that read them.

What a table does not list is refused. Tests and diagrams are derived from the tables.
Knows no guards: who may judge a hit is decided in `cases.verdicts`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from services.screening.core.errors import Kind, Reason, Refusal
from services.screening.core.events import (
    Event,
    HitAdjudicated,
    HitClearingProposed,
    LicenseMonitored,
    MonitoringEnded,
    PartyListed,
    ScreeningCompleted,
)
from services.screening.core.records import HitState, HitVerdict


class ScreenedState(StrEnum):
    """State of an application at screening. Before its first screening it has no stream.

    SCREENED: it is open. LICENSED: a license was issued. CLOSED: application and license ended.
    """

    SCREENED = "SCREENED"
    LICENSED = "LICENSED"
    CLOSED = "CLOSED"


MONITORED: Final = (ScreenedState.SCREENED, ScreenedState.LICENSED)
"""States in which the parties are compared with new list versions."""

APPLICATION_TRANSITIONS: Final[
    Mapping[ScreenedState | None, Mapping[type[Event], ScreenedState]]
] = {
    None: {ScreeningCompleted: ScreenedState.SCREENED},
    ScreenedState.SCREENED: {
        ScreeningCompleted: ScreenedState.SCREENED,
        PartyListed: ScreenedState.SCREENED,
        HitClearingProposed: ScreenedState.SCREENED,
        HitAdjudicated: ScreenedState.SCREENED,
        LicenseMonitored: ScreenedState.LICENSED,
        MonitoringEnded: ScreenedState.CLOSED,
    },
    ScreenedState.LICENSED: {
        ScreeningCompleted: ScreenedState.LICENSED,
        PartyListed: ScreenedState.LICENSED,
        HitClearingProposed: ScreenedState.LICENSED,
        HitAdjudicated: ScreenedState.LICENSED,
        MonitoringEnded: ScreenedState.CLOSED,
    },
    # Hits of a closed application can still be judged: the verdict applies when the party comes
    # back in another application.
    ScreenedState.CLOSED: {
        HitClearingProposed: ScreenedState.CLOSED,
        HitAdjudicated: ScreenedState.CLOSED,
    },
}


class HitStep(StrEnum):
    """A step of a hit. Clearing an EXACT hit takes two steps, by two officers."""

    CLEAR = "Clear"
    PROPOSE_CLEARING = "ProposeClearing"
    CONFIRM_CLEARING = "ConfirmClearing"
    CONFIRM_MATCH = "ConfirmMatch"
    SUPERSEDE = "Supersede"


HIT_TRANSITIONS: Final[Mapping[HitState, Mapping[HitStep, HitState]]] = {
    HitState.OPEN: {
        HitStep.CLEAR: HitState.FALSE_POSITIVE,
        HitStep.PROPOSE_CLEARING: HitState.CLEARING_PROPOSED,
        HitStep.CONFIRM_MATCH: HitState.CONFIRMED,
        HitStep.SUPERSEDE: HitState.SUPERSEDED,
    },
    HitState.CLEARING_PROPOSED: {
        # Two officers cleared the same pair of party and entry in another application.
        HitStep.CLEAR: HitState.FALSE_POSITIVE,
        HitStep.CONFIRM_CLEARING: HitState.FALSE_POSITIVE,
        HitStep.CONFIRM_MATCH: HitState.CONFIRMED,
        HitStep.SUPERSEDE: HitState.SUPERSEDED,
    },
    # Final for this party and this entry as they are; a change of either makes a new hit.
    HitState.FALSE_POSITIVE: {},
    HitState.CONFIRMED: {},
    HitState.SUPERSEDED: {},
}

STEP_OF: Final[Mapping[HitVerdict, HitStep]] = {
    HitVerdict.CONFIRMED: HitStep.CONFIRM_MATCH,
    HitVerdict.FALSE_POSITIVE: HitStep.CLEAR,
}
"""The step by which a recorded verdict decides a hit."""

UNDECIDED: Final = frozenset({HitState.OPEN, HitState.CLEARING_PROPOSED})
"""States in which the entry may be the party."""

STANDING: Final = UNDECIDED | {HitState.CONFIRMED}
"""States in which the entry may be, or is, the party."""


class ImpossibleEvent(AssertionError):  # noqa: N818 - a broken promise of this service, no error of a caller
    """An event that a table does not allow in the present state."""


def fits(state: ScreenedState | None, event: type[Event]) -> bool:
    """Returns True if the table allows the event in this state."""
    return event in APPLICATION_TRANSITIONS[state]


def next_state(state: ScreenedState | None, event: Event) -> ScreenedState:
    """Returns the state of the application after the event. Raises ImpossibleEvent."""
    try:
        return APPLICATION_TRANSITIONS[state][type(event)]
    except KeyError:
        raise ImpossibleEvent(f"{type(event).__name__} in {state}") from None


def next_hit_state(state: HitState, step: HitStep) -> HitState:
    """Returns the state of the hit after the step. Raises ImpossibleEvent."""
    try:
        return HIT_TRANSITIONS[state][step]
    except KeyError:
        raise ImpossibleEvent(f"{step} of a hit that is {state}") from None


def wrong_state(state: HitState, step: HitStep) -> Refusal | None:
    """Returns the refusal of a step that the table does not allow in this state, else None."""
    allowed = HIT_TRANSITIONS[state]
    if step in allowed:
        return None
    metadata = {"state": str(state), "command": str(step), "allowedCommands": ",".join(allowed)}
    message = f"{step} does not fit a hit in state {state}"
    return Refusal(Kind.PRECONDITION, Reason.WRONG_STATE, message, metadata)
