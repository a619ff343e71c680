"""Heartbeats: since when a replica knows everything, without Kafka, record by record."""

from __future__ import annotations

from chassis.store.outbox import SHARDS
from tests.enforcement.shell.standing_topic import (
    Topic,
)


async def test_nothing_is_known_before_a_heartbeat_has_returned_on_every_partition() -> None:
    topic = Topic()
    await topic.heartbeats.write()
    last = topic.waiting.pop()
    topic.deliver()

    assert topic.heartbeats.known_as_of is None

    topic.waiting.append(last)
    topic.deliver()
    assert topic.heartbeats.known_as_of == 0


async def test_knowledge_is_as_old_as_the_start_of_the_newest_heartbeat_that_returned() -> None:
    topic = Topic(clock=1_000)
    await topic.heartbeats.write()
    topic.clock = 5_000
    await topic.heartbeats.write()
    second = topic.waiting[SHARDS:]
    del topic.waiting[SHARDS:]

    topic.clock = 9_000
    topic.deliver()
    assert topic.heartbeats.age_ns() == 8_000

    topic.waiting = second
    topic.deliver()
    assert topic.heartbeats.age_ns() == 4_000


async def test_the_heartbeat_of_another_replica_is_ignored() -> None:
    topic, other = Topic(), Topic()
    await other.heartbeats.write()
    topic.waiting = other.waiting

    topic.deliver()

    assert topic.heartbeats.known_as_of is None


async def test_a_heartbeat_that_is_published_twice_takes_nothing_back() -> None:
    topic = Topic(clock=1)
    await topic.heartbeats.write()
    first = list(topic.waiting)
    topic.deliver()
    topic.clock = 2
    await topic.heartbeat()

    topic.waiting = first
    topic.deliver()

    assert topic.heartbeats.known_as_of == 2
