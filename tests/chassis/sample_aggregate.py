"""A kind of stream of the tests' own: a thing that sums what is added to it, waits until a moment, and rings."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4, uuid5

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from google.protobuf.wrappers_pb2 import Int64Value

from chassis.store.idempotency import IdempotencyKey
from chassis.store.journal import Journal
from chassis.store.stream import Projection
from chassis.streams.outbox_record import Address, OutboxRecord
from chassis.streams.relay import Relay
from chassis.telemetry.tracing import Telemetry, setup

NOON = datetime(2026, 3, 1, 12, 0, 0, 123_456, tzinfo=UTC)

MIGRATION = '''
revision = "0001"
down_revision = None

from chassis.store.migrations import apply, journal_sql


def upgrade():
    apply(journal_sql("create"))
    apply(journal_sql("rename"))
    apply("""
        alter table stream add column owner text not null, add column nickname text unique;
        create table part (part_id uuid primary key, thing_id uuid not null, total bigint not null);
        grant select, insert, update on part to {app};
    """)
'''


@dataclass(frozen=True, slots=True)
class Added:
    thing_id: UUID
    amount: int


@dataclass(frozen=True, slots=True)
class Named:
    thing_id: UUID
    nickname: str


@dataclass(frozen=True, slots=True)
class Awaited:
    thing_id: UUID
    until: datetime


@dataclass(frozen=True, slots=True)
class Rang:
    thing_id: UUID


Event = Added | Named | Awaited | Rang


@dataclass(frozen=True, slots=True)
class Thing:
    id: UUID
    version: int
    total: int = 0
    nickname: str | None = None
    until: datetime | None = None
    rang: int = 0


@dataclass(frozen=True, slots=True)
class Refusal:
    kind: str = "PRECONDITION"
    reason: str = "ENOUGH"
    message: str = "it is enough"
    metadata: dict[str, str] = field(default_factory=dict)
    fields: tuple[Any, ...] = ()


class ThingStream:
    kind = "thing"
    id_attribute = "thing.id"
    state_type = Thing
    columns = ("owner", "nickname")
    projection = Projection(
        "part", (("part_id", "uuid"), ("thing_id", "uuid"), ("total", "bigint")), "part_id"
    )

    def evolve(self, state: Thing | None, event: Event) -> Thing:
        old = state or Thing(event.thing_id, 0)
        total, nickname, until, rang = old.total, old.nickname, old.until, old.rang
        match event:
            case Added(amount=amount):
                total += amount
            case Named(nickname=name):
                nickname = name
            case Awaited(until=moment):
                until = moment
            case Rang():
                until, rang = None, rang + 1
        return Thing(old.id, old.version + 1, total, nickname, until, rang)

    def encode_event(self, event: Event) -> tuple[str, bytes]:
        match event:
            case Added(amount=amount):
                text = str(amount)
            case Named(nickname=name):
                text = name
            case Awaited(until=moment):
                text = moment.isoformat()
            case Rang():
                text = ""
        return type(event).__name__, f"{event.thing_id} {text}".encode()

    def decode_event(self, name: str, payload: bytes) -> Event:
        raw, _, text = payload.decode().partition(" ")
        thing_id = UUID(raw)
        match name:
            case "Added":
                return Added(thing_id, int(text))
            case "Named":
                return Named(thing_id, text)
            case "Awaited":
                return Awaited(thing_id, datetime.fromisoformat(text))
            case _:
                return Rang(thing_id)

    def state_name(self, state: Thing) -> str:
        return "WAITING" if state.until else "OPEN"

    def due_at(self, state: Thing) -> datetime | None:
        return state.until

    def index(self, state: Thing) -> tuple[object, ...]:
        return "somebody", state.nickname

    def project(self, state: Thing) -> Sequence[tuple[object, ...]]:
        """A row for each odd total it ever had."""
        return (
            [(uuid5(state.id, str(state.total)), state.id, state.total)] if state.total % 2 else []
        )


Things = Journal[Thing, Event]


def new_journal(pool: Any, wake: Callable[[], None] = lambda: None, **more: Any) -> Things:
    return Journal(pool, ThingStream(), telemetry(), wake, **more)


def telemetry() -> Telemetry:
    """One with metrics of its own, which says nothing."""
    return setup("things", "0.0.0", log_level="CRITICAL")


def new_key(method: str = "Add") -> IdempotencyKey:
    return IdempotencyKey(uuid4(), method, b"digest")


def adding(thing_id: UUID, *amounts: int) -> Callable[[Thing | None], tuple[Event, ...]]:
    return lambda _: tuple(Added(thing_id, amount) for amount in amounts)


async def add(
    journal: Things, thing_id: UUID, *amounts: int, key: IdempotencyKey | None = None
) -> int:
    """Adds and answers with the total."""
    answer = await journal.execute(
        thing_id,
        key or new_key(),
        "officer/licensing-1",
        adding(thing_id, *amounts),
        total_of,
        Int64Value,
    )
    assert answer is not None
    return answer.value


def total_of(thing: Thing) -> Int64Value:
    return Int64Value(value=thing.total)


async def eventually(
    condition: Callable[[], object] | Callable[[], Awaitable[object]],
    what: str,
    seconds: float = 30.0,
) -> None:
    """Returns once the condition holds; fails naming it when it does not in time."""
    deadline = time.monotonic() + seconds
    while True:
        holds = condition()
        if isinstance(holds, Awaitable):
            holds = await holds
        if holds:
            return
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        await asyncio.sleep(0.02)


async def stopped(*tasks: asyncio.Task[Any]) -> None:
    """Cancels the tasks and sees them end; one that failed before fails the test."""
    for task in tasks:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    unexpected = [each for each in results if not isinstance(each, asyncio.CancelledError | None)]
    assert not unexpected


class Alone:
    """One connection where a journal wants a pool: what it writes stays in the connection's transaction."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    @contextlib.asynccontextmanager
    async def acquire(self) -> AsyncIterator[asyncpg.Connection]:
        yield self._connection


