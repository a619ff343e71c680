"""The consumer acknowledges no record before it is handled, parked or a dead letter."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from uuid import UUID, uuid4

import asyncpg
import grpc
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError

from chassis.rpc.errors import RpcError
from chassis.store.parked import ParkedEvents
from chassis.streams import event_processor as module
from chassis.streams import topics
from chassis.streams.consumer import Consumer
from chassis.streams.dead_letters import DeadLetterWriter
from chassis.streams.envelope import Envelope, Handler, Undecodable, envelope_of
from chassis.streams.event_processor import EventProcessor
from infra.local.kafka import Kafka
from infra.local.postgres import Database, Postgres
from tests.chassis.conftest import NewTopic
from tests.chassis.kafka_records import event_headers, produce, records_in
from tests.chassis.sample_aggregate import Added, new_journal, open_pool, telemetry
from tests.chassis.waiting import eventually, stopped

# Faust leaves coroutines behind that nobody awaits. They are collected in the test that made them.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


class Running:
    """A consumer that runs, with its writer of dead letters."""

    def __init__(
        self, kafka: Kafka, group: str, handlers: dict[str, Handler], pool: asyncpg.Pool
    ) -> None:
        self.dead_letters = DeadLetterWriter(kafka.bootstrap, group)
        measured = telemetry()
        processor = EventProcessor(group, handlers, self.dead_letters, ParkedEvents(pool), measured)
        self.consumer = Consumer(kafka.bootstrap, processor, measured)
        self.running = asyncio.create_task(self.consumer.run())

    async def stop(self) -> None:
        if not self.running.done():
            await stopped(self.running)
        await self.dead_letters.close()


@pytest.fixture
async def consume(kafka: Kafka, pool: asyncpg.Pool) -> AsyncIterator[Callable[..., Running]]:
    """Starts a consumer of a topic. It is stopped at the end of the test."""
    started: list[Running] = []

    def start(topic: str, handler: Handler, group: str = "") -> Running:
        started.append(Running(kafka, group or f"group-{topic}", {topic: handler}, pool))
        return started[-1]

    yield start
    for each in started:
        await each.stop()
    gc.collect()


@pytest.fixture
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shortens the pauses between retries."""
    monkeypatch.setattr(module, "_FIRST_RETRY_S", 0.01)
    monkeypatch.setattr(module, "_LONGEST_RETRY_S", 0.05)


