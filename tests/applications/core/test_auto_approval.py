from __future__ import annotations

import pytest

from services.applications.core.auto_approval import RULE_ID, obstacles
from services.applications.core.commands import ConcludeScreening
from services.applications.core.decide import decide
from services.applications.core.events import ApplicationReferred
from services.applications.core.model import RuleEffect
from services.applications.core.screening_summary import (
    OwnershipCause,
    OwnershipFinding,
    OwnershipResult,
    ScreeningSummary,
)
from tests.applications import builders as b

APPROVING = b.outcome(RuleEffect.APPROVE, b.rule(RuleEffect.APPROVE))
LISTED_OWNERS = {
    "a rule of ownership is met": OwnershipFinding(
        "end-user", OwnershipResult.BLOCKED, OwnershipCause.OWNED_BY_LISTED, "us-ofac-50-percent"
    ),
    "a listed owner holds a small share": OwnershipFinding(
        "end-user", OwnershipResult.RED_FLAG, OwnershipCause.MINORITY_STAKE
    ),
    "a rule of ownership is suspended": OwnershipFinding(
        "end-user", OwnershipResult.RED_FLAG, OwnershipCause.RULE_SUSPENDED, "us-bis-affiliates"
    ),
}


def screened_with(finding: OwnershipFinding) -> ScreeningSummary:
    return b.screening(b.details(), ownership=b.ownership(finding))


def test_an_application_without_any_finding_has_no_obstacle() -> None:
    assert obstacles(b.details(), b.screening(b.details()), APPROVING) == ()


@pytest.mark.parametrize("case", LISTED_OWNERS)
def test_a_listed_owner_is_the_one_obstacle_to_automatic_approval(case: str) -> None:
    screening = screened_with(LISTED_OWNERS[case])

    assert obstacles(b.details(), screening, APPROVING) == ("LISTED_OWNER",)


@pytest.mark.parametrize("case", LISTED_OWNERS)
def test_an_application_with_a_listed_owner_is_referred_although_policy_approves(case: str) -> None:
    command = ConcludeScreening(
        screened_with(LISTED_OWNERS[case]), APPROVING, b.basis(), b.DECISION_ID, b.TERMS
    )

    (event,) = decide(b.submitted(), command, b.NOW)  # type: ignore[misc]  # never a refusal

    assert isinstance(event, ApplicationReferred)
    assert event.policy.fired[-1].rule_id == RULE_ID
    assert event.policy.fired[-1].inputs == {"LISTED_OWNER": "true"}
