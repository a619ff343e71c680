"""The reader of a compacted topic: everything from the beginning, then everything that comes."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from chassis.streams.consumer import Consumer, Envelope
from chassis.streams.dead_letters import DeadLetterWriter
from chassis.streams.topic_table import Entry, TopicTableReader
from chassis.streams.topics import Topic, create
from infra.local.kafka import Kafka
from infra.local.postgres import Database
from tests.chassis.conftest import NewTopic
from tests.chassis.sample_aggregate import (
    add,
    eventually,
    everything_in,
    fact,
    new_journal,
    new_relay,
    open_pool,
    stopped,
    telemetry,
    tell,
)


def numbered(first: int, last: int) -> list[tuple[bytes, list[tuple[str, bytes | None]]]]:
    return [(b"%d" % number, fact(number)) for number in range(first, last)]


async def test_everything_is_heard_in_order_per_partition_before_it_is_caught_up(
    kafka: Kafka, new_topic: NewTopic
) -> None:
    topic = await new_topic(2)
    await tell(kafka.bootstrap, topic, numbered(0, 50), partition=0)
    await tell(kafka.bootstrap, topic, numbered(50, 90), partition=1)
    heard: list[Entry] = []
    reader = TopicTableReader(kafka.bootstrap, topic, heard.extend)
    running = asyncio.create_task(reader.run())

    await reader.caught_up.wait()

    assert reader.partitions == {0, 1}
    assert [each.value for each in heard if each.partition == 0] == [b"%d" % n for n in range(50)]
    assert [each.value for each in heard if each.partition == 1] == [
        b"%d" % n for n in range(50, 90)
    ]
    assert {(each.key, each.type) for each in heard} == {(b"thing", "Added")}
    await tell(kafka.bootstrap, topic, numbered(90, 91), partition=1)
    await eventually(lambda: heard[-1].value == b"90", "what comes later")
    await stopped(running)


async def test_an_empty_topic_is_caught_up_with_at_once(kafka: Kafka, new_topic: NewTopic) -> None:
    reader = TopicTableReader(kafka.bootstrap, await new_topic(3), lambda _: None)
    running = asyncio.create_task(reader.run())

    async with asyncio.timeout(20):
        await reader.caught_up.wait()

    assert reader.partitions == {0, 1, 2}
    await stopped(running)


async def test_a_topic_that_does_not_exist_yet_is_waited_for(kafka: Kafka) -> None:
    heard: list[Entry] = []
    reader = TopicTableReader(kafka.bootstrap, "later.v1", heard.extend)
    running = asyncio.create_task(reader.run())

    await create(kafka.bootstrap, [Topic("later.v1", 1)], 1)
    await tell(kafka.bootstrap, "later.v1", numbered(0, 1))

    await eventually(lambda: heard, "it is heard")
    await stopped(running)


async def test_a_batch_that_could_not_be_heard_is_heard_again(
    kafka: Kafka, new_topic: NewTopic
) -> None:
    topic = await new_topic()
    await tell(kafka.bootstrap, topic, numbered(0, 5))
    tries: list[list[bytes]] = []

    def hear(entries: list[Entry]) -> None:
        tries.append([each.value for each in entries])
        if len(tries) == 1:
            assert not reader.caught_up.is_set()
            raise ValueError("a defect")

    reader = TopicTableReader(kafka.bootstrap, topic, hear)
    running = asyncio.create_task(reader.run())

    await reader.caught_up.wait()
    await stopped(running)
    assert tries[-1] == tries[0] == [b"%d" % n for n in range(5)]


async def test_a_reader_without_a_broker_ends_when_told() -> None:
    reader = TopicTableReader("127.0.0.1:1", "unused", lambda _: None)
    running = asyncio.create_task(reader.run())

    await asyncio.wait({running}, timeout=0.1)
    await stopped(running)

    assert not reader.caught_up.is_set()


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # Faust leaves coroutines behind
async def test_a_broker_that_dies_and_returns_costs_nobody_a_record(
    kafka: Kafka, new_topic: NewTopic, own_store: Database
) -> None:
    """The relay, the consumer and the reader of one service, all through the same loss."""
    topic = await new_topic(2)
    pool = await open_pool(own_store.app_dsn)
    relay = new_relay(own_store.app_dsn, kafka.bootstrap, topic)
    journal, things = new_journal(pool, relay.wake), [uuid4() for _ in range(10)]
    handled: set[bytes] = set()
    read: set[bytes] = set()

    async def handle(envelope: Envelope) -> None:
        handled.add(envelope.payload)

    letters = DeadLetterWriter(kafka.bootstrap, "survivors")
    consumer = Consumer("survivors", kafka.bootstrap, {topic: handle}, letters, telemetry())
    reader = TopicTableReader(
        kafka.bootstrap, topic, lambda entries: read.update(each.value for each in entries)
    )
    running = [asyncio.create_task(part.run()) for part in (relay, consumer, reader)]
    await asyncio.gather(*(add(journal, thing, 1) for thing in things))
    await eventually(lambda: len(handled) == len(read) == 10, "all run")

    kafka.kill()
    await asyncio.gather(*(add(journal, thing, 2) for thing in things))
    await asyncio.to_thread(kafka.restart)
    await asyncio.gather(*(add(journal, thing, 3) for thing in things))

    await eventually(lambda: len(handled) == len(read) == 30, "everything arrives", 60)
    await stopped(*running)
    await pool.close()
    per_thing = [
        [
            each.value
            for each in await everything_in(kafka.bootstrap, topic)
            if each.key == str(thing).encode()
        ]
        for thing in things
    ]
    assert [list(dict.fromkeys(values)) for values in per_thing] == [
        [f"{thing} {amount}".encode() for amount in (1, 2, 3)] for thing in things
    ]
