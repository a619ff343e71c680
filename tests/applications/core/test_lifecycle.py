from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import get_args

import pytest

from services.applications.core.commands import (
    AcceptCode,
    Command,
    Due,
    RevisionCause,
    Submit,
    Withdraw,
)
from services.applications.core.decide import decide
from services.applications.core.errors import Reason, Refusal
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
from services.applications.core.evolve import evolve
from services.applications.core.lifecycle import (
    COMMAND_EVENTS,
    LICENSE_TRANSITIONS,
    METHODS,
    OFFICER_METHODS,
    PARTNER_METHODS,
    TRANSITIONS,
    ImpossibleEvent,
    allowed_commands,
    fits,
    next_license_state,
)
from services.applications.core.model import (
    ApplicationState,
    Countersignature,
    LicenseState,
    RuleEffect,
)
from tests.applications import builders as b

EVENTS = get_args(Event)
COMMANDS = get_args(Command)
STATES = [*ApplicationState]
MISSING = [(s, e) for s in STATES for e in EVENTS if e not in TRANSITIONS[s]]
PRESENT = [(s, e) for s in STATES for e in EVENTS if e in TRANSITIONS[s]]
RECORD_EVENTS: list[LicenseRecordChanged | LicenseExpired] = [
    *(
        LicenseRecordChanged(b.APPLICATION_ID, b.LICENSE_ID, state, 9, b.NOW)
        for state in (LicenseState.ACTIVE, LicenseState.SUSPENDED, LicenseState.REVOKED)
    ),
    LicenseExpired(b.APPLICATION_ID, b.LICENSE_ID, b.NOW),
]
MISSING_LICENSE_EVENTS = [
    (s, e)
    for s in LicenseState
    for e in RECORD_EVENTS
    if getattr(e, "state", LicenseState.EXPIRED) not in LICENSE_TRANSITIONS[s].get(type(e), ())
]
REFUSED = [(s, c) for s in STATES for c in METHODS if not fits(s, c)]


def event_of(kind: type) -> Event:
    key, waiting, issued = b.APPLICATION_ID, b.awaiting_signature(), b.approved()
    pending = b.application_in(ApplicationState.PENDING_COUNTERSIGN)
    signature = Countersignature("licensing-2", "because", b.NOW)
    screening, policy = b.screening(b.details()), b.outcome(RuleEffect.REFER)
    decision = waiting.decision
    assert decision is not None
    (grant,) = decide(waiting, b.accept(waiting), b.NOW)
    made = {
        ApplicationSubmitted: lambda: ApplicationSubmitted(key, b.PARTNER, b.details(), b.NOW),
        ApplicationReferred: lambda: ApplicationReferred(key, screening, policy, b.NOW),
        DenialIntended: lambda: DenialIntended(key, screening, policy, b.NOW),
        ScreeningRevised: lambda: ScreeningRevised(key, screening, policy, b.NOW),
        DecisionRecommended: lambda: DecisionRecommended(key, pending.recommendation, b.NOW),
        RecommendationCountersigned: lambda: RecommendationCountersigned(
            key, b.RECOMMENDATION_ID, signature, b.NOW
        ),
        RecommendationRejected: lambda: RecommendationRejected(
            key, b.RECOMMENDATION_ID, signature, b.NOW
        ),
        ApplicationApproved: lambda: ApplicationApproved(key, decision, "1.0", b"", b.NOW, b.NOW),
        ApplicationDenied: lambda: ApplicationDenied(key, decision, b.NOW),
        ApplicationWithdrawn: lambda: ApplicationWithdrawn(key, "", b.NOW),
        ApplicationLapsed: lambda: ApplicationLapsed(key, b.NOW),
        LicenseIssued: lambda: grant,
        LicenseRecordChanged: lambda: LicenseRecordChanged(
            key, b.LICENSE_ID, LicenseState.SUSPENDED, 9, b.NOW
        ),
        LicenseExpired: lambda: LicenseExpired(key, b.LICENSE_ID, b.NOW),
    }
    assert issued.license is not None
    return made[kind]()


