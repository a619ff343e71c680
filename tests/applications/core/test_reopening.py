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
    state: State, cause: RevisionCause, way: RuleEffect = RuleEffect.REFER
) -> tuple[Event, ...]:
    decided = decide(b.standing(state), b.revise(cause, way), b.NOW)
    assert not isinstance(decided, Refusal)
    return decided


@pytest.mark.parametrize(
    "state", [State.UNDER_REVIEW, State.PENDING_COUNTERSIGN, State.AWAITING_SIGNATURE]
)
def test_a_new_match_brings_the_case_back_to_review(state: State) -> None:
    application = b.after(b.standing(state), b.revise(RevisionCause.LISTED))

    assert application.state is State.UNDER_REVIEW
    assert (application.recommendation, application.decision, application.sign_by) == (
        None,
        None,
        None,
    )
    assert application.screening is not None
    assert application.screening.screening_id == b.REVISED_ID
    assert b.LISTED in application.screening.findings


def test_a_new_match_leaves_a_proposed_denial_where_it_is() -> None:
    assert (
        b.after(b.standing(State.INTENT_TO_DENY), b.revise(RevisionCause.LISTED)).state
        is State.INTENT_TO_DENY
    )


@pytest.mark.parametrize("cause", RevisionCause)
@pytest.mark.parametrize("state", OVER)
def test_where_nothing_can_be_done_about_it_any_more_it_changes_nothing(
    state: State, cause: RevisionCause
) -> None:
    assert events_of(state, cause) == ()


@pytest.mark.parametrize(
    "state",
    [State.UNDER_REVIEW, State.INTENT_TO_DENY, State.PENDING_COUNTERSIGN, State.AWAITING_SIGNATURE],
)
def test_a_match_that_an_officer_confirmed_holds_the_application_at_once(state: State) -> None:
    (event,) = events_of(state, RevisionCause.CONFIRMED, RuleEffect.DENY)

    assert isinstance(event, DenialIntended)


def test_nobody_signs_what_was_approved_before_a_new_match() -> None:
    waiting = b.awaiting_signature()
    reopened = b.after(waiting, b.revise(RevisionCause.LISTED))

    refusal = decide(reopened, b.accept(waiting), b.NOW)

    assert isinstance(refusal, Refusal)


def test_what_was_recommended_on_other_findings_cannot_be_countersigned() -> None:
    reopened = b.after(b.standing(State.PENDING_COUNTERSIGN), b.revise(RevisionCause.LISTED))

    assert isinstance(decide(reopened, b.countersign(), b.NOW), Refusal)


def test_a_cleared_hit_lifts_a_proposed_denial_when_policy_proposes_it_no_more() -> None:
    lifted, stands = (
        b.after(b.standing(State.INTENT_TO_DENY), b.revise(RevisionCause.CLEARED, way))
        for way in (RuleEffect.APPROVE, RuleEffect.DENY)
    )

    assert (lifted.state, stands.state) == (State.UNDER_REVIEW, State.INTENT_TO_DENY)


def test_a_cleared_hit_takes_back_no_approval() -> None:
    assert events_of(State.AWAITING_SIGNATURE, RevisionCause.CLEARED) == ()


def test_the_same_news_twice_changes_nothing() -> None:
    reopened = b.after(b.standing(State.UNDER_REVIEW), b.revise(RevisionCause.LISTED))

    assert decide(reopened, b.revise(RevisionCause.LISTED), b.NOW) == ()


def test_a_case_whose_hits_are_all_false_is_decided_by_officers_and_not_by_itself() -> None:
    review = b.after(
        b.standing(State.UNDER_REVIEW),
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


def test_a_finding_takes_the_place_of_the_one_about_the_same_party() -> None:
    known = b.screening(b.details())

    changed = updated(known, PartyUpdate(b.LISTED))

    assert sorted(each.party_id for each in changed.findings) == sorted(
        each.party_id for each in known.findings
    )
    assert b.LISTED in changed.findings


def test_a_license_says_on_which_screening_its_decision_rests() -> None:
    waiting = b.awaiting_signature()

    (issued,) = decide(waiting, b.accept(waiting), b.NOW)  # type: ignore[misc]  # never a refusal

    assert issued.license.screening_id == b.SCREENING_ID
    assert not isinstance(issued, ScreeningRevised)
