from __future__ import annotations

from dataclasses import replace

import pytest

from services.applications.core.explanations import (
    DENIAL_PROPOSED,
    REVIEW_NEEDED,
    REVIEWED,
    reasons,
)
from services.applications.core.model import (
    ApplicationState,
    FiredRule,
    PolicyOutcome,
    RuleEffect,
)
from tests.applications import builders as b

REVIEW_STATES = (ApplicationState.UNDER_REVIEW, ApplicationState.PENDING_COUNTERSIGN)
REFERS = b.rule(RuleEffect.REFER, explanation="The statement is missing.")
DENIES = b.rule(RuleEffect.DENY, explanation="A destination is under embargo.")
FAILED = b.rule(RuleEffect.REFER, explanation="Not evaluated.", failed=True)
FOR_OFFICERS = replace(REFERS, explanation_for_officers="A party may be on a list.")


def reasons_in(state: ApplicationState, *fired: FiredRule) -> tuple[str, ...]:
    policy: PolicyOutcome = b.outcome(RuleEffect.REFER, *fired)
    return reasons(replace(b.application_in(state), policy=policy))


@pytest.mark.parametrize("state", REVIEW_STATES)
def test_while_officers_review_the_applicant_reads_why_it_was_referred(
    state: ApplicationState,
) -> None:
    other = b.rule(RuleEffect.REFER, explanation="The safeguards are missing.")

    assert reasons_in(state, REFERS, other, REFERS) == (
        "The statement is missing.",
        "The safeguards are missing.",
    )


@pytest.mark.parametrize("state", REVIEW_STATES)
def test_a_rule_that_denies_is_not_explained_while_officers_review(state: ApplicationState) -> None:
    assert reasons_in(state, DENIES, REFERS) == ("The statement is missing.",)


@pytest.mark.parametrize("state", REVIEW_STATES)
def test_a_review_without_a_rule_to_explain_is_still_explained(state: ApplicationState) -> None:
    assert reasons_in(state, FAILED) == (REVIEW_NEEDED,)


def test_a_proposed_denial_is_explained_by_the_rules_that_deny() -> None:
    assert reasons_in(ApplicationState.INTENT_TO_DENY, DENIES, REFERS) == (
        "A destination is under embargo.",
    )


def test_a_denial_that_no_rule_proposes_is_explained_too() -> None:
    assert reasons_in(ApplicationState.INTENT_TO_DENY, REFERS) == (DENIAL_PROPOSED,)
    assert reasons_in(ApplicationState.DENIED, REFERS) == (REVIEWED, "The statement is missing.")


def test_the_explanation_for_officers_is_never_a_reason_for_the_applicant() -> None:
    for state in ApplicationState:
        assert "A party may be on a list." not in reasons_in(state, FOR_OFFICERS)


@pytest.mark.parametrize(
    "state",
    [
        ApplicationState.SCREENING,
        ApplicationState.AWAITING_SIGNATURE,
        ApplicationState.APPROVED,
        ApplicationState.WITHDRAWN,
        ApplicationState.LAPSED,
    ],
)
def test_other_states_have_no_reasons(state: ApplicationState) -> None:
    assert reasons_in(state, REFERS, DENIES) == ()