async def acknowledged(kafka: Kafka, topic: str) -> dict[int, int]:
    """Committed offsets of the group by partition."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        try:
            offsets = await admin.list_consumer_group_offsets(f"group-{topic}")
        except GroupCoordinatorNotAvailableError:  # the first group of a new cluster
            return {}
        return {
            tp.partition: entry.offset
            for tp, entry in offsets.items()
            if tp.topic == topic and entry.offset > 0
        }
    finally:
        await admin.close()


async def parked(pool: asyncpg.Pool, topic: str) -> list[tuple[bytes, str, str, int]]:
    """Payload, reason, error and attempts of the parked events of the topic, in order."""
    rows = await pool.fetch(
        "select payload, reason, error, attempts from parked where topic = $1 order by id", topic
    )
    return [tuple(row) for row in rows]


async def dead_letters(kafka: Kafka, topic: str) -> list[dict[str, str]]:
    records = await records_in(kafka.bootstrap, f"{topic}.dlq")
    return [
        {"value": (record.value or b"").decode()}
        | {
            name: "null" if value is None else value.decode(errors="replace")
            for name, value in record.headers
        }
        for record in records
    ]


async def test_an_event_arrives_as_it_was_published(
    kafka: Kafka, new_topic: NewTopic, consume: Callable[..., Running]
) -> None:
    topic, consumed = await new_topic(2), []

    async def handle(envelope: Envelope) -> None:
        consumed.append(envelope)

    traceparent = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    await produce(
        kafka.bootstrap,
        topic,
        [(b"payload", event_headers(7, traceparent=traceparent))],
        partition=1,
    )
    consume(topic, handle)

    await eventually(lambda: consumed, "the event")
    assert consumed == [
        Envelope(
            event_id=UUID(int=7),
            type="Added",
            source="/samples",
            stream_id=UUID(int=7),
            version=1,
            occurred_at=datetime(2026, 3, 1, 12, tzinfo=UTC),
            traceparent=traceparent.decode(),
            payload=b"payload",
            topic=topic,
            partition=1,
            offset=0,
        )
    ]


async def test_an_event_published_twice_changes_nothing_the_second_time(
    kafka: Kafka, new_topic: NewTopic, consume: Callable[..., Running], pool: asyncpg.Pool
) -> None:
    topic, sample, handled = await new_topic(), uuid4(), 0
    journal = new_journal(pool)

    async def handle(envelope: Envelope) -> None:
        nonlocal handled
        await journal.execute(
            sample, envelope.key, "service/samples", lambda _: (Added(sample, 1),)
        )
        handled += 1

    one, other = (b"", event_headers(uuid4().int)), (b"", event_headers(uuid4().int))
    await produce(kafka.bootstrap, topic, [one, one, other, one, other])
    consume(topic, handle)

    await eventually(lambda: handled == 5, "all five")
    current = await journal.read(sample)
    assert current is not None
    assert current.state.total == 2


@pytest.mark.usefixtures("quick_retries")
async def test_a_record_that_always_fails_is_parked_and_the_partition_goes_on(
    kafka: Kafka, new_topic: NewTopic, consume: Callable[..., Running], pool: asyncpg.Pool
) -> None:
    topic, tries = await new_topic(), defaultdict(int)

    async def handle(envelope: Envelope) -> None:
        tries[envelope.payload] += 1
        if envelope.payload == b"bad" or (envelope.payload == b"shaky" and tries[b"shaky"] < 3):
            raise ValueError("a secret")

    payloads = (b"bad", b"shaky", b"good")
    await produce(kafka.bootstrap, topic, [(each, event_headers(uuid4().int)) for each in payloads])
    consume(topic, handle)

    await eventually(lambda: tries[b"good"], "the one behind")
    assert tries == {b"bad": 6, b"shaky": 3, b"good": 1}
    assert await parked(pool, topic) == [(b"bad", "HANDLER_FAILED", "ValueError", 6)]
    assert await dead_letters(kafka, topic) == []


async def test_a_record_without_a_readable_stream_is_a_dead_letter_and_any_other_is_parked(
    kafka: Kafka, new_topic: NewTopic, consume: Callable[..., Running], pool: asyncpg.Pool
) -> None:
    topic, consumed = await new_topic(), []
    refusal = RpcError(grpc.StatusCode.FAILED_PRECONDITION, "ENOUGH", "it is enough")

    async def handle(envelope: Envelope) -> None:
        consumed.append(envelope.payload)
        match envelope.payload:
            case b"garbled":
                raise Undecodable("not a message")
            case b"refused":
                raise refusal

    poison = {
        b"no headers": [],
        b"null id": event_headers(1, ce_id=None),
        b"no uuid": event_headers(1, ce_id=b"x"),
        b"no text": event_headers(1, ce_type=b"\xff"),
        b"no moment": event_headers(1, ce_time=b"noon"),
        b"no zone": event_headers(1, ce_time=b"2026-03-01T12:00:00"),
        b"no such moment": event_headers(1, ce_time=b"0001-01-01T00:00:00+14:00"),
        b"no stream": event_headers(1, ce_subject=b"x"),
        b"no version": event_headers(1, ce_streamversion=b"0"),
        b"no such version": event_headers(1, ce_streamversion=b"2147483648"),
        b"NUL": event_headers(1, ce_source=b"/\0"),
    }
    readable = [(each, event_headers(uuid4().int)) for each in (b"garbled", b"refused", b"good")]
    await produce(kafka.bootstrap, topic, [*poison.items(), *readable])
    consume(topic, handle)

    await eventually(lambda: b"good" in consumed, "the one behind")
    assert consumed == [b"garbled", b"refused", b"good"]
    letters = await dead_letters(kafka, topic)
    assert [letter["value"].encode() for letter in letters] == list(poison)
    assert {letter["dlq_reason"] for letter in letters} == {"UNDECODABLE"}
    assert {letter["dlq_attempts"] for letter in letters} == {"1"}
    assert await parked(pool, topic) == [
        (b"garbled", "UNDECODABLE", "Undecodable", 1),
        (b"refused", "ENOUGH", "RpcError", 1),
    ]


@pytest.mark.usefixtures("quick_retries")
async def test_while_the_database_is_away_a_record_waits_and_is_not_parked(
    kafka: Kafka,
    new_topic: NewTopic,
    consume: Callable[..., Running],
    own_store: Database,
    postgres: Postgres,
) -> None:
    topic, sample = await new_topic(), uuid4()
    pool = await open_pool(own_store.app_dsn)
    journal, reached, tries, handled = new_journal(pool), asyncio.Event(), 0, False

    async def handle(envelope: Envelope) -> None:
        nonlocal tries, handled
        reached.set()
        tries += 1
        if tries % 2:
            await pool.fetchval(
                "select 1"
            )  # raises the driver's error; the journal raises STORAGE_UNAVAILABLE
        await journal.execute(
            sample, envelope.key, "service/samples", lambda _: (Added(sample, 1),)
        )
        handled = True

    postgres.kill()
    await produce(kafka.bootstrap, topic, [(b"", event_headers(uuid4().int))])
    consume(topic, handle)
    await eventually(
        lambda: tries > 2 * module._MAX_ATTEMPTS, "it tries longer than a failing handler would"
    )
    postgres.restart()

    await eventually(lambda: handled, "it is handled")
    assert await parked(pool, topic) == []
    current = await journal.read(sample)
    assert current is not None
    assert current.version == 1
    await pool.close()


async def test_a_cancelled_consumer_has_acknowledged_only_records_that_it_handled(
    kafka: Kafka, new_topic: NewTopic, consume: Callable[..., Running]
) -> None:
    topic = await new_topic(4)
    handled: dict[int, list[int]] = defaultdict(list)

    async def handle(envelope: Envelope) -> None:
        await asyncio.sleep(0.001)
        handled[envelope.partition].append(envelope.offset)

    async def count() -> int:
        return sum(len(offsets) for offsets in handled.values())

    for partition in range(4):
        await produce(
            kafka.bootstrap, topic, [(b"", event_headers(n)) for n in range(300)], partition
        )

    for enough in (150, 500, 900):
        running = consume(topic, handle)
        await eventually(
            lambda enough=enough: sum(map(len, handled.values())) >= enough, f"{enough} of them"
        )
        await running.stop()
        for partition, number in (await acknowledged(kafka, topic)).items():
            assert set(range(number)) <= set(handled[partition])

    consume(topic, handle)
    await eventually(lambda: all(len(set(handled[p])) == 300 for p in range(4)), "all of them")
    for offsets in handled.values():
        firsts = list(dict.fromkeys(offsets))
        assert firsts == list(range(300))


# In a process of its own: after a crash Faust lets no event loop end, so services end by os._exit.
CRASHING = """
import asyncio, os, sys
from chassis.streams.consumer import Consumer
from chassis.streams.dead_letters import DeadLetterWriter
from chassis.streams.event_processor import EventProcessor
from tests.chassis.sample_aggregate import telemetry

