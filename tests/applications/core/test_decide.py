from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.applications.core.application_details import (
    AccessMode,
    EndUse,
    Item,
    Ownership,
    PartyRole,
    RedFlag,
    Sector,
)
from services.applications.core.auto_approval import RULE_ID
from services.applications.core.commands import (
    Command,
    ConcludeScreening,
    Officer,
    Submit,
    Withdraw,
)
from services.applications.core.decide import decide
from services.applications.core.errors import Reason, Refusal
from services.applications.core.events import ApplicationReferred, DenialIntended
from services.applications.core.explanations import REVIEWED, reasons
from services.applications.core.model import (
    ApplicationState,
    FiredRule,
    Outcome,
    RuleEffect,
)
from services.applications.core.screening_summary import (
    MatchStrength,
    PartyFinding,
    ScreeningResult,
)
from tests.applications import builders as b


def reason_of(decided: object) -> Reason:
    assert isinstance(decided, Refusal)
    return decided.reason


def test_a_cleared_application_that_policy_approves_waits_for_the_signature() -> None:
    application = b.awaiting_signature()

    assert application.state is ApplicationState.AWAITING_SIGNATURE
    assert application.decision is not None
    assert application.decision.by_policy
    assert application.decision.conditions == ("Report every 90 days.",)
    assert application.sign_by == b.NOW + timedelta(days=30)


FORBIDDEN = {
    "a possible match": (
        b.details(),
        [PartyFinding("end-user", ScreeningResult.POSSIBLE_MATCH, MatchStrength.WEAK)],
    ),
    "a confirmed match": (b.details(), [PartyFinding("end-user", ScreeningResult.CONFIRMED_MATCH)]),
    "an undetermined party": (
        b.details(),
        [PartyFinding("end-user", ScreeningResult.UNDETERMINED)],
    ),
    "a red flag": (b.details(red_flags=(RedFlag.UNUSUAL_ROUTE,)), []),
    "an unknown share": (
        b.with_parties(b.party("owner", PartyRole.BENEFICIAL_OWNER, owns=(Ownership("end-user"),))),
        [],
    ),
    "an owner of nothing": (b.with_parties(b.party("owner", PartyRole.BENEFICIAL_OWNER)), []),
    "model weights": (b.details(items=(Item("example-compact-1", AccessMode.MODEL_WEIGHTS),)), []),
    "a military party": (
        b.with_parties(b.party("deployer", PartyRole.DEPLOYER, sector=Sector.MILITARY)),
        [],
    ),
    "a military use": (b.details(end_uses=(EndUse.HEALTHCARE, EndUse.MILITARY)), []),
}


@pytest.mark.parametrize("case", FORBIDDEN)
def test_an_application_with_a_bar_to_automatic_approval_is_referred_although_policy_approves(
    case: str,
) -> None:
    details, findings = FORBIDDEN[case]
    screening = b.screening(details, *findings)
    approving = b.outcome(RuleEffect.APPROVE, b.rule(RuleEffect.APPROVE))

    (event,) = decide(
        b.submitted(details), ConcludeScreening(screening, approving, b.DECISION_ID, b.TERMS), b.NOW
    )

    assert isinstance(event, ApplicationReferred)
    assert event.policy.effect is RuleEffect.REFER
    assert event.policy.fired[-1].rule_id == RULE_ID


@pytest.mark.parametrize(
    "fired",
    [b.rule(RuleEffect.DENY), b.rule(RuleEffect.REFER), b.rule(RuleEffect.APPROVE, failed=True)],
)
def test_an_outcome_that_approves_against_its_own_rules_is_referred(fired: FiredRule) -> None:
    command = replace(b.conclude(RuleEffect.APPROVE), policy=b.outcome(RuleEffect.APPROVE, fired))

    (event,) = decide(b.submitted(), command, b.NOW)

    assert isinstance(event, ApplicationReferred)


def test_a_party_that_was_not_screened_is_undetermined_and_refers() -> None:
    screening = b.screening(b.details())
    partial = replace(screening, findings=screening.findings[:-1])
    command = replace(b.conclude(RuleEffect.APPROVE), screening=partial)

    (event,) = decide(b.submitted(), command, b.NOW)

    assert isinstance(event, ApplicationReferred)
    assert event.screening.findings[-1] == PartyFinding(
        "signatory", ScreeningResult.UNDETERMINED, undetermined_reason="NOT_SCREENED"
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"list_version": ""},
        {
            "findings": (
                *b.screening(b.details()).findings,
                PartyFinding("stranger", ScreeningResult.CLEAR),
            )
        },
    ],
)
def test_a_screening_of_no_list_or_of_other_parties_refers(changes: dict[str, Any]) -> None:
    command = replace(b.conclude(RuleEffect.APPROVE), screening=b.screening(b.details(), **changes))

    (event,) = decide(b.submitted(), command, b.NOW)

    assert isinstance(event, ApplicationReferred)


def test_a_denial_that_policy_proposes_is_explained_to_the_applicant() -> None:
    (event,) = decide(b.submitted(), b.conclude(RuleEffect.DENY), b.NOW)

    assert isinstance(event, DenialIntended)
    assert reasons(b.application_in(ApplicationState.INTENT_TO_DENY)) == ("Because of DENY.",)


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


def test_a_withdrawn_application_keeps_its_reason() -> None:
    assert (
        b.after(b.submitted(), Withdraw("no need any more")).withdrawal_reason == "no need any more"
    )


def test_an_inconsistent_submission_is_refused_with_all_faults() -> None:
    wrong = b.details(destinations=("XX", "DE"), parties=(b.APPLICANT,))

    refusal = decide(None, Submit(b.APPLICATION_ID, b.PARTNER, wrong, b.REFERENCE_DATA), b.NOW)

    assert reason_of(refusal) is Reason.INCONSISTENT_APPLICATION
    assert isinstance(refusal, Refusal)
    assert len(refusal.fields) == 4
    assert refusal.message.startswith("details.parties: add a party with role END_USER")
    assert refusal.message.endswith(" (and 3 more)")
