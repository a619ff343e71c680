"""The lifecycles of an application at screening and of a hit: two tables and their readers.

What a table does not list is refused. Tests and diagrams are derived from the tables.
Knows no guards: who may judge a hit is decided in `cases.verdicts`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from services.screening.core.commands import (
    AdjudicateHit,
    Command,
    ConfirmClearing,
    RejectClearing,
    WithdrawVerdict,
)
from services.screening.core.errors import Kind, Reason, Refusal
from services.screening.core.events import (
    Event,
    HitAdjudicated,
    HitClearingProposed,
    HitClearingRejected,
    LicenseMonitored,
    MonitoringEnded,
    PartyListed,
    ScreeningCompleted,
    VerdictWithdrawn,
)
from services.screening.core.records import HitState


class ScreenedState(StrEnum):
    """State of an application at screening. Before its first screening it has no stream.

    SCREENED: it is open. LICENSED: a license was issued. CLOSED: application and license ended.
    """

    SCREENED = "SCREENED"
    LICENSED = "LICENSED"
    CLOSED = "CLOSED"


MONITORED: Final = (ScreenedState.SCREENED, ScreenedState.LICENSED)
"""States in which the parties are compared with new list versions."""

TRANSITIONS: Final[Mapping[ScreenedState | None, Mapping[type[Event], ScreenedState]]] = {
    None: {ScreeningCompleted: ScreenedState.SCREENED},
    ScreenedState.SCREENED: {
        ScreeningCompleted: ScreenedState.SCREENED,
        PartyListed: ScreenedState.SCREENED,
        HitClearingProposed: ScreenedState.SCREENED,
        HitClearingRejected: ScreenedState.SCREENED,
        HitAdjudicated: ScreenedState.SCREENED,
        VerdictWithdrawn: ScreenedState.SCREENED,
        LicenseMonitored: ScreenedState.LICENSED,
        MonitoringEnded: ScreenedState.CLOSED,
    },
    ScreenedState.LICENSED: {
        ScreeningCompleted: ScreenedState.LICENSED,
        PartyListed: ScreenedState.LICENSED,
        HitClearingProposed: ScreenedState.LICENSED,
        HitClearingRejected: ScreenedState.LICENSED,
        HitAdjudicated: ScreenedState.LICENSED,
        VerdictWithdrawn: ScreenedState.LICENSED,
        MonitoringEnded: ScreenedState.CLOSED,
    },
    # Hits of a closed application can still be judged: the verdict applies when the party comes
    # back in another application.
    ScreenedState.CLOSED: {
        HitClearingProposed: ScreenedState.CLOSED,
        HitClearingRejected: ScreenedState.CLOSED,
        HitAdjudicated: ScreenedState.CLOSED,
        VerdictWithdrawn: ScreenedState.CLOSED,
    },
}


HIT_TRANSITIONS: Final[Mapping[HitState, Mapping[type[Event], frozenset[HitState]]]] = {
    HitState.OPEN: {
        HitClearingProposed: frozenset({HitState.CLEARING_PROPOSED}),
        HitAdjudicated: frozenset({HitState.FALSE_POSITIVE, HitState.CONFIRMED}),
        ScreeningCompleted: frozenset({HitState.SUPERSEDED}),
    },
    HitState.CLEARING_PROPOSED: {
        HitClearingRejected: frozenset({HitState.OPEN}),
        # FALSE_POSITIVE by a second officer here, or by two officers on the same pair elsewhere.
        HitAdjudicated: frozenset({HitState.FALSE_POSITIVE, HitState.CONFIRMED}),
        ScreeningCompleted: frozenset({HitState.SUPERSEDED}),
    },
    # For this party and this entry as they are; a change of either makes a new hit. If one has
    # changed since, a withdrawn verdict leaves nothing to judge.
    HitState.FALSE_POSITIVE: {
        VerdictWithdrawn: frozenset({HitState.OPEN, HitState.SUPERSEDED}),
    },
    HitState.CONFIRMED: {
        VerdictWithdrawn: frozenset({HitState.OPEN, HitState.SUPERSEDED}),
    },
    HitState.SUPERSEDED: {},
}
"""The states that an event may bring a hit to. HitAdjudicated names its own.

ScreeningCompleted supersedes the hits whose party or entry changed, and leaves all others alone.
"""

UNDECIDED: Final = frozenset({HitState.OPEN, HitState.CLEARING_PROPOSED})
"""States in which the entry may be the party."""

DECIDED: Final = frozenset({HitState.FALSE_POSITIVE, HitState.CONFIRMED})
"""States in which a verdict is in force."""

STANDING: Final = UNDECIDED | {HitState.CONFIRMED}
"""States in which the entry may be, or is, the party."""

HIT_COMMANDS: Final[Mapping[type[Command], frozenset[type[Event]]]] = {
    AdjudicateHit: frozenset({HitClearingProposed, HitAdjudicated}),
    ConfirmClearing: frozenset({HitAdjudicated}),
    RejectClearing: frozenset({HitClearingRejected}),
    WithdrawVerdict: frozenset({VerdictWithdrawn}),
}
"""The events that an officer's command on a hit may cause. The commands are named as their RPCs."""


class ImpossibleEvent(AssertionError):  # noqa: N818 - a defect of this service, no error of a caller
    """An event that a table does not allow in the present state."""


def fits(state: ScreenedState | None, event: type[Event]) -> bool:
    """Returns True if the table allows the event in this state."""
    return event in TRANSITIONS[state]


def next_state(state: ScreenedState | None, event: Event) -> ScreenedState:
    """Returns the state of the application after the event. Raises ImpossibleEvent."""
    try:
        return TRANSITIONS[state][type(event)]
    except KeyError:
        raise ImpossibleEvent(f"{type(event).__name__} in {state}") from None


def next_hit_state(state: HitState, event: Event, target: HitState) -> HitState:
    """Returns `target`, the state that the event brings the hit to. Raises ImpossibleEvent."""
    if target not in HIT_TRANSITIONS[state].get(type(event), ()):
        raise ImpossibleEvent(f"{type(event).__name__} to {target} of a hit that is {state}")
    return target


def allowed_commands(state: HitState) -> tuple[str, ...]:
    """Returns the names of the RPCs that officers may call on a hit in this state."""
    allowed = HIT_TRANSITIONS[state].keys()
    return tuple(
        command.__name__
        for command, events in HIT_COMMANDS.items()
        if not allowed.isdisjoint(events)
        # Without a pending proposal there is nothing to confirm.
        and (command is not ConfirmClearing or state is HitState.CLEARING_PROPOSED)
    )


def wrong_state(state: HitState, command: Command) -> Refusal:
    """Returns WRONG_STATE with the RPCs that officers may call instead."""
    name = type(command).__name__
    allowed = allowed_commands(state)
    metadata = {"state": str(state), "command": name, "allowedCommands": ",".join(allowed)}
    message = f"{name} is not possible for a hit in state {state}"
    if state is HitState.CLEARING_PROPOSED:
        message = f"{message}: another officer must confirm or reject the pending proposal"
    return Refusal(Kind.PRECONDITION, Reason.WRONG_STATE, message, metadata)