def command_of(kind: type) -> Command:
    waiting = b.awaiting_signature()
    return {
        Submit: lambda: Submit(b.APPLICATION_ID, b.PARTNER, b.details(), b.REFERENCE_DATA),
        Withdraw: lambda: Withdraw("changed our minds"),
        AcceptCode: lambda: b.accept(waiting),
    }.get(
        kind,
        {
            "Recommend": b.recommend,
            "Countersign": b.countersign,
            "RejectRecommendation": b.reject,
        }.get(kind.__name__),
    )()


@pytest.mark.parametrize("state", STATES)
def test_every_state_is_reached_by_commands(state: ApplicationState) -> None:
    assert b.application_in(state).state is state


@pytest.mark.parametrize(("state", "kind"), MISSING)
def test_an_event_that_the_table_does_not_list_is_impossible(
    state: ApplicationState, kind: type
) -> None:
    with pytest.raises(ImpossibleEvent):
        evolve(b.application_in(state), event_of(kind))


@pytest.mark.parametrize(("state", "kind"), PRESENT)
def test_a_listed_event_leads_where_the_table_says(state: ApplicationState, kind: type) -> None:
    before = b.application_in(state)

    moved = evolve(before, event_of(kind))

    assert (moved.state, moved.version) == (
        TRANSITIONS[state][kind],
        before.version + 1,
    )


@pytest.mark.parametrize("kind", [kind for kind in EVENTS if kind is not ApplicationSubmitted])
def test_only_a_submission_can_be_the_first_event(kind: type) -> None:
    with pytest.raises(ImpossibleEvent):
        evolve(None, event_of(kind))


def same_callers_methods(kind: type) -> Mapping[type[Command], str]:
    return PARTNER_METHODS if kind in PARTNER_METHODS else OFFICER_METHODS


@pytest.mark.parametrize("state", STATES)
def test_a_refused_partner_is_offered_partners_commands_only(state: ApplicationState) -> None:
    offered = set(allowed_commands(state, PARTNER_METHODS))

    assert not offered & set(OFFICER_METHODS.values())
    assert offered | set(allowed_commands(state, OFFICER_METHODS)) == {
        name for kind, name in METHODS.items() if fits(state, kind)
    }


@pytest.mark.parametrize(("state", "kind"), REFUSED)
def test_a_command_that_does_not_fit_is_refused_with_what_is_allowed(
    state: ApplicationState, kind: type
) -> None:
    refusal = decide(b.application_in(state), command_of(kind), b.NOW)

    assert isinstance(refusal, Refusal)
    assert refusal.reason is Reason.WRONG_STATE
    assert refusal.metadata == {
        "state": state,
        "command": METHODS[kind],
        "allowedCommands": ",".join(allowed_commands(state, same_callers_methods(kind))),
    }


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("kind", [kind for kind in METHODS if kind is not Submit])
def test_a_command_that_fits_the_state_is_carried_out(state: ApplicationState, kind: type) -> None:
    if fits(state, kind):
        assert not isinstance(decide(b.application_in(state), command_of(kind), b.NOW), Refusal)


@pytest.mark.parametrize("state", [s for s in STATES if s is not ApplicationState.SCREENING])
@pytest.mark.parametrize("effect", [RuleEffect.APPROVE, RuleEffect.REFER, RuleEffect.DENY])
def test_a_screening_that_comes_late_or_twice_changes_nothing(
    state: ApplicationState, effect: RuleEffect
) -> None:
    assert decide(b.application_in(state), b.conclude(effect), b.NOW) == ()


@pytest.mark.parametrize("state", STATES)
def test_a_timer_that_fires_too_early_changes_nothing(state: ApplicationState) -> None:
    early = b.NOW - timedelta(seconds=1)

    assert decide(b.application_in(state), Due(), early) == ()