async def handle(envelope):
    print(envelope.payload.decode(), flush=True)

async def main(bootstrap, topic):
    letters = DeadLetterWriter("127.0.0.1:1", "group")
    measured = telemetry()
    processor = EventProcessor(f"group-{topic}", {topic: handle}, letters, None, measured)
    await Consumer(bootstrap, processor, measured).run()
    print("ended", flush=True)

asyncio.Runner().run(main(*sys.argv[1:]))
os._exit(0)
"""


async def test_a_dead_letter_that_cannot_be_written_crashes_the_consumer_and_acknowledges_nothing(
    kafka: Kafka, new_topic: NewTopic
) -> None:
    topic = await new_topic()
    await produce(
        kafka.bootstrap,
        topic,
        [(b"good", event_headers(1)), (b"bad", []), (b"behind", event_headers(3))],
    )

    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CRASHING, kafka.bootstrap, topic, stdout=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(30):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()

    said = [
        line for line in output.decode().splitlines() if not line.startswith("{")
    ]  # and not logged
    assert said == ["good", "ended"]
    assert (await acknowledged(kafka, topic)).get(0, 0) <= 1


async def test_a_second_replica_gets_its_share_of_partitions_and_all_of_them_when_alone(
    kafka: Kafka, new_topic: NewTopic, consume: Callable[..., Running]
) -> None:
    topic = await new_topic(4)
    consumed: tuple[list[bytes], list[bytes]] = ([], [])

    def noting(number: int) -> Handler:
        async def handle(envelope: Envelope) -> None:
            consumed[number].append(envelope.payload)

        return handle

    one = consume(topic, noting(0))
    await eventually(lambda: one.consumer.is_assigned, "the first has its partitions")
    other = consume(topic, noting(1))
    number = 0

    async def both_consume() -> bool:
        nonlocal number
        for partition in range(4):
            await produce(
                kafka.bootstrap, topic, [(b"%d" % number, event_headers(number))], partition
            )
        number += 1
        return bool(consumed[1]) and other.consumer.is_assigned

    await eventually(both_consume, "the second consumes")
    await one.stop()
    assert not one.consumer.is_assigned
    await eventually(
        lambda: (
            set(consumed[0] + consumed[1]) == {b"%d" % n for n in range(number)}
            and len(consumed[0] + consumed[1]) >= 4 * number
        ),
        "nothing is lost between them",
    )


# Faust with an agent that raises. It does not stop after that, so it is killed.
RAISING = """
import asyncio, sys
from chassis.streams.consumer import Consumer
from chassis.streams.event_processor import EventProcessor
from tests.chassis.sample_aggregate import telemetry

