"""The relay publishes every committed event in the order of its stream, whatever fails."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from uuid import UUID, uuid4

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer, ConsumerRecord
from aiokafka.errors import RequestTimedOutError
from aiokafka.producer.sender import SendProduceReqHandler

from chassis.rpc.errors import RpcError
from chassis.store.outbox import shard_of
from infra.local.kafka import Kafka
from infra.local.postgres import Database, Postgres
from tests.chassis.conftest import NewTopic
from tests.chassis.kafka_records import records_in
from tests.chassis.sample_aggregate import (
    SampleJournal,
    add,
    adding,
    new_journal,
    new_key,
    new_relay,
    open_pool,
)
from tests.chassis.waiting import eventually, stopped

SHARDS_OWNED = """
select pid, count(*) as owned from pg_locks l join pg_database d on d.oid = l.database
 where d.datname = current_database() and l.locktype = 'advisory' and l.classid = 7001 and l.granted
 group by pid order by 2
"""
KILL_ONE = """
select pg_terminate_backend(pid) from pg_locks l join pg_database d on d.oid = l.database
 where d.datname = $1 and l.locktype = 'advisory' and l.classid = 7002 and l.granted limit 1
"""


@pytest.fixture
async def pool(own_store: Database) -> AsyncIterator[asyncpg.Pool]:
    opened = await open_pool(own_store.app_dsn)
    yield opened
    await opened.close()


async def outbox(pool: asyncpg.Pool) -> int:
    return int(await pool.fetchval("select count(*) from outbox"))


async def shards_owned(pool: asyncpg.Pool) -> list[int]:
    return [row["owned"] for row in await pool.fetch(SHARDS_OWNED)]


def emptied(pool: asyncpg.Pool) -> Callable[[], object]:
    async def is_empty() -> bool:
        return await outbox(pool) == 0

    return is_empty


def header(record: ConsumerRecord, name: str) -> str:
    return dict(record.headers)[name].decode()


def first_versions(records: list[ConsumerRecord]) -> dict[UUID, list[int]]:
    """Versions of each stream in the order of the topic, without repetitions."""
    seen: dict[UUID, list[int]] = defaultdict(list)
    for record in records:
        versions = seen[UUID(header(record, "ce_subject"))]
        if (version := int(header(record, "ce_streamversion"))) not in versions:
            versions.append(version)
    return seen


async def test_an_event_is_published_as_a_cloudevent_with_the_key_of_its_stream(
    own_store: Database, pool: asyncpg.Pool, kafka: Kafka, new_topic: NewTopic
) -> None:
    topic = await new_topic()
    relay = new_relay(own_store.app_dsn, kafka.bootstrap, topic)
    running = asyncio.create_task(relay.run())
    journal, sample = new_journal(pool, relay.wake), uuid4()

    await add(journal, sample, 5)

    await eventually(emptied(pool), "the outbox is empty")
    await stopped(running)
    (record,) = await records_in(kafka.bootstrap, topic)
    (recorded,) = await journal.history(sample)
    headers = {name: value.decode() for name, value in record.headers}
    assert (record.key, record.value) == (str(sample).encode(), recorded.payload)
    assert headers.pop("traceparent")[3:35] == recorded.trace_id
    assert headers == {
        "ce_specversion": "1.0",
        "ce_type": "safeconduct.samples.v1.Added",
        "ce_source": "/samples",
        "ce_id": str(recorded.event_id),
        "ce_time": recorded.occurred_at.isoformat().replace("+00:00", "Z"),
        "ce_subject": str(sample),
        "ce_streamversion": "1",
        "ce_hash": recorded.hash.hex(),
        "content-type": "application/protobuf",
    }


async def test_a_record_without_an_event_is_published_from_its_shard(
    own_store: Database, pool: asyncpg.Pool, kafka: Kafka, new_topic: NewTopic
) -> None:
    ticks = await new_topic(16)
    relay = new_relay(own_store.app_dsn, kafka.bootstrap, "unused", ticks)
    running = asyncio.create_task(relay.run())

    await new_journal(pool, relay.wake).add_to_outbox(
        [(shard, "Tick", b"%d" % shard) for shard in range(16)]
    )

    await eventually(emptied(pool), "the outbox is empty")
    await stopped(running)
    records = await records_in(kafka.bootstrap, ticks)
    assert {(each.partition, each.value) for each in records} == {
        (shard, b"%d" % shard) for shard in range(16)
    }
    assert {header(each, "ce_type") for each in records} == {"safeconduct.samples.v1.Tick"}


async def test_replicas_share_the_shards_and_take_over_those_of_a_stopped_one(
    own_store: Database, pool: asyncpg.Pool, kafka: Kafka, new_topic: NewTopic
) -> None:
    topic = await new_topic()
    one, other = (
        asyncio.create_task(new_relay(own_store.app_dsn, kafka.bootstrap, topic).run())
        for _ in range(2)
    )

    async def halved() -> bool:
        return await shards_owned(pool) == [8, 8]

    async def alone() -> bool:
        return await shards_owned(pool) == [16]

    await eventually(halved, "eight shards each")
    await stopped(one)
    await eventually(alone, "sixteen shards")
    await stopped(other)
    assert await shards_owned(pool) == []


async def test_no_event_is_missing_and_every_stream_is_in_order_though_relays_fail(
    own_store: Database, pool: asyncpg.Pool, kafka: Kafka, new_topic: NewTopic, postgres: Postgres
) -> None:
    topic = await new_topic(6)
    samples = [uuid4() for _ in range(40)]
    relays = [new_relay(own_store.app_dsn, kafka.bootstrap, topic) for _ in range(2)]
    running = [asyncio.create_task(relay.run()) for relay in relays]
    journal = new_journal(pool, lambda: [relay.wake() for relay in relays])
    admin = await asyncpg.connect(postgres.dsn())
    written = 0

    async def write(sample: UUID) -> None:
        nonlocal written
        for _ in range(15):
            await add(journal, sample, 1, 1)
            written += 2

    async def break_relays() -> None:
        for at in (100, 250, 400, 550, 700, 850):
            await eventually(lambda at=at: written >= at, "writers go on")
            if at % 200:
                await admin.execute(KILL_ONE, own_store.name)
            else:
                await stopped(running.pop(0))
                relays.append(new_relay(own_store.app_dsn, kafka.bootstrap, topic))
                running.append(asyncio.create_task(relays[-1].run()))

    await asyncio.gather(break_relays(), *(write(sample) for sample in samples))

    await eventually(emptied(pool), "the outbox is empty")
    await stopped(*running)
    await admin.close()
    assert first_versions(await records_in(kafka.bootstrap, topic)) == {
        sample: list(range(1, 31)) for sample in samples
    }


async def test_a_record_that_cannot_be_sent_holds_back_only_later_records_of_its_shard(
    own_store: Database, pool: asyncpg.Pool, kafka: Kafka, new_topic: NewTopic
) -> None:
    topic = await new_topic()
    too_large = uuid4()
    other = next(sample for sample in iter(uuid4, None) if shard_of(sample) != shard_of(too_large))
    journal = new_journal(pool)
    await add(journal, too_large, 1, 2, 3)
    await pool.execute(
        "insert into outbox (shard, name, body) values ($1, 'Large', $2)",
        shard_of(too_large),
        bytes(2_000_000),
    )
    await add(journal, too_large, 4)
    relay = new_relay(own_store.app_dsn, kafka.bootstrap, topic, topic)
    running = asyncio.create_task(relay.run())

    async def only_two_rows_wait() -> bool:
        return await outbox(pool) == 2

    await eventually(only_two_rows_wait, "the rest has left")
    sent = len(await records_in(kafka.bootstrap, topic))
    for total in range(1, 4):  # each of them waits for another session of the relay
        await add(journal, other, 1)
        await eventually(only_two_rows_wait, f"number {total} of the other shard")

    await stopped(running)
    records = await records_in(kafka.bootstrap, topic)
    assert first_versions(records) == {too_large: [1, 2, 3], other: [1, 2, 3]}
    assert len(records) == sent + 3


async def test_a_restart_of_the_database_loses_no_record(
    own_store: Database, pool: asyncpg.Pool, kafka: Kafka, new_topic: NewTopic, postgres: Postgres
) -> None:
    topic, sample = await new_topic(), uuid4()
    relay = new_relay(own_store.app_dsn, kafka.bootstrap, topic)
    running = asyncio.create_task(relay.run())
    journal: SampleJournal = new_journal(pool, relay.wake)
    await add(journal, sample, 1)
    await eventually(emptied(pool), "the outbox is empty")

    postgres.kill()
    with pytest.raises(RpcError, match="STORAGE_UNAVAILABLE"):
        await add(journal, sample, 1)
    postgres.restart()
    await eventually(lambda: _works(journal, sample), "the database is back")

    await eventually(emptied(pool), "the outbox is empty again")
    await stopped(running)
    current = await journal.read(sample)
    assert current is not None
    assert first_versions(await records_in(kafka.bootstrap, topic)) == {
        sample: list(range(1, current.version + 1))
    }


async def _works(journal: SampleJournal, sample: UUID) -> bool:
    try:
        await add(journal, sample, 1)
    except RpcError:
        return False
    return True


async def test_a_relay_without_a_broker_ends_when_cancelled_and_owns_no_shard(
    own_store: Database, pool: asyncpg.Pool
) -> None:
    async def sessions() -> int:
        return int(
            await pool.fetchval(
                "select sessions from pg_stat_database where datname = current_database()"
            )
        )

    await add(new_journal(pool), uuid4(), 1)
    before = await sessions()
    running = asyncio.create_task(new_relay(own_store.app_dsn, "127.0.0.1:1", "unused").run())

    async def tried() -> bool:
        return await sessions() > before

    await eventually(tried, "it has tried")
    await stopped(running)

    assert await shards_owned(pool) == []
    assert await outbox(pool) == 1


async def test_canary_an_idempotent_producer_repeats_an_expired_batch_for_ever(
    kafka: Kafka,
) -> None:
    """Giving one up would let the next overtake it. So the relay closes the sender."""
    async with AIOKafkaProducer(
        bootstrap_servers=kafka.bootstrap, enable_idempotence=True
    ) as producer:
        expired = SimpleNamespace(expired=lambda: True)
        assert SendProduceReqHandler(producer._sender, {})._can_retry(
            RequestTimedOutError(), expired
        )


async def test_a_decision_of_many_events_is_published_whole(
    own_store: Database, pool: asyncpg.Pool, kafka: Kafka, new_topic: NewTopic
) -> None:
    topic, sample = await new_topic(), uuid4()
    relay = new_relay(own_store.app_dsn, kafka.bootstrap, topic)
    await new_journal(pool).execute(
        sample, new_key(), "officer/licensing-1", adding(sample, *([1] * 450))
    )

    running = asyncio.create_task(relay.run())

    await eventually(emptied(pool), "the outbox is empty")
    await stopped(running)
    records = await records_in(kafka.bootstrap, topic)
    assert [int(header(record, "ce_streamversion")) for record in records] == list(range(1, 451))
