"""`safeconduct cases`: the officers' commands."""

from __future__ import annotations

import json

from safeconduct.applications.v1 import model_pb2 as model

from tests.sdk.cli.running import RATIONALE, Command
from tests.sdk.fake_services import (
    APPLICATION,
    RECOMMENDATION,
    FakeServices,
)


async def test_an_officer_decides_on_the_case_that_was_read(
    command: Command, services: FakeServices
) -> None:
    services.case.application.etag = "v9"
    yes = ("--yes", RECOMMENDATION, *RATIONALE, "--json")

    recommended = await command(
        "cases", "recommend", APPLICATION, "--deny", *RATIONALE, "--condition", "report weekly"
    )
    early = await command("cases", "countersign", APPLICATION, *yes)
    services.case.recommendation.recommendation_id = RECOMMENDATION
    signed = await command("cases", "countersign", APPLICATION, *yes)
    rejected = await command("cases", "reject-recommendation", APPLICATION, *yes)

    assert (recommended.code, early.code, signed.code, rejected.code) == (0, 4, 0, 0)
    first, second = services.last("RecommendDecision"), services.last("CountersignDecision")
    third = services.last("RejectRecommendation")
    assert (first.outcome, first.etag, list(first.conditions)) == (
        model.OUTCOME_DENY,
        "v9",
        ["report weekly"],
    )
    assert (second.recommendation_id, second.etag) == (RECOMMENDATION, "v9")
    assert (third.recommendation_id, third.etag) == (RECOMMENDATION, "v9")


async def test_a_recommendation_says_which_way(command: Command) -> None:
    ran = await command("cases", "recommend", APPLICATION, *RATIONALE)

    assert ran.code == 2
    assert "--approve or --deny" in ran.err


async def test_cases_and_their_explanation_are_shown(
    command: Command, services: FakeServices
) -> None:
    fired = services.case.policy.fired.add(
        rule_id="fine-tuning", effect=model.RULE_EFFECT_REFER, explanation="[look]\x1b[31m\u202e"
    )
    fired.inputs["access_modes"] = "FINE_TUNING_SERVICE"
    services.case.screening.findings.add(party_id="end-user", result=1)

    listed = await command("cases", "list", "--state", "UNDER_REVIEW")
    explained = await command("cases", "get", APPLICATION)

    assert "fine-tuning" in listed.out
    assert "access_modes=FINE_TUNING_SERVICE" in explained.out
    assert "[look]�[31m�" in explained.out
    assert services.last("ListCases").filter.state == model.APPLICATION_STATE_UNDER_REVIEW


async def test_what_was_found_about_owners_is_shown_by_ids_with_a_case(
    command: Command, services: FakeServices
) -> None:
    services.case.screening.ownership.findings.add(
        party_id="end-user",
        result=1,
        rule_id="a-rule",
        most_restrictive_owner_id="owner-1",
        list_codes=["EL"],
        explanation="Listed parties own 55 % of end-user.",
    )

    explained = await command("cases", "get", APPLICATION)

    assert "BLOCKED" in explained.out
    assert "a-rule" in explained.out
    assert "Listed parties own 55 % of end-user." in " ".join(explained.out.split())


async def test_what_was_found_about_owners_is_read_aloud_with_names(
    command: Command, services: FakeServices
) -> None:
    services.screened.ownership.assessed_on = "2026-11-24"
    services.screened.ownership.findings.add(party_id="end-user", result=1, rule_id="a-rule")
    services.screened.ownership_explanations.append(
        '"Example Holding 1 Ltd" holds 55 % of "Example [Labs]".'
    )

    ran = await command("cases", "owners", APPLICATION)
    as_json = await command("cases", "owners", APPLICATION, "--json")

    assert "as of" in ran.out
    assert "BLOCKED end-user a-rule" in ran.out
    assert '"Example Holding 1 Ltd" holds 55 % of "Example [Labs]".' in " ".join(ran.out.split())
    assert json.loads(as_json.out)["ownership"]["findings"][0]["ruleId"] == "a-rule"


async def test_owners_that_were_never_assessed_are_not_shown_as_clear(command: Command) -> None:
    ran = await command("cases", "owners", APPLICATION)

    assert "were not assessed" in ran.out
