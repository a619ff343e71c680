"""The reader of a compacted topic passes all old records, then all new ones."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from uuid import UUID, uuid4

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.client import AIOKafkaClient

from chassis.streams.envelope import Envelope
from chassis.streams.topic_id import topic_id
from chassis.streams.topic_table import Entry, TopicTableReader
from chassis.streams.topics import Topic, create
from infra.local.kafka import Kafka
from infra.local.postgres import Database
from tests.chassis.conftest import NewTopic
from tests.chassis.kafka_records import event_headers, produce, records_in
from tests.chassis.sample_aggregate import add, new_journal, new_relay, open_pool
from tests.chassis.streams.test_consumer import Running
from tests.chassis.waiting import eventually, stopped


def numbered(first: int, last: int) -> list[tuple[bytes, list[tuple[str, bytes | None]]]]:
    return [(b"%d" % number, event_headers(number)) for number in range(first, last)]


async def test_every_record_is_passed_in_order_per_partition_before_it_is_caught_up(
    kafka: Kafka, new_topic: NewTopic
) -> None:
    topic = await new_topic(2)
    await produce(kafka.bootstrap, topic, numbered(0, 50), partition=0)
    await produce(kafka.bootstrap, topic, numbered(50, 90), partition=1)
    passed: list[Entry] = []
    reader = TopicTableReader(kafka.bootstrap, topic, passed.extend)
    running = asyncio.create_task(reader.run())

    await reader.caught_up.wait()

    assert reader.partitions == {0, 1}
    assert [each.value for each in passed if each.partition == 0] == [b"%d" % n for n in range(50)]
    assert [each.value for each in passed if each.partition == 1] == [
        b"%d" % n for n in range(50, 90)
    ]
    assert {(each.key, each.type) for each in passed} == {(b"sample", "Added")}
    await produce(kafka.bootstrap, topic, numbered(90, 91), partition=1)
    await eventually(lambda: passed[-1].value == b"90", "the later record")
    await stopped(running)


async def test_a_reader_of_an_empty_topic_is_caught_up_at_once(
    kafka: Kafka, new_topic: NewTopic
) -> None:
    reader = TopicTableReader(kafka.bootstrap, await new_topic(3), lambda _: None)
    running = asyncio.create_task(reader.run())

    async with asyncio.timeout(20):
        await reader.caught_up.wait()

    assert reader.partitions == {0, 1, 2}
    await stopped(running)


async def test_a_topic_that_does_not_exist_yet_is_waited_for(kafka: Kafka) -> None:
    passed: list[Entry] = []
    reader = TopicTableReader(kafka.bootstrap, "later.v1", passed.extend)
    running = asyncio.create_task(reader.run())

    await create(kafka.bootstrap, [Topic("later.v1", 1)], 1)
    await produce(kafka.bootstrap, "later.v1", numbered(0, 1))

    await eventually(lambda: passed, "the record")
    await stopped(running)


async def test_a_batch_whose_callback_raised_is_passed_again(
    kafka: Kafka, new_topic: NewTopic
) -> None:
    topic = await new_topic()
    await produce(kafka.bootstrap, topic, numbered(0, 5))
    tries: list[list[bytes]] = []

    def note(entries: list[Entry]) -> None:
        tries.append([each.value for each in entries])
        if len(tries) == 1:
            assert not reader.caught_up.is_set()
            raise ValueError("a defect")

    reader = TopicTableReader(kafka.bootstrap, topic, note)
    running = asyncio.create_task(reader.run())

    await reader.caught_up.wait()
    await stopped(running)
    assert tries[-1] == tries[0] == [b"%d" % n for n in range(5)]


async def test_reading_begins_with_the_id_and_the_ends_of_the_topic(
    kafka: Kafka, new_topic: NewTopic
) -> None:
    topic = await new_topic(2)
    await produce(kafka.bootstrap, topic, numbered(0, 3), partition=1)
    steps: list[object] = []

    async def start(topic_id: UUID, ends: Mapping[int, int]) -> None:
        steps.append((topic_id, ends))

    reader = TopicTableReader(
        kafka.bootstrap, topic, lambda entries: steps.extend(each.offset for each in entries), start
    )
    running = asyncio.create_task(reader.run())
    await reader.caught_up.wait()
    await stopped(running)

    assert steps == [(await id_of(kafka, topic), {0: 0, 1: 3}), 0, 1, 2]


async def test_a_topic_that_is_created_anew_is_read_from_its_beginning(
    kafka: Kafka, new_topic: NewTopic
) -> None:
    topic = await new_topic()
    await produce(kafka.bootstrap, topic, numbered(0, 5))
    ids: list[UUID] = []
    passed: list[bytes] = []

    async def start(topic_id: UUID, _ends: Mapping[int, int]) -> None:
        ids.append(topic_id)

    reader = TopicTableReader(
        kafka.bootstrap, topic, lambda entries: passed.extend(each.value for each in entries), start
    )
    running = asyncio.create_task(reader.run())
    await eventually(lambda: len(passed) == 5, "the records")

    await recreate(kafka, topic)
    # More records than before: offsets alone do not show that it is another topic.
    await produce(kafka.bootstrap, topic, numbered(100, 110))

    await eventually(lambda: len(set(ids)) == 2, "the other topic is noticed")
    del passed[:-10]
    await eventually(lambda: passed[-10:] == [b"%d" % n for n in range(100, 110)], "all of them")
    await stopped(running)


async def id_of(kafka: Kafka, topic: str) -> UUID:
    client = AIOKafkaClient(bootstrap_servers=kafka.bootstrap)
    await client.bootstrap()
    try:
        return await topic_id(client, topic)
    finally:
        await client.close()


async def recreate(kafka: Kafka, topic: str) -> None:
    """Deletes the topic, and creates it as soon as the broker has forgotten it."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        await admin.delete_topics([topic])
        async with asyncio.timeout(30):
            while topic in await admin.list_topics():  # noqa: ASYNC110 - the broker signals nothing
                await asyncio.sleep(0.1)
    finally:
        await admin.close()
    await create(kafka.bootstrap, [Topic(topic, 1)], 1)


