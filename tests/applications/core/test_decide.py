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
    ConcludeScreening,
    Submit,
    Withdraw,
)
from services.applications.core.decide import decide
from services.applications.core.errors import Reason, Refusal
from services.applications.core.events import ApplicationReferred, DenialIntended
from services.applications.core.explanations import reasons
from services.applications.core.model import (
    ApplicationState,
    FiredRule,
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


BARRED = {
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


@pytest.mark.parametrize("case", BARRED)
def test_an_application_with_a_bar_to_automatic_approval_is_referred_although_policy_approves(
    case: str,
) -> None:
    details, findings = BARRED[case]
    screening = b.screening(details, *findings)
    approving = b.outcome(RuleEffect.APPROVE, b.rule(RuleEffect.APPROVE))

    (event,) = decide(
        b.submitted(details),
        ConcludeScreening(screening, approving, b.basis(), b.DECISION_ID, b.TERMS),
        b.NOW,
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
