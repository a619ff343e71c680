"""A hit that no officer has cleared bars an approval over all three services."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from safeconduct.applications.v1 import model_pb2
from safeconduct.channel import Credentials, Endpoints
from safeconduct.client import Client, SafeconductError

from infra.local.stack import Stack
from infra.scenario.clients import Clients, open_clients
from infra.scenario.examples import read_examples
from infra.scenario.scenario import Scenario

from .conftest import Examples

RATIONALE = "the institutes differ in country, address and work"
REASON = "the authority has confirmed by letter that it means another institute"


@pytest.fixture(scope="module")
def stack(run_folder: Path) -> Iterator[Stack]:
    """A stack of its own: elsewhere a verdict on the same party may be remembered."""
    with Stack(run_folder / "open-hits") as running:
        yield running


@pytest.fixture(scope="module")
def prepared(stack: Stack) -> tuple[Examples, Path]:
    return read_examples(stack.root)


@pytest.fixture(scope="module")
def examples(prepared: tuple[Examples, Path]) -> Examples:
    return prepared[0]


@pytest.fixture(scope="module")
async def clients(stack: Stack, prepared: tuple[Examples, Path]) -> AsyncIterator[Clients]:
    async with AsyncExitStack() as undo:
        yield await open_clients(stack, prepared[1], undo)


@pytest.fixture(scope="module")
async def highest_tier(stack: Stack) -> AsyncIterator[Client]:
    environ = stack.client_env("officer/licensing-5")
    client = Client(
        Endpoints.from_env(environ),
        Credentials.from_env(environ),
        deadline=60,
        waits_for_ready=True,
    )
    yield client
    await client.close()


async def test_an_approval_names_the_open_hits_and_needs_one_more_officer_to_override_them(
    clients: Clients, examples: Examples, highest_tier: Client
) -> None:
    scenario = Scenario(clients, examples, lambda *_: None)
    application = await scenario.wait_for_decision(await scenario.submit("f"), "UNDER_REVIEW")
    first, second = clients.licensing_officers
    case = (await first.reviews.explain(application.application_id)).case
    open_ids = [hit for each in case.screening.findings for hit in each.open_hit_ids]

    with pytest.raises(SafeconductError) as refused:
        await first.reviews.recommend(
            application.application_id,
            outcome=model_pb2.OUTCOME_APPROVE,
            rationale=RATIONALE,
            etag=case.application.etag,
        )

    assert refused.value.reason == "OPEN_HITS"
    assert refused.value.metadata["hitIds"].split(",") == open_ids[:5]
    assert refused.value.metadata["hitCount"] == str(len(open_ids))
    assert (await first.hits.get(open_ids[0])).application_id == application.application_id

    case = await first.reviews.recommend(
        application.application_id,
        outcome=model_pb2.OUTCOME_APPROVE,
        rationale=RATIONALE,
        etag=case.application.etag,
        open_hits_override=REASON,
    )
    states = []
    for officer in (second, highest_tier):
        case = await officer.reviews.countersign(
            application.application_id,
            recommendation_id=case.recommendation.recommendation_id,
            rationale=RATIONALE,
            etag=case.application.etag,
        )
        states.append(case.application.state)

    assert states == [
        model_pb2.APPLICATION_STATE_PENDING_COUNTERSIGN,
        model_pb2.APPLICATION_STATE_AWAITING_SIGNATURE,
    ]
    decision = (await first.reviews.explain(application.application_id)).decision
    override = decision.recommendation.open_hits_override
    assert (override.reason, list(override.hit_ids)) == (REASON, open_ids)


async def test_a_withdrawn_verdict_suspends_the_license_that_rests_on_it(
    clients: Clients, examples: Examples
) -> None:
    scenario = Scenario(clients, examples, lambda *_: None)
    await scenario.clear_false_hits()
    officer = clients.licensing_officers[1]
    found = [each async for each in officer.hits.list(application_id=scenario.applications["f"])]
    hit = await officer.hits.get(found[0].hit_id)
    if hit.remembered_hit_id:
        hit = await officer.hits.get(hit.remembered_hit_id)

    withdrawn = await officer.hits.withdraw_verdict(
        hit.hit_id, hit.verdict_id, rationale="the wrong hit was judged", etag=hit.etag
    )

    assert withdrawn.acts[-1].rationale == "the wrong hit was judged"
    await scenario.wait_for_gate("f", "SUSPENDED")
