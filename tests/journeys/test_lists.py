"""A new list version suspends a license over all three services; officers reinstate it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from uuid import uuid4

import pytest
from safeconduct.applications.v1 import model_pb2
from safeconduct.client import Client, SafeconductError
from safeconduct.enforcement.v1 import model_pb2 as enforcement_pb2
from safeconduct.screening.v1 import model_pb2 as screening_pb2

from infra.scenario.clients import Clients
from infra.scenario.list_update import updated_list
from infra.scenario.scenario import Scenario

from .conftest import Examples

WHY = "the entry is of another institute"


def _ignore(_what: str, _ms: float) -> None:
    """Discards the progress messages."""


def _with_other_addresses(details: model_pb2.ApplicationDetails) -> model_pb2.ApplicationDetails:
    """Returns the application with other addresses, so that no past verdict applies."""
    moved = model_pb2.ApplicationDetails()
    moved.CopyFrom(details)
    for party in moved.parties:
        party.address = f"{party.address} {uuid4().hex}".strip()
    return moved


async def _clear_hits(hits: Sequence[screening_pb2.HitCase], officers: Sequence[Client]) -> None:
    """Two officers clear every hit: the first proposes to clear EXACT ones, the second confirms."""
    for officer in officers:
        for hit in hits:
            current = await officer.hits.get(hit.hit_id)
            if current.state not in {
                screening_pb2.HIT_STATE_OPEN,
                screening_pb2.HIT_STATE_CLEARING_PROPOSED,
            }:
                continue
            if current.state == screening_pb2.HIT_STATE_CLEARING_PROPOSED:
                await officer.hits.confirm_clearing(
                    hit.hit_id, current.clearing_id, rationale=WHY, etag=current.etag
                )
                continue
            await officer.hits.adjudicate(
                hit.hit_id,
                verdict=screening_pb2.HIT_VERDICT_FALSE_POSITIVE,
                rationale=WHY,
                etag=current.etag,
            )


async def test_a_new_list_version_suspends_a_license_and_only_officers_reinstate_it(
    clients: Clients, examples: Examples, client_of: Callable[[str], Client]
) -> None:
    scenario = Scenario(clients, examples, _ignore)
    await scenario.approve_by_officers()
    license_id, application_id = scenario.licenses["c"], scenario.applications["c"]
    before = {
        each.list_code: each.active_version
        for each in (await clients.list_officer.lists.status()).lists
    }
    try:
        message = await scenario.suspend_after_list_update(updated_list(examples), "2026-11-24")

        assert "the gate answers SUSPENDED" in message
        assert "(LIST_MATCH)" in message
        second = client_of("officer/enforcement-3")
        etag = (await second.standing.timeline(license_id)).etag
        with pytest.raises(SafeconductError) as refused:
            await second.violations.propose_reinstatement(license_id, rationale=WHY, etag=etag)
        assert refused.value.reason == "LIST_MATCH_OPEN"

        officer = clients.licensing_officers[0]
        hits = [
            await officer.hits.get(hit.hit_id)
            async for hit in officer.hits.list(application_id=application_id)
        ]
        assert {hit.license_id for hit in hits} == {license_id}
        await _clear_hits(hits, clients.licensing_officers)
        await _reinstated(license_id, clients.enforcement_officers)
        await scenario.wait_for_gate("c", "ALLOWED")
    finally:
        # The other journeys use the same end user.
        await clients.list_officer.lists.activate("US-CSL", before["US-CSL"])
        deadline = time.monotonic() + 120
        while not (await clients.list_officer.lists.status()).is_current:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.1)


async def _reinstated(license_id: str, officers: Sequence[Client]) -> None:
    """Lets two officers reinstate after enforcement has consumed the verdicts."""
    first, second = officers
    deadline = time.monotonic() + 60
    while True:
        etag = (await first.standing.timeline(license_id)).etag
        try:
            proposal = await first.violations.propose_reinstatement(
                license_id, rationale=WHY, etag=etag
            )
            break
        except SafeconductError as refused:
            if (
                refused.reason not in {"LIST_MATCH_OPEN", "STALE_ETAG"}
                or time.monotonic() > deadline
            ):
                raise
            await asyncio.sleep(0.05)
    answer = await second.violations.confirm_reinstatement(
        license_id,
        proposal.reinstatement.reinstatement_id,
        rationale=WHY,
        etag=(await second.standing.timeline(license_id)).etag,
    )
    assert answer.standing.state == enforcement_pb2.STANDING_STATE_ACTIVE


async def test_an_innocent_party_with_a_similar_name_is_cleared_and_licensed(
    clients: Clients, examples: Examples
) -> None:
    scenario = Scenario(
        clients,
        {**examples, "similar-name": _with_other_addresses(examples["similar-name"])},
        _ignore,
    )

    assert "approved by two officers; the gate answers ALLOWED" in await scenario.clear_false_hits()
