"""Owners over all three services: screened, added up by rule, named in the decision."""

from __future__ import annotations

import asyncio
import time

from safeconduct.applications.v1 import model_pb2, service_pb2

from infra.scenario.clients import Clients

from .conftest import Examples


async def _evaluated(
    clients: Clients, details: model_pb2.ApplicationDetails
) -> tuple[model_pb2.Application, service_pb2.Case]:
    """Returns the application after policy, and its case."""
    application = await clients.partner.applications.submit(details)
    deadline = time.monotonic() + 60
    while application.state == model_pb2.APPLICATION_STATE_SCREENING:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
        application = await clients.partner.applications.get(application.application_id)
    return application, (
        await clients.licensing_officers[0].reviews.explain(application.application_id)
    ).case


def _owners(
    details: model_pb2.ApplicationDetails, **shares: float | None
) -> model_pb2.ApplicationDetails:
    """Returns the application with owners of its end user; None = unknown share."""
    found = model_pb2.ApplicationDetails()
    found.CopyFrom(details)
    for number, (party_id, share) in enumerate(shares.items(), 1):
        owner = found.parties.add(
            party_id=party_id.replace("_", "-"),
            roles=[model_pb2.PARTY_ROLE_BENEFICIAL_OWNER],
            kind=model_pb2.PARTY_KIND_ORGANISATION,
            name=f"Example Holding {number} Ltd",
            country="DE",
        )
        owner.owns.add(owned_party_id="end-user", share_percent=share)
    return found


async def test_a_party_owned_by_listed_parties_is_proposed_for_denial_with_rule_and_path(
    clients: Clients, examples: Examples
) -> None:
    application, case = await _evaluated(clients, examples["owned-by-listed"])

    assert application.state == model_pb2.APPLICATION_STATE_INTENT_TO_DENY
    findings = [each for each in case.screening.ownership.findings if each.party_id == "end-user"]
    (found,) = (each for each in findings if each.result == model_pb2.OWNERSHIP_RESULT_BLOCKED)
    assert found.rule_id == "us-bis-affiliates"
    assert (found.at_least_percent, found.most_restrictive_owner_id) == (55.0, "owner-1")
    assert [step.owned_party_id for step in found.path] == ["holding", "end-user"]
    (rule,) = (each for each in case.policy.fired if each.rule_id == "ownership.affiliates")
    assert "owner-1 (listed: EL) holds 60 % of holding" in rule.inputs["ownership_rules_met"]
    assert "Shenwei" not in rule.inputs["ownership_rules_met"], "a decision carries no names"


async def test_an_officer_reads_the_ownership_findings_with_names(
    clients: Clients, examples: Examples
) -> None:
    application, _ = await _evaluated(clients, examples["owned-by-listed"])

    said = (
        await clients.licensing_officers[0].screening.get(application.application_id)
    ).ownership_explanations

    assert any(
        '"Shenwei Micro" (listed: EL) holds 60 % of "Example Holding 1 Ltd"' in each
        for each in said
    )


async def test_known_and_clear_owners_do_not_prevent_approval(
    clients: Clients, examples: Examples
) -> None:
    details = _owners(examples["hospital-hosted-access"], owner_1=60.0, owner_2=40.0)

    application, case = await _evaluated(clients, details)

    assert application.state == model_pb2.APPLICATION_STATE_AWAITING_SIGNATURE
    assert not case.screening.ownership.findings


async def test_an_unknown_share_leaves_the_decision_to_officers(
    clients: Clients, examples: Examples
) -> None:
    details = _owners(examples["hospital-hosted-access"], owner_1=None)

    application, case = await _evaluated(clients, details)

    assert application.state == model_pb2.APPLICATION_STATE_UNDER_REVIEW
    fired = {rule.rule_id for rule in case.policy.fired}
    assert {"ownership.unknown", "ownership.red-flag"} <= fired
