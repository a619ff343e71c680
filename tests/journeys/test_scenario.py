"""The main scenario over all three services ends the same, whichever service restarts."""

from __future__ import annotations

import asyncio
import itertools
import signal
import time
from collections.abc import Callable, Iterator

import pytest
from safeconduct.applications.v1 import model_pb2
from safeconduct.client import Client, SafeconductError
from safeconduct.enforcement.v1 import model_pb2 as enforcement_pb2

from infra.local.stack import Stack
from infra.scenario.clients import Clients
from infra.scenario.scenario import Scenario
from infra.scenario.trace_graph import trace_graph

from .conftest import Examples


def _ignore(_what: str, _ms: float) -> None:
    """Discards the progress messages."""


async def _run(scenario: Scenario) -> tuple[str, ...]:
    return (
        await scenario.approve_by_policy(),
        await scenario.deny_listed_party(),
        await scenario.approve_by_officers(),
        await scenario.revoke_license(),
    )


async def test_the_main_job_is_done_from_submission_to_the_denying_gate(
    clients: Clients, examples: Examples
) -> None:
    scenario = Scenario(clients, examples, _ignore)

    messages = await _run(scenario)

    assert "the gate answers ALLOWED" in messages[0]
    assert messages[1].startswith("denied by two officers: ")
    assert "one of them could not decide alone" in messages[2]
    assert "the gate answers REVOKED" in messages[3]
    assert scenario.propagation_ms > 0


async def _records(clients: Clients, scenario: Scenario) -> tuple[dict[str, str], str]:
    """Returns the end of every application, and the record of the revoked license."""
    states = {
        step: model_pb2.ApplicationState.Name((await clients.partner.applications.get(each)).state)
        for step, each in scenario.applications.items()
    }
    record = await clients.partner.licenses.get(scenario.licenses["a"])
    return states, model_pb2.LicenseState.Name(record.state)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_the_scenario_ends_the_same_when_services_restart_between_its_steps(
    stack: Stack, clients: Clients, examples: Examples, number: signal.Signals
) -> None:
    # Screening loads its list for some seconds, so it restarts less often than the others.
    victims: Iterator[str] = itertools.cycle(
        ("applications", "screening", *(4 * ("enforcement", "applications")))
    )
    killed: list[str] = []

    async def between() -> None:
        # A service restarts while the scenario continues, and must be ready before its next
        # restart.
        victim = next(victims)
        service = stack.service(victim)
        service.wait_ready()
        service.kill(number)
        killed.append(victim)

    scenario = Scenario(clients, examples, _ignore, between)
    await _run(scenario)

    assert {"applications", "screening", "enforcement"} == set(killed)
    states, license_state = await _records(clients, scenario)
    assert states == {
        "a": "APPLICATION_STATE_APPROVED",
        "b": "APPLICATION_STATE_DENIED",
        "c": "APPLICATION_STATE_APPROVED",
    }
    deadline = time.monotonic() + 60
    while license_state != "LICENSE_STATE_REVOKED" and time.monotonic() < deadline:
        _, license_state = await _records(clients, scenario)
    assert license_state == "LICENSE_STATE_REVOKED"


async def test_a_journey_is_one_connected_graph_of_spans_without_personal_data(
    stack: Stack, clients: Clients, examples: Examples
) -> None:
    scenario = Scenario(clients, examples, _ignore)
    await scenario.approve_by_policy()
    timeline = await clients.partner.applications.timeline(scenario.applications["a"])
    trace_ids = [entry.trace_id for entry in timeline.entries]

    deadline = time.monotonic() + 30
    whole = trace_graph(stack.spans.store, trace_ids)
    while not (whole.is_whole and len(whole.services) == 3) and time.monotonic() < deadline:
        whole = trace_graph(stack.spans.store, trace_ids)

    assert whole.services == {"applications", "screening", "enforcement"}
    assert (whole.parts, whole.orphans) == (1, 0)
    assert {"PRODUCER", "CONSUMER", "SERVER", "CLIENT"} <= {span.kind for span in whole.spans}
    shown = " ".join(f"{span.name} {span.attributes} {span.events}" for span in whole.spans)
    details = examples["hospital-hosted-access"]
    personal = [
        text
        for party in details.parties
        for text in (party.name, party.address, *party.aliases)
        if text
    ]
    personal += [details.end_user_statement.text]
    assert [text for text in personal if text in shown] == []


async def test_a_suspended_license_is_reinstated_only_by_two_other_officers(
    clients: Clients, examples: Examples, client_of: Callable[[str], Client]
) -> None:
    scenario = Scenario(clients, examples, _ignore)
    await scenario.approve_by_policy()
    license_id = scenario.licenses["a"]
    first, second = clients.enforcement_officers
    case = (
        await clients.telemetry.conduct.report(
            license_id,
            clause=enforcement_pb2.CLAUSE_OVER_USE,
            reporter_kind=enforcement_pb2.REPORTER_KIND_DEVELOPER_TELEMETRY,
            evidence_digests=[b"\1" * 32],
        )
    ).violation_id
    proposed = await first.violations.propose_finding(
        case,
        is_violation=True,
        severity=enforcement_pb2.SEVERITY_SERIOUS,
        rationale="the meter shows it",
        etag=(await first.violations.get(case)).violation.etag,
    )
    found = await second.violations.confirm_finding(
        case, proposed.finding.finding_id, rationale="the meter shows it", etag=proposed.etag
    )
    suspension = await first.violations.propose_measure(
        case,
        kind=enforcement_pb2.MEASURE_KIND_SUSPENSION,
        rationale="until the cap is kept",
        etag=found.etag,
    )
    answer = await second.violations.confirm_measure(
        case,
        suspension.measures[-1].measure_id,
        rationale="until the cap is kept",
        etag=suspension.etag,
    )
    assert answer.standing.state == enforcement_pb2.STANDING_STATE_SUSPENDED

    rationale, etag = "the cap is kept now", answer.violation.etag
    with pytest.raises(SafeconductError) as refused:
        await first.violations.propose_reinstatement(license_id, rationale=rationale, etag=etag)

    assert refused.value.reason == "SUSPENDER_CANNOT_REINSTATE"
    third, fourth = client_of("officer/enforcement-3"), client_of("officer/enforcement-4")
    proposal = await third.violations.propose_reinstatement(
        license_id, rationale=rationale, etag=etag
    )
    reinstated = await fourth.violations.confirm_reinstatement(
        license_id,
        proposal.reinstatement.reinstatement_id,
        rationale=rationale,
        etag=proposal.etag,
    )
    assert reinstated.standing.state == enforcement_pb2.STANDING_STATE_ACTIVE
    details = examples["hospital-hosted-access"]
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        verdict = clients.gate.check(
            license_id,
            details.items[0].model_id,
            "HOSTED_ACCESS",
            details.destinations[0],
            "HEALTHCARE",
        )
        if verdict.allowed:
            break
        await asyncio.sleep(0.01)
    assert verdict.reason == "ALLOWED"
