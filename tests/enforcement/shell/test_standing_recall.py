"""The cache against the database: holes of the topic, another topic, and lost commits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from safeconduct.standing import Standing, StandingState

from chassis.store.outbox import SHARDS
from services.enforcement.shell import standing_recall
from services.enforcement.shell.standing_recall import StandingRecall
from tests.enforcement.core.builders import LICENSE
from tests.enforcement.shell.standing_topic import (
    REVOKED,
    STANDING,
    Gate,
    Topic,
    sends_nothing,
    stored,
    versions,
)

ENDS = dict.fromkeys(range(SHARDS), 0)


def version(number: int, state: StandingState = StandingState.ACTIVE) -> Standing:
    return replace(STANDING, version=number, state=state)


async def test_every_page_is_recalled_and_the_database_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(standing_recall, "PAGE_SIZE", 2)
    monkeypatch.setattr(standing_recall, "RETRY_S", 0.0)
    topic = Topic()
    licenses = [replace(STANDING, license_id=str(UUID(int=n))) for n in range(1, 6)]

    await StandingRecall(topic.cache, stored(*licenses, away=2)).start(uuid4(), ENDS)

    assert topic.cache.license_count == 5


async def test_no_lease_is_given_if_a_revocation_was_compacted_before_it_was_read() -> None:
    topic = Topic()
    topic.put(version(4))
    await topic.heartbeat()
    # The reader is away. Version 5 revokes, then a relay that lost its shard gets version 4 through
    # once more. Compaction keeps that last record only.
    topic.compact(version(5, StandingState.REVOKED))
    topic.put(version(4))
    topic.clock = 10_000
    await topic.heartbeat()

    assert topic.heartbeats.known_as_of == 10_000
    assert topic.cache.known_as_of("example-1") is None

    await StandingRecall(topic.cache, stored(version(5, StandingState.REVOKED))).caught_up()

    assert topic.cache.find(LICENSE) == version(5, StandingState.REVOKED)
    assert topic.cache.known_as_of("example-1") == 10_000


async def test_a_recalled_standing_reaches_the_gates_that_follow() -> None:
    topic = Topic()
    topic.put(STANDING)
    await topic.heartbeat()
    gate = Gate(topic)
    await gate.changes()
    topic.compact(REVOKED)
    await topic.heartbeat()
    await gate.renew(1)
    assert await sends_nothing(gate)

    await StandingRecall(topic.cache, stored(REVOKED)).caught_up()

    gate = Gate(topic)
    assert versions(await gate.changes()) == [2]


async def test_records_that_were_compacted_before_reading_began_are_no_hole() -> None:
    topic = Topic()
    topic.compact(STANDING)
    recall = StandingRecall(topic.cache, stored(STANDING))
    await recall.start(uuid4(), dict(enumerate(topic.ends)))
    await recall.caught_up()
    await topic.heartbeat()

    assert not topic.cache.hole_found.is_set()
    assert topic.cache.known_as_of("example-1") == 0


async def test_a_hole_that_is_found_during_a_recall_stays_open() -> None:
    topic = Topic()
    topic.put(STANDING)
    await topic.heartbeat()
    begun = topic.cache.begin_recall()
    topic.compact(REVOKED)
    await topic.heartbeat()

    topic.cache.end_recall(begun)

    assert topic.cache.hole_found.is_set()


@asynccontextmanager
async def watching(topic: Topic, *standings: Standing) -> AsyncIterator[None]:
    """A recall of these standings that waits for its occasions."""
    task = asyncio.create_task(StandingRecall(topic.cache, stored(*standings)).watch())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


async def knows_the_revocation(topic: Topic) -> None:
    async with asyncio.timeout(10):
        while topic.cache.find(LICENSE) != REVOKED:  # noqa: ASYNC110 - the cache signals nothing
            await asyncio.sleep(0)


async def test_a_hole_leads_to_a_recall_at_once() -> None:
    topic = Topic()
    topic.put(STANDING)
    await topic.heartbeat()
    topic.compact(REVOKED)
    await topic.heartbeat()

    async with watching(topic, REVOKED):
        await knows_the_revocation(topic)


async def test_without_an_occasion_standings_are_recalled_after_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(standing_recall, "RECALL_S", 0.0)
    monkeypatch.setattr(standing_recall, "IDENTITY_S", 0.001)
    topic = Topic()
    topic.put(STANDING)
    await topic.heartbeat()

    async with watching(topic, REVOKED):
        await knows_the_revocation(topic)


async def test_no_lease_is_given_before_the_topic_is_compared_with_the_database() -> None:
    topic = Topic()
    recall = StandingRecall(topic.cache, stored(STANDING))

    await recall.start(uuid4(), ENDS)
    topic.put(STANDING)
    await topic.heartbeat()
    assert topic.cache.known_as_of("example-1") is None
    await recall.caught_up()

    assert topic.cache.known_as_of("example-1") == 0


@pytest.mark.parametrize("left", [[STANDING], []], ids=["an older version", "no version"])
async def test_a_database_that_lost_commits_is_noticed_and_no_lease_is_given(
    left: list[Standing],
) -> None:
    topic = Topic()
    topic.put(REVOKED)
    await topic.heartbeat()

    await StandingRecall(topic.cache, stored(*left)).caught_up()

    assert topic.cache.known_as_of("example-1") is None
    assert topic.cache.withheld is not None
    assert f"version 2 of {LICENSE}" in topic.cache.withheld
    assert topic.cache.find(LICENSE) == REVOKED


async def test_leases_are_given_again_when_the_lost_commits_are_restored() -> None:
    topic = Topic()
    topic.put(REVOKED)
    await topic.heartbeat()
    database = stored(STANDING)
    recall = StandingRecall(topic.cache, database)
    await recall.caught_up()

    database.standings = [REVOKED]
    await recall.recall()

    assert topic.cache.known_as_of("example-1") == 0


@pytest.mark.parametrize(
    "change", [{"timeline": "00000002"}, {"log_position": 999}], ids=["failover", "older base"]
)
async def test_another_database_gets_no_lease_before_it_is_compared(change: dict[str, int]) -> None:
    topic = Topic()
    topic.put(STANDING)
    await topic.heartbeat()
    database = stored(STANDING)
    recall = StandingRecall(topic.cache, database)
    await recall.start(uuid4(), dict(enumerate(topic.ends)))
    await recall.caught_up()
    assert topic.cache.known_as_of("example-1") == 0

    for name, value in change.items():
        setattr(database, name, value)
    await recall.check_identity()
    assert topic.cache.known_as_of("example-1") is None
    await recall.recall()

    assert topic.cache.known_as_of("example-1") == 0


async def test_a_token_of_a_topic_that_was_created_anew_leads_to_a_snapshot() -> None:
    before = Topic()
    await StandingRecall(before.cache, stored()).start(uuid4(), ENDS)
    before.cache.withhold(None)
    before.ends = [1_000] * SHARDS
    before.cache.end_recall(before.cache.begin_recall(dict(enumerate(before.ends))))
    await before.heartbeat()
    token = (await Gate(before).changes()).resume_token

    anew = Topic()
    recall = StandingRecall(anew.cache, stored(REVOKED))
    await recall.start(uuid4(), ENDS)
    await recall.caught_up()
    anew.put(REVOKED)  # at an offset below those of the token
    anew.deliver()
    anew.ends = [2_000] * SHARDS
    anew.cache.end_recall(anew.cache.begin_recall(dict(enumerate(anew.ends))))
    await anew.heartbeat()
    changes = await Gate(anew, token=token).changes()

    assert (versions(changes), changes.is_snapshot) == ([2], True)


@pytest.mark.parametrize("change", [{"timeline": "00000002"}, {}], ids=["failover", "the same"])
async def test_a_token_is_of_one_topic_and_one_timeline_of_the_database(
    change: dict[str, str],
) -> None:
    topic_id = uuid4()
    topics = [Topic(), Topic()]
    for topic, options in zip(topics, ({}, change), strict=True):
        database = stored(STANDING)
        for name, value in options.items():
            setattr(database, name, value)
        recall = StandingRecall(topic.cache, database)
        await recall.start(topic_id, ENDS)
        await recall.caught_up()
        topic.put(STANDING)
        await topic.heartbeat()
    token = (await Gate(topics[0]).changes()).resume_token

    changes = await Gate(topics[1], token=token).changes()

    assert changes.is_snapshot == bool(change)


async def test_offsets_of_another_topic_are_forgotten() -> None:
    topic = Topic()
    recall = StandingRecall(topic.cache, stored(STANDING))
    await recall.start(uuid4(), ENDS)
    topic.put(STANDING)
    topic.deliver()

    await recall.start(uuid4(), ENDS)

    assert topic.cache.offsets == (0,) * SHARDS
    assert [each.offset for each in topic.cache.of_partner("example-1")] == [None]


async def test_an_unreadable_standing_in_the_database_withholds_leases_from_its_partner() -> None:
    topic = Topic()
    topic.put(STANDING)
    await topic.heartbeat()

    topic.cache.recall(LICENSE, b"\xff\xff")

    assert topic.cache.known_as_of("example-1") is None
    assert topic.cache.known_as_of("example-2") == 0