async def consume(stream):
    async for event in stream.noack().events():
        if event.message.value == b"bad":
            raise ValueError("a defect")
        await stream.ack(event)

async def main(bootstrap, topic):
    processor = EventProcessor(f"group-{topic}", {}, None, None, telemetry())
    app = Consumer(bootstrap, processor, telemetry())._build()
    raw = {"key_serializer": "raw", "value_serializer": "raw"}
    made = app.topic(topic, key_type=bytes, value_type=bytes, **raw)
    app.agent(made, name="consume", isolated_partitions=True)(consume)
    await app.start()
    await asyncio.Event().wait()

asyncio.run(main(*sys.argv[1:]))
"""


async def test_canary_faust_skips_a_record_whose_agent_raises_so_ours_never_raises(
    kafka: Kafka, new_topic: NewTopic
) -> None:
    topic = await new_topic()
    await produce(
        kafka.bootstrap,
        topic,
        [(b"good", event_headers(1)), (b"bad", event_headers(2)), (b"behind", event_headers(3))],
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", RAISING, kafka.bootstrap, topic, stdout=asyncio.subprocess.DEVNULL
    )

    async def is_skipped() -> bool:
        return (await acknowledged(kafka, topic)).get(0) == 3

    try:
        await eventually(is_skipped, "the offset has passed the record that failed")
    finally:
        process.kill()
        await process.wait()


async def test_a_leader_that_does_not_know_the_topic_assigns_nothing_and_the_group_gets_it_later(
    kafka: Kafka, consume: Callable[..., Running]
) -> None:
    """Faust alone would leave the topic out, and no replica would ever consume it."""
    topic, consumed = f"samples.late-{uuid4()}", []

    async def handle(envelope: Envelope) -> None:
        consumed.append(envelope.payload)

    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:

        async def has_begun() -> bool:
            return f"group-{topic}" in {name for name, _ in await admin.list_consumer_groups()}

        running = consume(topic, handle)
        await eventually(has_begun, "the group has its first member")
        await eventually(lambda: not running.consumer.is_assigned, "it has no partition")
        await topics.create(
            kafka.bootstrap, [topics.Topic(topic, 1), topics.Topic(f"{topic}.dlq", 1)], 1
        )
    finally:
        await admin.close()
    await produce(kafka.bootstrap, topic, [(b"payload", event_headers(1))])

    await eventually(lambda: consumed, "the event")


async def test_canary_an_error_that_aiokafka_keeps_ends_the_session_and_a_new_one_starts(
    kafka: Kafka, new_topic: NewTopic, consume: Callable[..., Running]
) -> None:
    topic, consumed = await new_topic(), []

    async def handle(envelope: Envelope) -> None:
        consumed.append(envelope.payload)

    running = consume(topic, handle)
    await eventually(lambda: running.consumer.is_assigned, "it has its partition")
    first = running.consumer._app
    assert first is not None
    thread = first.consumer._thread
    coordinator = thread._consumer._coordinator
    thread.thread_loop.call_soon_threadsafe(coordinator._push_error_to_user, RuntimeError("kept"))

    await eventually(
        lambda: running.consumer._app is not first and running.consumer.is_assigned,
        "a second session",
    )
    await produce(kafka.bootstrap, topic, [(b"after", event_headers(1))])
    await eventually(lambda: consumed, "it consumes again")


@pytest.mark.parametrize(
    "missing", ["ce_id", "ce_type", "ce_source", "ce_time", "ce_subject", "ce_streamversion"]
)
def test_an_envelope_needs_its_headers(missing: str) -> None:
    headers = {name: value or b"" for name, value in event_headers(1) if name != missing}

    with pytest.raises(Undecodable):
        envelope_of("topic", 0, 0, headers, b"")