async def test_a_topic_without_an_id_is_named(kafka: Kafka) -> None:
    with pytest.raises(LookupError, match=r"missing\.v1"):
        await id_of(kafka, "missing.v1")


async def test_a_reader_without_a_broker_ends_when_cancelled() -> None:
    reader = TopicTableReader("127.0.0.1:1", "unused", lambda _: None)
    running = asyncio.create_task(reader.run())

    await asyncio.wait({running}, timeout=0.1)
    await stopped(running)

    assert not reader.caught_up.is_set()


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # Faust leaves coroutines behind
async def test_a_restart_of_the_broker_loses_no_record(
    kafka: Kafka, new_topic: NewTopic, own_store: Database
) -> None:
    """For the relay, the consumer and the reader of one service at once."""
    topic = await new_topic(2)
    pool = await open_pool(own_store.app_dsn)
    relay = new_relay(own_store.app_dsn, kafka.bootstrap, topic)
    journal, samples = new_journal(pool, relay.wake), [uuid4() for _ in range(10)]
    handled: set[bytes] = set()
    read: set[bytes] = set()

    async def handle(envelope: Envelope) -> None:
        handled.add(envelope.payload)

    consuming = Running(kafka, "survivors", {topic: handle}, pool)
    reader = TopicTableReader(
        kafka.bootstrap, topic, lambda entries: read.update(each.value for each in entries)
    )
    running = [asyncio.create_task(part.run()) for part in (relay, reader)]
    await asyncio.gather(*(add(journal, sample, 1) for sample in samples))
    await eventually(lambda: len(handled) == len(read) == 10, "all run")

    kafka.kill()
    await asyncio.gather(*(add(journal, sample, 2) for sample in samples))
    await asyncio.to_thread(kafka.restart)
    await asyncio.gather(*(add(journal, sample, 3) for sample in samples))

    await eventually(lambda: len(handled) == len(read) == 30, "everything arrives", 60)
    await stopped(*running)
    await consuming.stop()
    await pool.close()
    per_sample = [
        [
            each.value
            for each in await records_in(kafka.bootstrap, topic)
            if each.key == str(sample).encode()
        ]
        for sample in samples
    ]
    assert [list(dict.fromkeys(values)) for values in per_sample] == [
        [f"{sample} {amount}".encode() for amount in (1, 2, 3)] for sample in samples
    ]