@pytest.mark.parametrize("state", [s for s in STATES if s is not ApplicationState.APPROVED])
def test_a_standing_of_a_license_that_does_not_exist_is_refused(state: ApplicationState) -> None:
    refusal = decide(b.application_in(state), b.follow(LicenseState.REVOKED, 1), b.NOW)

    assert isinstance(refusal, Refusal)
    assert refusal.reason is Reason.NOT_FOUND


@pytest.mark.parametrize("kind", [kind for kind in COMMANDS if kind is not Submit])
def test_a_command_on_an_application_that_does_not_exist_is_refused(kind: type) -> None:
    commands = {
        "ConcludeScreening": lambda: b.conclude(RuleEffect.REFER),
        "ReviseScreening": lambda: b.revise(RevisionCause.LISTED),
        "FollowStanding": lambda: b.follow(LicenseState.ACTIVE, 1),
        "Due": Due,
    }
    command = commands[kind.__name__]() if kind.__name__ in commands else command_of(kind)

    refusal = decide(None, command, b.NOW)

    assert isinstance(refusal, Refusal)
    assert refusal.reason is Reason.NOT_FOUND


@pytest.mark.parametrize(("state", "event"), MISSING_LICENSE_EVENTS)
def test_an_event_that_the_license_table_does_not_list_is_impossible(
    state: LicenseState, event: LicenseRecordChanged | LicenseExpired
) -> None:
    with pytest.raises(ImpossibleEvent):
        next_license_state(state, event)


@pytest.mark.parametrize("state", LicenseState)
@pytest.mark.parametrize(
    "target", [LicenseState.ACTIVE, LicenseState.SUSPENDED, LicenseState.REVOKED]
)
def test_a_license_record_follows_a_newer_standing_as_the_table_says(
    state: LicenseState, target: LicenseState
) -> None:
    application = b.licensed(state)
    listed = target in LICENSE_TRANSITIONS[state].get(LicenseRecordChanged, ())

    decided = decide(application, b.follow(target, 6), b.NOW)

    if listed:
        record = b.after(application, b.follow(target, 6)).license
        assert record is not None
        assert record.state is target
    elif state is LicenseState.REVOKED and target is not state:
        assert isinstance(decided, Refusal)
    else:
        assert decided == ()


@pytest.mark.parametrize("target", [LicenseState.ACTIVE, LicenseState.SUSPENDED])
def test_a_revoked_license_is_never_reinstated(target: LicenseState) -> None:
    refusal = decide(b.licensed(LicenseState.REVOKED), b.follow(target, 99), b.NOW)

    assert isinstance(refusal, Refusal)
    assert refusal.reason is Reason.WRONG_STATE


def test_an_older_standing_changes_nothing() -> None:
    revoked = b.after(b.approved(), b.follow(LicenseState.REVOKED, 3))

    assert decide(revoked, b.follow(LicenseState.SUSPENDED, 2), b.NOW) == ()


def test_a_reinstatement_that_arrives_before_its_suspension_wins() -> None:
    application = b.after(
        b.approved(), b.follow(LicenseState.ACTIVE, 3), b.follow(LicenseState.SUSPENDED, 2)
    )

    assert application.license is not None
    assert application.license.state is LicenseState.ACTIVE


def test_a_suspended_license_expires_all_the_same() -> None:
    suspended = b.licensed(LicenseState.SUSPENDED)

    expired = b.after(suspended, Due(), at=b.NOW + timedelta(days=365))

    assert expired.license is not None
    assert expired.license.state is LicenseState.EXPIRED


def test_a_revoked_license_does_not_expire() -> None:
    assert decide(b.licensed(LicenseState.REVOKED), Due(), b.NOW + timedelta(days=4000)) == ()


def test_every_command_and_every_event_is_in_the_tables() -> None:
    assert set(COMMAND_EVENTS) == set(COMMANDS)
    assert {event for row in TRANSITIONS.values() for event in row} == set(EVENTS)
