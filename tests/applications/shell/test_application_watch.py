"""The token of a watch advances with the feed; tokens of the former release still hold."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import asyncpg

from chassis.rpc.authentication import Principal
from chassis.rpc.page_tokens import PageTokens
from chassis.store.change_feed import ChangeFeed
from chassis.store.journal import Journal
from chassis.telemetry.tracing import setup
from services.applications.shell.application_watch import ApplicationWatch
from services.applications.shell.projections import ApplicationStream

TOKENS = PageTokens([b"k" * 32])
PARTNER = Principal("partner", "example-1", "example-1", frozenset({"PARTNER"}))
FOREIGN = """
with stranger as (
  insert into stream (id, version, state_data, latest_hash, state, traceparent, created_at,
                      updated_at, partner_id, submitted_at)
  values ($1, 1, '', '', 'SUBMITTED', '', now(), now(), $2, now()) returning id)
insert into event (stream_id, version, event_id, name, actor, occurred_at, state, payload,
                   traceparent, previous_hash, hash, partner_id)
select id, 1, gen_random_uuid(), 'ApplicationSubmitted', '', now(), 'SUBMITTED', '', '', '', '', $2
  from stranger
"""


def new_watch(feed: ChangeFeed) -> ApplicationWatch:
    # These two are all that a watch uses.
    dependencies: Any = SimpleNamespace(change_feed=feed, page_tokens=TOKENS)
    return ApplicationWatch(dependencies, PARTNER, None, heartbeat_s=0.01)


def new_feed(pool: asyncpg.Pool) -> ChangeFeed:
    telemetry = setup("applications", "0.0.0", log_level="CRITICAL")
    return ChangeFeed(Journal(pool, ApplicationStream(), telemetry, lambda: None), "partner_id")


def position(token: str) -> tuple[int, ...]:
    purpose = f"WatchApplications/{PARTNER.name}/None"
    return tuple(int(each) for each in TOKENS.decode(purpose, token))


async def test_the_token_of_a_quiet_partner_advances_although_nothing_of_his_happens(
    pool: asyncpg.Pool,
) -> None:
    feed = new_feed(pool)
    running = asyncio.create_task(feed.run())
    responses = new_watch(feed).responses("")
    first = (await anext(responses)).resume_token

    await pool.execute(FOREIGN, uuid4(), "example-2")

    async with asyncio.timeout(20):
        while position((latest := await anext(responses)).resume_token) <= position(first):
            assert not latest.changes
    assert not latest.changes
    await responses.aclose()  # type: ignore[attr-defined]  # it is a generator
    running.cancel()
    await asyncio.wait({running})


async def test_a_token_of_the_former_release_resumes_with_the_own_events_only(
    pool: asyncpg.Pool,
) -> None:
    own = uuid4()
    await pool.execute(FOREIGN, uuid4(), "example-2")
    await pool.execute(FOREIGN, own, "example-1")
    former = TOKENS.encode(f"WatchApplications/{PARTNER.name}/None", (0, 0, 0))

    responses = new_watch(new_feed(pool)).responses(former)

    assert [each.application_id for each in (await anext(responses)).changes] == [str(own)]
    await responses.aclose()  # type: ignore[attr-defined]  # it is a generator
