"""Records of the largest size take every step from the journal to the parked event."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from aiokafka.errors import MessageSizeTooLargeError
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from chassis.rpc.errors import RpcError
from chassis.store.journal import Journal
from chassis.streams import topics
from chassis.streams.dead_letters import DeadLetterWriter
from chassis.streams.envelope import Envelope, Undecodable
from chassis.streams.outbox_record import OutboxRecord, headers_of
from chassis.streams.record_size import (
    ENVELOPE_BYTES,
    MAX_DEAD_LETTER_BYTES,
    MAX_PAYLOAD_BYTES,
    MAX_RECORD_BYTES,
)
from infra.local.kafka import Kafka
from infra.local.postgres import Database
from tests.chassis.conftest import NewTopic
from tests.chassis.kafka_records import event_headers, produce, records_in
from tests.chassis.sample_aggregate import (
    UnindexedStream,
    naming,
    new_key,
    new_relay,
    open_pool,
    telemetry,
)
from tests.chassis.streams.test_consumer import Running
from tests.chassis.waiting import eventually, stopped

# Faust leaves coroutines behind that nobody awaits.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
TOPICS = Path("infra/topics.yaml")


def test_every_topic_accepts_the_largest_record_and_its_dead_letter() -> None:
    sizes = {
        topic.name: int(topic.config["max.message.bytes"]) for topic in topics.read_topics(TOPICS)
    }

    assert set(sizes.values()) == {MAX_RECORD_BYTES, MAX_DEAD_LETTER_BYTES}
    assert {name for name, size in sizes.items() if size == MAX_DEAD_LETTER_BYTES} == {
        name for name in sizes if name.endswith(".dlq")
    }


def test_key_and_headers_of_the_longest_names_fit_beside_the_largest_payload() -> None:
    record = OutboxRecord(
        outbox_id=2**63,
        shard=15,
        stream_id=uuid4(),
        version=2**31,
        name="N" * 200,
        payload=b"",
        event_id=uuid4(),
        occurred_at=datetime.now(UTC),
        traceparent="t" * 55,
        hash=bytes(32),
    )
    headers = headers_of(record, "/" + "s" * 60, "p" * 200, "t" * 55)
    redriven = [("dlq_redriven", b"d" * 300), ("dlq_group", b"g" * 100)]
    size = DefaultRecordBatchBuilder.estimate_size_in_bytes(b"k" * 36, b"", [*headers, *redriven])

    assert size + 100 < ENVELOPE_BYTES


async def test_an_event_of_the_largest_size_is_stored_and_one_of_a_byte_more_is_not(
    pool: asyncpg.Pool,
) -> None:
    journal = Journal(pool, UnindexedStream(), telemetry(), lambda: None)
    fits, too_large = uuid4(), uuid4()

    for creates in (True, False):
        await journal.execute(
            fits, new_key(), "me", naming(fits, MAX_PAYLOAD_BYTES), creates=creates
        )
        with pytest.raises(RpcError, match="RECORD_TOO_LARGE"):
            await journal.execute(
                too_large,
                new_key(),
                "me",
                naming(too_large, MAX_PAYLOAD_BYTES + 1),
                creates=creates,
            )

    stored = await journal.read(fits)
    assert stored is not None
    assert stored.version == 2
    assert await journal.read(too_large) is None
    await pool.execute("delete from outbox")


async def test_an_event_of_the_largest_size_is_published_consumed_and_parked(
    own_store: Database, kafka: Kafka, new_topic: NewTopic
) -> None:
    topic = await new_topic()
    pool, sample = await open_pool(own_store.app_dsn), uuid4()
    consumed: list[int] = []

    async def handle(envelope: Envelope) -> None:
        consumed.append(len(envelope.payload))
        raise Undecodable("a test")

    await Journal(pool, UnindexedStream(), telemetry(), lambda: None).execute(
        sample, new_key(), "me", naming(sample, MAX_PAYLOAD_BYTES)
    )

    async def parked() -> list[int]:
        rows = await pool.fetch("select octet_length(payload) as size from parked")
        return [row["size"] for row in rows]

    relay = asyncio.create_task(new_relay(own_store.app_dsn, kafka.bootstrap, topic).run())
    consuming = Running(kafka, "group-large", {topic: handle}, pool)
    await eventually(parked, "the parked event")

    assert await parked() == [MAX_PAYLOAD_BYTES]
    await stopped(relay)
    await consuming.stop()
    await pool.close()
    assert consumed == [MAX_PAYLOAD_BYTES]


async def test_a_foreign_record_of_the_largest_size_can_become_a_dead_letter(
    kafka: Kafka, new_topic: NewTopic
) -> None:
    topic = await new_topic()
    value = bytes(MAX_RECORD_BYTES - 400)
    letters = DeadLetterWriter(kafka.bootstrap, "g" * 100)

    await produce(kafka.bootstrap, topic, [(value, event_headers(1))])
    with pytest.raises(MessageSizeTooLargeError):
        await produce(kafka.bootstrap, topic, [(value + bytes(400), event_headers(1))])

    headers = {name: value or b"" for name, value in event_headers(1)}
    await letters.write(topic, 0, 0, b"key", value, headers, "R" * 60, "E" * 60, 6)
    await letters.close()
    (letter,) = await records_in(kafka.bootstrap, f"{topic}.dlq")
    assert letter.value == value
