"""The lifecycles of an application and of its license record: two tables and the functions that read them.

Everything not listed is refused. Tests, diagrams and the commands shown to a caller are derived from here.
Knows no guards: who may act, and when, stands in `decide`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from services.applications.core.commands import (
    AcceptCode,
    Command,
    ConcludeScreening,
    Countersign,
    Due,
    FollowStanding,
    Recommend,
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

APPLICATION_TRANSITIONS: Final[Mapping[State | None, Mapping[type[Event], State]]] = {
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
        # What was recommended rested on other findings.
        ScreeningRevised: State.UNDER_REVIEW,
        DenialIntended: State.INTENT_TO_DENY,
        RecommendationCountersigned: State.PENDING_COUNTERSIGN,
        RecommendationRejected: State.UNDER_REVIEW,
        ApplicationApproved: State.AWAITING_SIGNATURE,
        ApplicationDenied: State.DENIED,
        ApplicationWithdrawn: State.WITHDRAWN,
    },
    State.AWAITING_SIGNATURE: {
        # A list named a party after the approval: officers look again before anybody signs.
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


class LicenseStep(StrEnum):
    """What can happen to a license record."""

    SUSPEND = "SUSPEND"
    REVOKE = "REVOKE"
    REINSTATE = "REINSTATE"
    EXPIRE = "EXPIRE"


LICENSE_TRANSITIONS: Final[Mapping[LicenseState, Mapping[LicenseStep, LicenseState]]] = {
    LicenseState.ACTIVE: {
        LicenseStep.SUSPEND: LicenseState.SUSPENDED,
        LicenseStep.REVOKE: LicenseState.REVOKED,
        # Heard before its suspension: only the standing's version rises, and fences the suspension.
        LicenseStep.REINSTATE: LicenseState.ACTIVE,
        LicenseStep.EXPIRE: LicenseState.EXPIRED,
    },
    LicenseState.SUSPENDED: {
        # Suspended again after a reinstatement that was not heard yet: the same.
        LicenseStep.SUSPEND: LicenseState.SUSPENDED,
        LicenseStep.REVOKE: LicenseState.REVOKED,
        LicenseStep.REINSTATE: LicenseState.ACTIVE,
        LicenseStep.EXPIRE: LicenseState.EXPIRED,
    },
    LicenseState.REVOKED: {},
    LicenseState.EXPIRED: {},
}

STEP_TO: Final[Mapping[LicenseState, LicenseStep]] = {
    LicenseState.SUSPENDED: LicenseStep.SUSPEND,
    LicenseState.REVOKED: LicenseStep.REVOKE,
    LicenseState.ACTIVE: LicenseStep.REINSTATE,
    LicenseState.EXPIRED: LicenseStep.EXPIRE,
}
"""The step by which a record comes to stand there."""

OUTCOMES: Final[Mapping[type[Command], frozenset[type[Event]]]] = {
    Submit: frozenset({ApplicationSubmitted}),
    ConcludeScreening: frozenset({ApplicationReferred}),
    ReviseScreening: frozenset({ScreeningRevised}),
    Withdraw: frozenset({ApplicationWithdrawn}),
    AcceptCode: frozenset({LicenseIssued}),
    Recommend: frozenset({DecisionRecommended}),
    Countersign: frozenset({RecommendationCountersigned, RecommendationRejected}),
    FollowStanding: frozenset({LicenseRecordChanged}),
    Due: frozenset({ApplicationLapsed, LicenseExpired}),
}
"""Events of a command that no other command causes: where one of them fits, the command does."""

METHODS: Final[Mapping[type[Command], str]] = {
    Submit: "SubmitApplication",
    Withdraw: "WithdrawApplication",
    AcceptCode: "AcceptConductCode",
    Recommend: "RecommendDecision",
    Countersign: "CountersignDecision",
}
"""Commands that a caller can give, under the names of their methods; the others are facts and timers."""


class ImpossibleEvent(Exception):  # noqa: N818 - no error of a caller: a promise of this service is broken
    """An event that the tables do not allow where the application stands."""


def fits(state: State | None, command: type[Command]) -> bool:
    """True: the table has a place for the command in this state."""
    return any(event in APPLICATION_TRANSITIONS[state] for event in OUTCOMES[command])


def allowed_commands(state: State | None) -> tuple[str, ...]:
    """Names of the methods that a caller may call in this state."""
    return tuple(name for command, name in METHODS.items() if fits(state, command))


def next_state(state: State | None, event: Event) -> State:
    """Where the application stands after the event. Raises ImpossibleEvent."""
    try:
        return APPLICATION_TRANSITIONS[state][type(event)]
    except KeyError:
        raise ImpossibleEvent(f"{type(event).__name__} in {state}") from None


def next_license_state(state: LicenseState, step: LicenseStep) -> LicenseState:
    """Where the license record stands after the step. Raises ImpossibleEvent."""
    try:
        return LICENSE_TRANSITIONS[state][step]
    except KeyError:
        raise ImpossibleEvent(f"{step} of a license that is {state}") from None


def wrong_state(state: State | LicenseState, command: Command) -> Refusal:
    """The refusal of a command that the tables have no place for."""
    name = METHODS.get(type(command), type(command).__name__)
    allowed = allowed_commands(state) if isinstance(state, State) else ()
    metadata = {"state": str(state), "command": name, "allowedCommands": ",".join(allowed)}
    return Refusal(
        Kind.PRECONDITION, Reason.WRONG_STATE, f"{name} does not fit the state {state}", metadata
    )
