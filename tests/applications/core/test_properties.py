from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from services.applications.core.commands import Due, FollowStanding, Submit, Withdraw
from services.applications.core.decide import decide
from services.applications.core.errors import Refusal
from services.applications.core.events import (
    ApplicationApproved,
    ApplicationDenied,
    Event,
    LicenseIssued,
)
from services.applications.core.evolve import evolve
from services.applications.core.licensing import due_at
from services.applications.core.lifecycle import TRANSITIONS
from services.applications.core.model import (
    Application,
    ApplicationState,
    LicenseState,
    Outcome,
    RuleEffect,
)
from tests.applications import builders as b

OFFICERS = st.sampled_from([b.ONE, b.TWO, b.THREE])
EFFECTS = st.sampled_from([RuleEffect.APPROVE, RuleEffect.REFER, RuleEffect.DENY])
STANDINGS = st.sampled_from([LicenseState.ACTIVE, LicenseState.SUSPENDED, LicenseState.REVOKED])
FOLLOWS = st.builds(b.follow, STANDINGS, st.integers(1, 5))
MOVES = st.one_of(
    st.builds(b.conclude, EFFECTS, st.none(), countersignatures=st.integers(1, 2)),
    st.builds(b.recommend, OFFICERS, st.sampled_from(Outcome)),
    st.builds(b.countersign, OFFICERS),
    st.builds(b.reject, OFFICERS),
    FOLLOWS,
    st.sampled_from(["accept", Withdraw("")]),
    st.just(Due()),
)
DAYS = st.integers(0, 40)
Walk = list[tuple[Any, int]]


def run(moves: Walk) -> tuple[Application, list[Event]]:
    """The application and its events after a random walk; time goes on between the moves."""
    application, events, now = b.submitted(), list[Event](), b.NOW
    for move, days in moves:
        now += timedelta(days=days)
        if move == "accept" and application.state is not ApplicationState.AWAITING_SIGNATURE:
            continue
        command = b.accept(application) if move == "accept" else move
        decided = decide(application, command, now)
        for event in () if isinstance(decided, Refusal) else decided:
            application = evolve(application, event)
            events.append(event)
    return application, events


WALKS: Any = st.lists(st.tuples(MOVES, DAYS), max_size=14)


@given(WALKS)
def test_folding_the_events_gives_the_state(moves: Walk) -> None:
    application, events = run(moves)

    folded = b.submitted()
    for event in events:
        folded = evolve(folded, event)

    assert folded == application
    assert application.version == 1 + len(events)


@given(WALKS)
def test_there_is_at_most_one_decision_and_one_license(moves: Walk) -> None:
    _, events = run(moves)

    assert sum(isinstance(event, ApplicationApproved | ApplicationDenied) for event in events) <= 1
    assert sum(isinstance(event, LicenseIssued) for event in events) <= 1


@given(WALKS)
def test_a_decision_by_officers_has_as_many_different_officers_as_policy_requires(
    moves: Walk,
) -> None:
    application, _ = run(moves)
    decision = application.decision

    if decision is not None and decision.recommendation is not None:
        signed = [signature.officer_id for signature in decision.recommendation.countersignatures]
        assert (
            len({*signed, decision.recommendation.officer_id})
            == 1 + decision.policy.countersignatures
        )


@given(WALKS, EFFECTS)
def test_a_repeated_screening_event_changes_nothing(moves: Walk, effect: RuleEffect) -> None:
    application, _ = run(moves)

    assert (
        application.state is ApplicationState.SCREENING
        or decide(application, b.conclude(effect), b.NOW) == ()
    )


@given(st.lists(FOLLOWS, max_size=10))
def test_a_repeated_standing_event_changes_nothing(follows: list[FollowStanding]) -> None:
    application = b.approved()
    for command in follows:
        decided = decide(application, command, b.NOW)
        for event in () if isinstance(decided, Refusal) else decided:
            application = evolve(application, event)

    for command in follows:
        # The same or an older standing: nothing; one that a revocation contradicts: refused, again
        # nothing.
        assert decide(application, command, b.NOW) == () or isinstance(
            decide(application, command, b.NOW), Refusal
        )


@given(
    st.permutations(
        [(LicenseState.SUSPENDED, 2), (LicenseState.ACTIVE, 3), (LicenseState.SUSPENDED, 4)]
    )
)
def test_standings_that_arrive_in_any_order_end_in_the_newest(
    order: list[tuple[LicenseState, int]],
) -> None:
    application = b.after(b.approved(), *(b.follow(state, version) for state, version in order))

    assert application.license is not None
    assert (application.license.state, application.standing_version) == (LicenseState.SUSPENDED, 4)


@given(WALKS)
def test_a_due_timer_changes_the_application_once(moves: Walk) -> None:
    application, _ = run(moves)
    when = due_at(application)

    if when is not None:
        assert due_at(b.after(application, Due(), at=when)) is None


@given(WALKS)
@settings(max_examples=50)
def test_a_record_is_stored_and_read_without_loss(moves: Walk) -> None:
    application, _ = run(moves)

    assert (
        msgspec.msgpack.decode(msgspec.msgpack.encode(application), type=Application) == application
    )


@given(WALKS)
def test_final_states_are_final(moves: Walk) -> None:
    application, _ = run(moves)

    if not TRANSITIONS[application.state]:
        again = Submit(UUID(int=9), b.PARTNER, b.details(), b.REFERENCE_DATA)
        for command in (again, b.recommend(), b.countersign(), Withdraw("")):
            assert isinstance(decide(application, command, b.NOW), Refusal)
