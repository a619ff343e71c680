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
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import RequestTimedOutError
from aiokafka.producer.sender import SendProduceReqHandler

from chassis.rpc.errors import RpcError
from chassis.store import journal as module_of_the_journal
from chassis.store.journal import Journal
from chassis.store.outbox import shard_of
from chassis.streams import relay_producer
from chassis.streams.outbox_record import Address, OutboxRecord
from chassis.streams.relay import Relay
from chassis.streams.relay_metrics import RelayMetrics
from infra.local.kafka import Kafka
from infra.local.postgres import Database, Postgres
from tests.chassis.conftest import NewTopic
from tests.chassis.kafka_records import records_in
from tests.chassis.sample_aggregate import (
    SEPARATE_OUTBOX,
    Added,
    Named,
    SampleJournal,
    SeparateStream,
    UnindexedStream,
    add,
    adding,
    naming,
    new_journal,
    new_key,
    new_relay,
    open_pool,
    telemetry,
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


PRESENT = """
select count(*) from pg_locks l join pg_database d on d.oid = l.database
 where d.datname = current_database() and l.locktype = 'advisory' and l.classid = 7002 and l.granted
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


async def owned_is(pool: asyncpg.Pool, expected: list[int]) -> bool:
    return await shards_owned(pool) == expected


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


async def rows(pool: asyncpg.Pool, sample: UUID) -> list[tuple[int, str | None]]:
    """Version and reason of the rows of the sample that wait in the outbox."""
    found = await pool.fetch(
        "select version, parked_reason from outbox where stream_id = $1 order by id", sample
    )
    return [(row["version"], row["parked_reason"]) for row in found]


def sample_of_shard(shard: int) -> UUID:
    return next(sample for sample in iter(uuid4, None) if shard_of(sample) == shard)


async def add_large(pool: asyncpg.Pool, sample: UUID, size: int) -> None:
    """Adds an event with a payload of so many bytes."""
    journal = Journal(pool, UnindexedStream(), telemetry(), lambda: None)
    await journal.execute(sample, new_key(), "me", naming(sample, size))


@pytest.fixture
def large_events(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets the journal store an event that no producer sends, as an earlier release did."""
    monkeypatch.setattr(module_of_the_journal, "MAX_PAYLOAD_BYTES", 8 << 20)


async def test_a_record_that_is_too_large_parks_its_stream_and_no_other_of_its_shard(
    own_store: Database, pool: asyncpg.Pool, kafka: Kafka, new_topic: NewTopic, large_events: None
) -> None:
    topic, poisoned = await new_topic(), uuid4()
    other = sample_of_shard(shard_of(poisoned))
    relay = new_relay(own_store.app_dsn, kafka.bootstrap, topic)
    journal: SampleJournal = Journal(pool, UnindexedStream(), telemetry(), relay.wake)
    await add(journal, poisoned, 1)
    await add_large(pool, poisoned, 3 << 20)
    await add(journal, poisoned, 3)
    await add(journal, other, 1)
    running = asyncio.create_task(relay.run())

    async def only(expected: list[tuple[int, str]]) -> bool:
        return await outbox(pool) == len(expected) and await rows(pool, poisoned) == expected

    parked = [(2, "RECORD_TOO_LARGE"), (3, "BEHIND")]
    await eventually(lambda: only(parked), "the poisoned stream waits alone")
    for version in (4, 5, 6):
        await add(journal, poisoned, 1)
        await add(journal, other, 1)
        parked.append((version, "BEHIND"))
        await eventually(lambda: only(parked), "the other stream goes on")

    await stopped(running)
    records = await records_in(kafka.bootstrap, topic)
    assert first_versions(records) == {poisoned: [1], other: [1, 2, 3, 4]}
    assert len(records) == 5, "no session ended, so that no record was sent twice"


async def test_records_that_were_parked_are_sent_in_order_once_they_are_retried(
    own_store: Database, pool: asyncpg.Pool, kafka: Kafka, new_topic: NewTopic
) -> None:
    topic, sample = await new_topic(), uuid4()
    journal = new_journal(pool)
    await add(journal, sample, 1, 2, 3)
    await pool.execute(
        "update outbox set parked_at = now(),"
        " parked_reason = case version when 1 then 'REFUSED_BY_BROKER' else 'BEHIND' end"
    )
    running = asyncio.create_task(new_relay(own_store.app_dsn, kafka.bootstrap, topic).run())
    await add(journal, sample, 4)

    async def all_wait() -> bool:
        return [reason for _, reason in await rows(pool, sample)][1:] == ["BEHIND"] * 3

    await eventually(all_wait, "the new event waits behind")
    # Only the first: those behind an event that is gone are freed by the relay.
    await pool.execute("update outbox set parked_reason = null where version = 1")

    await eventually(emptied(pool), "the outbox is empty")
    await stopped(running)
    records = await records_in(kafka.bootstrap, topic)
    assert [int(header(record, "ce_streamversion")) for record in records] == [1, 2, 3, 4]


async def test_a_record_that_the_broker_refuses_parks_its_stream_and_no_other_of_its_batch(
    own_store: Database, pool: asyncpg.Pool, kafka: Kafka, new_topic: NewTopic
) -> None:
    topic = await new_topic(1, **{"max.message.bytes": "20000"})
    poisoned = uuid4()
    others = [sample_of_shard(shard_of(poisoned)) for _ in range(2)]
    journal = new_journal(pool)
    await add(journal, others[0], 1)
    await add_large(pool, poisoned, 50_000)
    await add(journal, others[1], 1)
    await add_large(pool, poisoned, 100)
    running = asyncio.create_task(new_relay(own_store.app_dsn, kafka.bootstrap, topic).run())

    async def poisoned_waits_alone() -> bool:
        return await outbox(pool) == 2 and await rows(pool, poisoned) == [
            (1, "REFUSED_BY_BROKER"),
            (2, "BEHIND"),
        ]

    await eventually(poisoned_waits_alone, "the poisoned stream waits alone")
    await stopped(running)
    assert first_versions(await records_in(kafka.bootstrap, topic)) == {
        sample: [1] for sample in others
    }


async def test_a_record_without_a_stream_that_is_too_large_is_parked_alone(
    own_store: Database, pool: asyncpg.Pool, kafka: Kafka, new_topic: NewTopic
) -> None:
    ticks = await new_topic(16)
    relay = new_relay(own_store.app_dsn, kafka.bootstrap, "unused", ticks)
    await new_journal(pool).add_to_outbox([(3, "Tick", bytes(3 << 20)), (3, "Tick", b"small")])
    running = asyncio.create_task(relay.run())

    async def one_is_parked() -> bool:
        return await pool.fetchval("select array_agg(parked_reason) from outbox") == [
            "RECORD_TOO_LARGE"
        ]

    await eventually(one_is_parked, "the small one has left")
    await stopped(running)
    assert [record.value for record in await records_in(kafka.bootstrap, ticks)] == [b"small"]


async def test_a_shard_whose_topic_does_not_answer_holds_back_no_other_shard(
    own_store: Database, pool: asyncpg.Pool, kafka: Kafka, new_topic: NewTopic
) -> None:
    topic, stuck, other = await new_topic(), sample_of_shard(3), sample_of_shard(4)
    made = telemetry()

    def route(record: OutboxRecord) -> tuple[Address, bytes]:
        return Address("missing.v1" if record.shard == 3 else topic), b"key"

    relay = Relay(
        own_store.app_dsn,
        kafka.bootstrap,
        "/samples",
        "safeconduct.samples.v1",
        route,
        made,
        RelayMetrics(made.registry),
    )
    journal = new_journal(pool, relay.wake)
    await add(journal, stuck, 1)
    running = asyncio.create_task(relay.run())

    async def only_the_stuck_one_waits() -> bool:
        return await outbox(pool) == 1

    for _ in range(20):  # one after the other: each would wait for the stuck shard
        await add(journal, other, 1)
        await eventually(only_the_stuck_one_waits, "the other shard goes on", seconds=8)

    await stopped(running)
    assert first_versions(await records_in(kafka.bootstrap, topic)) == {other: list(range(1, 21))}


async def test_events_of_a_separate_outbox_leave_though_the_other_outbox_is_stuck(
    own_store: Database, pool: asyncpg.Pool, kafka: Kafka, new_topic: NewTopic
) -> None:
    topic, sample = await new_topic(16), uuid4()
    journal = Journal(pool, SeparateStream(), telemetry(), lambda: None)
    await journal.execute(
        sample,
        new_key(),
        "me",
        lambda _: (Added(sample, 1), Named(sample, "a"), Added(sample, 2)),
    )
    await journal.add_to_outbox([(shard_of(sample), "Tick", b"tick")])
    relay = new_relay(own_store.app_dsn, kafka.bootstrap, topic, topic, outbox=SEPARATE_OUTBOX)
    running = asyncio.create_task(relay.run())

    async def separate_outbox_is_empty() -> bool:
        return await pool.fetchval(f"select count(*) from {SEPARATE_OUTBOX.table}") == 0

    await eventually(separate_outbox_is_empty, "the separate outbox is empty")
    await stopped(running)
    records = await records_in(kafka.bootstrap, topic)
    names = {header(record, "ce_type").rpartition(".")[2] for record in records}
    assert names == {"Named", "Tick"}
    assert [version for version, _ in await rows(pool, sample)] == [1, 3]


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


async def test_a_replica_without_a_broker_takes_no_share_of_the_shards(
    own_store: Database, pool: asyncpg.Pool, kafka: Kafka, new_topic: NewTopic
) -> None:
    topic = await new_topic()
    healthy = asyncio.create_task(new_relay(own_store.app_dsn, kafka.bootstrap, topic).run())
    await eventually(lambda: owned_is(pool, [16]), "the healthy replica owns all")

    async def never_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.read()
        finally:
            writer.close()

    silent = await asyncio.start_server(never_answer, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    cut_off = [
        asyncio.create_task(new_relay(own_store.app_dsn, bootstrap, "unused").run())
        for bootstrap in ("127.0.0.1:1", f"127.0.0.1:{port}")
    ]

    for _ in range(8):
        await add(new_journal(pool), uuid4(), 1)
        await eventually(emptied(pool), "the event leaves")
        assert await shards_owned(pool) == [16]
        assert await pool.fetchval(PRESENT) == 1

    await stopped(*cut_off, healthy)
    silent.close()


async def test_a_replica_that_loses_the_broker_frees_its_shards_though_it_has_nothing_to_send(
    own_store: Database,
    pool: asyncpg.Pool,
    kafka: Kafka,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(relay_producer, "_PROBE_S", 0.05)
    monkeypatch.setattr(relay_producer, "_PROBE_TIMEOUT_S", 0.2)
    running = asyncio.create_task(new_relay(own_store.app_dsn, kafka.bootstrap, "unused").run())
    await eventually(lambda: owned_is(pool, [16]), "it owns all")
    answering = asyncio.Event()

    async def answer(_client: object) -> bool:
        await answering.wait()
        return True

    monkeypatch.setattr(AIOKafkaClient, "force_metadata_update", answer)
    monkeypatch.setattr(AIOKafkaProducer, "start", lambda _self: answering.wait())

    await eventually(lambda: owned_is(pool, []), "it has freed them")
    await stopped(running)


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
