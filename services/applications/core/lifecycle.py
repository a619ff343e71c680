"""The lifecycles of an application and of its license record: two tables and their readers.

Everything that a table does not list is refused. The tests, the pages in `docs/lifecycles/` and
the commands that a caller is offered are derived from the tables. Rights and further conditions
are decided in `decide` and in the modules it calls.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from services.applications.core.commands import (
    AcceptCode,
    Command,
    ConcludeScreening,
    Countersign,
    Due,
    FollowStanding,
    Recommend,
    RejectRecommendation,
    ReviseScreening,
    Submit,
    Withdraw,
)
from services.applications.core.errors import Kind, Reason, Refusal
from services.applications.core.events import (
    ApplicationApproved,
    ApplicationDenied,
    ApplicationLapsed,
    ApplicationReferred,
    ApplicationSubmitted,
    ApplicationWithdrawn,
    DecisionRecommended,
    DenialIntended,
    Event,
    LicenseExpired,
    LicenseIssued,
    LicenseRecordChanged,
    RecommendationCountersigned,
    RecommendationRejected,
    ScreeningRevised,
)
from services.applications.core.model import ApplicationState as State
from services.applications.core.model import LicenseState

TRANSITIONS: Final[Mapping[State | None, Mapping[type[Event], State]]] = {
    None: {ApplicationSubmitted: State.SCREENING},
    State.SCREENING: {
        ApplicationReferred: State.UNDER_REVIEW,
        DenialIntended: State.INTENT_TO_DENY,
        ApplicationApproved: State.AWAITING_SIGNATURE,
        ApplicationWithdrawn: State.WITHDRAWN,
    },
    State.UNDER_REVIEW: {
        ScreeningRevised: State.UNDER_REVIEW,
        DenialIntended: State.INTENT_TO_DENY,
        DecisionRecommended: State.PENDING_COUNTERSIGN,
        ApplicationWithdrawn: State.WITHDRAWN,
    },
    State.INTENT_TO_DENY: {
        ScreeningRevised: State.UNDER_REVIEW,
        DenialIntended: State.INTENT_TO_DENY,
        DecisionRecommended: State.PENDING_COUNTERSIGN,
        ApplicationWithdrawn: State.WITHDRAWN,
    },
    State.PENDING_COUNTERSIGN: {
        # The recommendation rests on findings that are out of date.
        ScreeningRevised: State.UNDER_REVIEW,
        DenialIntended: State.INTENT_TO_DENY,
        RecommendationCountersigned: State.PENDING_COUNTERSIGN,
        RecommendationRejected: State.UNDER_REVIEW,
        ApplicationApproved: State.AWAITING_SIGNATURE,
        ApplicationDenied: State.DENIED,
        ApplicationWithdrawn: State.WITHDRAWN,
    },
    State.AWAITING_SIGNATURE: {
        # A list matched a party after the approval. Officers review the case before anybody signs.
        ScreeningRevised: State.UNDER_REVIEW,
        DenialIntended: State.INTENT_TO_DENY,
        LicenseIssued: State.APPROVED,
        ApplicationLapsed: State.LAPSED,
    },
    State.APPROVED: {
        LicenseRecordChanged: State.APPROVED,
        LicenseExpired: State.APPROVED,
    },
    State.DENIED: {},
    State.WITHDRAWN: {},
    State.LAPSED: {},
}
"""The state of an application after an event. None is the state before the first event."""

LICENSE_TRANSITIONS: Final[Mapping[LicenseState, Mapping[type[Event], frozenset[LicenseState]]]] = {
    LicenseState.ACTIVE: {
        LicenseRecordChanged: frozenset(
            {
                # A reinstatement that overtook its suspension. It raises the standing's version, so
                # that the suspension is dropped when it arrives.
                LicenseState.ACTIVE,
                LicenseState.SUSPENDED,
                LicenseState.REVOKED,
            }
        ),
        LicenseExpired: frozenset({LicenseState.EXPIRED}),
    },
    LicenseState.SUSPENDED: {
        LicenseRecordChanged: frozenset(
            {
                LicenseState.ACTIVE,
                # A second suspension that overtook the reinstatement in between.
                LicenseState.SUSPENDED,
                LicenseState.REVOKED,
            }
        ),
        LicenseExpired: frozenset({LicenseState.EXPIRED}),
    },
    LicenseState.REVOKED: {},
    LicenseState.EXPIRED: {},
}
"""The states that a license record may have after an event. LicenseRecordChanged names its own."""

COMMAND_EVENTS: Final[Mapping[type[Command], frozenset[type[Event]]]] = {
    Submit: frozenset({ApplicationSubmitted}),
    ConcludeScreening: frozenset({ApplicationReferred}),
    ReviseScreening: frozenset({ScreeningRevised}),
    Withdraw: frozenset({ApplicationWithdrawn}),
    AcceptCode: frozenset({LicenseIssued}),
    Recommend: frozenset({DecisionRecommended}),
    Countersign: frozenset({RecommendationCountersigned}),
    RejectRecommendation: frozenset({RecommendationRejected}),
    FollowStanding: frozenset({LicenseRecordChanged}),
    Due: frozenset({ApplicationLapsed, LicenseExpired}),
}
"""The events that only this command causes. A state that has one of them accepts the command."""

PARTNER_METHODS: Final[Mapping[type[Command], str]] = {
    Submit: "SubmitApplication",
    Withdraw: "WithdrawApplication",
    AcceptCode: "AcceptConductCode",
}
"""The commands of partners, with the names of their methods."""

OFFICER_METHODS: Final[Mapping[type[Command], str]] = {
    Recommend: "RecommendDecision",
    Countersign: "CountersignDecision",
    RejectRecommendation: "RejectRecommendation",
}
"""The commands of officers, with the names of their methods."""

METHODS: Final[Mapping[type[Command], str]] = {**PARTNER_METHODS, **OFFICER_METHODS}
"""All commands that a caller can give. The others come from consumed events and timers."""


class ImpossibleEvent(Exception):  # noqa: N818 - a defect of this service, no error of a caller
    """An event that the tables do not allow in the current state."""


def fits(state: State | None, command: type[Command]) -> bool:
    """Returns True if the table accepts the command in this state."""
    return any(event in TRANSITIONS[state] for event in COMMAND_EVENTS[command])


def allowed_commands(state: State | None, methods: Mapping[type[Command], str]) -> tuple[str, ...]:
    """Returns the names of the methods that the state accepts, in the order of `methods`."""
    return tuple(name for command, name in methods.items() if fits(state, command))


def next_state(state: State | None, event: Event) -> State:
    """Returns the state of the application after the event. Raises ImpossibleEvent."""
    try:
        return TRANSITIONS[state][type(event)]
    except KeyError:
        raise ImpossibleEvent(f"{type(event).__name__} in {state}") from None


def next_license_state(
    state: LicenseState, event: LicenseRecordChanged | LicenseExpired
) -> LicenseState:
    """Returns the state of the license record after the event. Raises ImpossibleEvent."""
    target = event.state if isinstance(event, LicenseRecordChanged) else LicenseState.EXPIRED
    if target not in LICENSE_TRANSITIONS[state].get(type(event), ()):
        raise ImpossibleEvent(f"{type(event).__name__} to {target} of a license that is {state}")
    return target


def wrong_state(state: State | LicenseState, command: Command) -> Refusal:
    """Returns WRONG_STATE with the commands that the same kind of caller may give instead."""
    name = METHODS.get(type(command), type(command).__name__)
    methods = PARTNER_METHODS if type(command) in PARTNER_METHODS else OFFICER_METHODS
    allowed = allowed_commands(state, methods) if isinstance(state, State) else ()
    metadata = {"state": str(state), "command": name, "allowedCommands": ",".join(allowed)}
    message = f"{name} is not possible in state {state}"
    return Refusal(Kind.PRECONDITION, Reason.WRONG_STATE, message, metadata)
