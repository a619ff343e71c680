"""Changed findings about a party, by a new list version or an officer's verdict."""

from __future__ import annotations

import pytest

from services.applications.core.commands import RevisionCause
from services.applications.core.decide import decide
from services.applications.core.errors import Refusal
from services.applications.core.events import DenialIntended, Event, ScreeningRevised
from services.applications.core.model import ApplicationState as State
from services.applications.core.model import RuleEffect
from services.applications.core.policy_facts import facts
from services.applications.core.screening_findings import PartyUpdate, updated
from tests.applications import builders as b

OVER = (State.SCREENING, State.APPROVED, State.DENIED, State.WITHDRAWN, State.LAPSED)


def events_of(
    state: State, cause: RevisionCause, effect: RuleEffect = RuleEffect.REFER
) -> tuple[Event, ...]:
    decided = decide(b.application_in(state), b.revise(cause, effect), b.NOW)
    assert not isinstance(decided, Refusal)
    return decided


@pytest.mark.parametrize(
    "state", [State.UNDER_REVIEW, State.PENDING_COUNTERSIGN, State.AWAITING_SIGNATURE]
)
def test_a_new_match_returns_the_case_to_review(state: State) -> None:
    application = b.after(b.application_in(state), b.revise(RevisionCause.LISTED))

    assert application.state is State.UNDER_REVIEW
    assert (application.recommendation, application.decision, application.sign_by) == (
        None,
        None,
        None,
    )
    assert application.screening is not None
    assert application.screening.screening_id == b.REVISED_ID
    assert b.LISTED in application.screening.findings


def test_a_new_match_keeps_a_proposed_denial() -> None:
    assert (
        b.after(b.application_in(State.INTENT_TO_DENY), b.revise(RevisionCause.LISTED)).state
        is State.INTENT_TO_DENY
    )


@pytest.mark.parametrize("cause", RevisionCause)
@pytest.mark.parametrize("state", OVER)
def test_changed_findings_change_nothing_in_states_without_a_decision_to_make(
    state: State, cause: RevisionCause
) -> None:
    assert events_of(state, cause) == ()


@pytest.mark.parametrize(
    "state",
    [State.UNDER_REVIEW, State.INTENT_TO_DENY, State.PENDING_COUNTERSIGN, State.AWAITING_SIGNATURE],
)
def test_a_match_that_an_officer_confirmed_proposes_denial_at_once(state: State) -> None:
    (event,) = events_of(state, RevisionCause.CONFIRMED, RuleEffect.DENY)

    assert isinstance(event, DenialIntended)


def test_an_approval_before_a_new_match_cannot_be_signed() -> None:
    waiting = b.awaiting_signature()
    reopened = b.after(waiting, b.revise(RevisionCause.LISTED))

    refusal = decide(reopened, b.accept(waiting), b.NOW)

    assert isinstance(refusal, Refusal)


def test_a_recommendation_on_other_findings_cannot_be_countersigned() -> None:
    reopened = b.after(b.application_in(State.PENDING_COUNTERSIGN), b.revise(RevisionCause.LISTED))

    assert isinstance(decide(reopened, b.countersign(), b.NOW), Refusal)


def test_a_cleared_hit_lifts_a_proposed_denial_if_policy_does_not_deny_any_more() -> None:
    lifted, stands = (
        b.after(b.application_in(State.INTENT_TO_DENY), b.revise(RevisionCause.CLEARED, effect))
        for effect in (RuleEffect.APPROVE, RuleEffect.DENY)
    )

    assert (lifted.state, stands.state) == (State.UNDER_REVIEW, State.INTENT_TO_DENY)


def test_a_cleared_hit_leaves_an_approval_valid() -> None:
    assert events_of(State.AWAITING_SIGNATURE, RevisionCause.CLEARED) == ()


def test_the_same_finding_twice_changes_nothing() -> None:
    reopened = b.after(b.application_in(State.UNDER_REVIEW), b.revise(RevisionCause.LISTED))

    assert decide(reopened, b.revise(RevisionCause.LISTED), b.NOW) == ()


def test_a_case_whose_hits_are_all_false_positives_is_still_decided_by_officers() -> None:
    review = b.after(
        b.application_in(State.UNDER_REVIEW),
        b.revise(RevisionCause.LISTED),
        b.revise(RevisionCause.CLEARED, RuleEffect.APPROVE),
    )
    assert review.screening is not None
    seen = facts(review.details, review.screening, b.REFERENCE_DATA, b.NOW)

    approved = b.after(review, b.recommend(), b.countersign())

    assert (review.state, seen.has_possible_match, seen.has_exact_match) == (
        State.UNDER_REVIEW,
        False,
        False,
    )
    assert approved.state is State.AWAITING_SIGNATURE


def test_a_finding_replaces_the_one_about_the_same_party() -> None:
    known = b.screening(b.details())

    changed = updated(known, PartyUpdate(b.LISTED))

    assert sorted(each.party_id for each in changed.findings) == sorted(
        each.party_id for each in known.findings
    )
    assert b.LISTED in changed.findings


def test_a_license_names_the_screening_that_its_decision_rests_on() -> None:
    waiting = b.awaiting_signature()

    (issued,) = decide(waiting, b.accept(waiting), b.NOW)  # type: ignore[misc]  # never a refusal

    assert issued.license.screening_id == b.SCREENING_ID
    assert not isinstance(issued, ScreeningRevised)
