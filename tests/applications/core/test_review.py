from __future__ import annotations

from dataclasses import replace

import pytest

from services.applications.core.commands import (
    Command,
    Officer,
)
from services.applications.core.decide import decide
from services.applications.core.errors import Reason, Refusal
from services.applications.core.explanations import REVIEWED, reasons
from services.applications.core.model import (
    ApplicationState,
    Outcome,
    RuleEffect,
)
from tests.applications import builders as b


def reason_of(decided: object) -> Reason:
    assert isinstance(decided, Refusal)
    return decided.reason


def test_two_officers_confirm_an_intent_to_deny() -> None:
    denied = b.after(
        b.application_in(ApplicationState.INTENT_TO_DENY),
        b.recommend(what=Outcome.DENY),
        b.countersign(),
    )

    assert denied.state is ApplicationState.DENIED
    assert reasons(denied) == ("Because of DENY.",)


def test_two_officers_lift_an_intent_to_deny() -> None:
    lifted = b.after(
        b.application_in(ApplicationState.INTENT_TO_DENY), b.recommend(), b.countersign()
    )

    assert lifted.state is ApplicationState.AWAITING_SIGNATURE
    assert reasons(lifted) == ()


def test_a_denial_after_review_is_explained_with_the_reasons_of_the_review() -> None:
    assert reasons(b.application_in(ApplicationState.DENIED)) == (REVIEWED, "Because of REFER.")


def test_conditions_of_policy_and_of_officers_bind_together() -> None:
    approved = b.after(
        b.application_in(ApplicationState.UNDER_REVIEW), b.recommend(), b.countersign()
    )

    assert approved.decision is not None
    assert approved.decision.conditions == ("Report every 90 days.", "Only on weekdays.")


def test_a_denied_application_carries_no_conditions() -> None:
    denied = b.after(
        b.application_in(ApplicationState.UNDER_REVIEW),
        b.recommend(what=Outcome.DENY),
        b.countersign(),
    )

    assert denied.decision is not None
    assert denied.decision.policy.fired[-1].condition == "Report every 90 days."
    assert denied.decision.recommendation is not None
    assert denied.decision.recommendation.conditions == ("Only on weekdays.",)
    assert denied.decision.conditions == ()


def test_an_officer_who_recommended_cannot_countersign() -> None:
    pending = b.application_in(ApplicationState.PENDING_COUNTERSIGN)

    assert reason_of(decide(pending, b.countersign(b.ONE), b.NOW)) is Reason.SELF_COUNTERSIGNATURE


def test_an_officer_who_recommended_cannot_reject() -> None:
    pending = b.application_in(ApplicationState.PENDING_COUNTERSIGN)

    assert reason_of(decide(pending, b.reject(b.ONE), b.NOW)) is Reason.SELF_COUNTERSIGNATURE


def test_two_countersignatures_need_two_officers() -> None:
    case = b.after(
        b.submitted(),
        b.conclude(RuleEffect.REFER, countersignatures=2),
        b.recommend(),
        b.countersign(b.TWO),
    )

    assert case.state is ApplicationState.PENDING_COUNTERSIGN
    assert reason_of(decide(case, b.countersign(b.TWO), b.NOW)) is Reason.SELF_COUNTERSIGNATURE
    assert b.after(case, b.countersign(b.THREE)).state is ApplicationState.AWAITING_SIGNATURE


def test_a_rejection_returns_the_case_to_review_and_voids_the_countersignatures() -> None:
    case = b.after(
        b.submitted(),
        b.conclude(RuleEffect.REFER, countersignatures=2),
        b.recommend(),
        b.countersign(b.TWO),
    )

    back = b.after(case, b.reject(b.THREE))

    assert (back.state, back.recommendation) == (ApplicationState.UNDER_REVIEW, None)


def test_a_countersignature_of_another_recommendation_is_refused() -> None:
    pending = b.application_in(ApplicationState.PENDING_COUNTERSIGN)
    command = replace(b.countersign(), recommendation_id=b.LICENSE_ID)

    refusal = decide(pending, command, b.NOW)

    assert reason_of(refusal) is Reason.RECOMMENDATION_CHANGED
    assert isinstance(refusal, Refusal)
    assert refusal.metadata == {"pendingRecommendationId": str(b.RECOMMENDATION_ID)}


@pytest.mark.parametrize(
    ("state", "command"),
    [
        (ApplicationState.UNDER_REVIEW, b.recommend(Officer("licensing-9", 3, b.PARTNER))),
        (ApplicationState.PENDING_COUNTERSIGN, b.countersign(Officer("licensing-9", 3, b.PARTNER))),
    ],
)
def test_an_officer_of_the_applicant_cannot_act_on_its_application(
    state: ApplicationState, command: Command
) -> None:
    assert reason_of(decide(b.application_in(state), command, b.NOW)) is Reason.CONFLICT_OF_INTEREST


def test_an_officer_of_another_partner_can_act() -> None:
    officer = Officer("licensing-9", 3, "example-2")

    assert not isinstance(
        decide(b.application_in(ApplicationState.UNDER_REVIEW), b.recommend(officer), b.NOW),
        Refusal,
    )


@pytest.mark.parametrize("tier", [1, 2])
def test_an_officer_below_the_clearance_of_the_case_cannot_act(tier: int) -> None:
    case = b.after(b.submitted(), b.conclude(RuleEffect.REFER, tier=3))
    pending = b.after(case, b.recommend())
    low = Officer("licensing-9", tier)

    assert reason_of(decide(case, b.recommend(low), b.NOW)) is Reason.CLEARANCE_TOO_LOW
    assert reason_of(decide(pending, b.countersign(low), b.NOW)) is Reason.CLEARANCE_TOO_LOW