async def open_pool(dsn: str) -> asyncpg.Pool:
    async def keep(connection: asyncpg.Connection) -> None:
        """As the services do."""

    return await asyncpg.create_pool(
        dsn, min_size=0, max_size=8, reset=keep, timeout=5, command_timeout=5
    )


def new_relay(dsn: str, bootstrap: str, topic: str, ticks: str = "") -> Relay:
    def route(record: OutboxRecord) -> tuple[Address, bytes]:
        if record.stream_id is None:
            return Address(ticks, record.shard), b"tick"
        return Address(topic), str(record.stream_id).encode()

    return Relay(dsn, bootstrap, "/things", "safeconduct.things.v1", route, telemetry())


async def everything_in(bootstrap: str, topic: str) -> list[ConsumerRecord]:
    """All that the topic holds now, in order per partition."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        metadata = await consumer._client.fetch_all_metadata()
        all_of_it = [
            TopicPartition(topic, number)
            for number in sorted(metadata.partitions_for_topic(topic) or ())
        ]
        consumer.assign(all_of_it)
        ends = await consumer.end_offsets(all_of_it)
        records: list[ConsumerRecord] = []
        while any([await consumer.position(tp) < ends[tp] for tp in all_of_it]):
            for batch in (await consumer.getmany(timeout_ms=200)).values():
                records += batch
        return records
    finally:
        await consumer.stop()


def fact(number: int, **headers: bytes | None) -> list[tuple[str, bytes | None]]:
    """CloudEvents headers of a fact; keyword arguments replace some."""
    plain: dict[str, bytes | None] = {
        "ce_specversion": b"1.0",
        "ce_id": str(UUID(int=number)).encode(),
        "ce_type": b"safeconduct.things.v1.Added",
        "ce_source": b"/things",
        "ce_time": b"2026-03-01T12:00:00Z",
        "ce_subject": b"thing",
    }
    return list((plain | headers).items())


async def tell(
    bootstrap: str,
    topic: str,
    facts: Iterable[tuple[bytes, list[tuple[str, bytes | None]]]],
    partition: int = 0,
) -> None:
    """Writes records with these values and headers to one partition, in order."""
    async with AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", enable_idempotence=True
    ) as producer:
        sent = [
            await producer.send(topic, value, key=b"thing", partition=partition, headers=headers)
            for value, headers in facts
        ]
        await asyncio.gather(*sent)
