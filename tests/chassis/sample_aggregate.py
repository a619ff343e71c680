"""An aggregate for tests of the journal: a sum, with timer, index and projection."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4, uuid5

import asyncpg
from google.protobuf.wrappers_pb2 import Int64Value

from chassis.store.idempotency import IdempotencyKey
from chassis.store.journal import Journal
from chassis.store.outbox import EVENT_OUTBOX, Outbox, SeparateOutbox
from chassis.store.stream import Projection, UnknownEventError
from chassis.streams.outbox_record import Address, OutboxRecord
from chassis.streams.relay import Relay
from chassis.streams.relay_metrics import RelayMetrics
from chassis.telemetry.tracing import Telemetry, setup

NOON = datetime(2026, 3, 1, 12, 0, 0, 123_456, tzinfo=UTC)

MIGRATION = '''
revision = "0001"
down_revision = None

from chassis.store.migrations import apply, journal_sql


def upgrade():
    apply(journal_sql("create"))
    apply(journal_sql("rename"))
    apply(journal_sql("releases"))
    apply("""
        alter table stream add column owner text not null, add column nickname text unique;
        create table part (
            part_id uuid primary key, sample_id uuid not null, total bigint not null
        );
        grant select, insert, update on part to {app};
        alter table event add column owner text;
        create index event_of_owner on event (owner, xid, position);
        create table separate_outbox (like outbox including all);
        grant select, insert, update, delete on separate_outbox to {app};
    """)
'''


@dataclass(frozen=True, slots=True)
class Added:
    sample_id: UUID
    amount: int


@dataclass(frozen=True, slots=True)
class Named:
    sample_id: UUID
    nickname: str


@dataclass(frozen=True, slots=True)
class Awaited:
    sample_id: UUID
    until: datetime


@dataclass(frozen=True, slots=True)
class TimerFired:
    sample_id: UUID


Event = Added | Named | Awaited | TimerFired


@dataclass(frozen=True, slots=True)
class Sample:
    id: UUID
    version: int
    total: int = 0
    nickname: str | None = None
    until: datetime | None = None
    fired: int = 0


@dataclass(frozen=True, slots=True)
class Refusal:
    kind: str = "PRECONDITION"
    reason: str = "ENOUGH"
    message: str = "the total is large enough"
    metadata: dict[str, str] = field(default_factory=dict)
    fields: tuple[Any, ...] = ()


class SampleStream:
    kind = "sample"
    id_attribute = "sample.id"
    state_type = Sample
    schema = 1
    columns = ("owner", "nickname")
    owner_column: str | None = "owner"
    separate_outbox: SeparateOutbox | None = None
    projection = Projection(
        "part", (("part_id", "uuid"), ("sample_id", "uuid"), ("total", "bigint")), "part_id"
    )

    def evolve(self, state: Sample | None, event: Event) -> Sample:
        old = state or Sample(event.sample_id, 0)
        total, nickname, until, fired = old.total, old.nickname, old.until, old.fired
        match event:
            case Added(amount=amount):
                total += amount
            case Named(nickname=name):
                nickname = name
            case Awaited(until=time):
                until = time
            case TimerFired():
                until, fired = None, fired + 1
        return Sample(old.id, old.version + 1, total, nickname, until, fired)

    def encode_event(self, event: Event) -> tuple[str, bytes]:
        match event:
            case Added(amount=amount):
                text = str(amount)
            case Named(nickname=name):
                text = name
            case Awaited(until=time):
                text = time.isoformat()
            case TimerFired():
                text = ""
        return type(event).__name__, f"{event.sample_id} {text}".encode()

    def decode_event(self, name: str, payload: bytes) -> Event:
        raw, _, text = payload.decode().partition(" ")
        sample_id = UUID(raw)
        match name:
            case "Added":
                return Added(sample_id, int(text))
            case "Named":
                return Named(sample_id, text)
            case "Awaited":
                return Awaited(sample_id, datetime.fromisoformat(text))
            case "TimerFired":
                return TimerFired(sample_id)
            case _:
                raise UnknownEventError(name)

    def state_name(self, state: Sample) -> str:
        return "WAITING" if state.until else "OPEN"

    def due_at(self, state: Sample) -> datetime | None:
        return state.until

    def index(self, state: Sample) -> tuple[object, ...]:
        return "somebody", state.nickname

    def project(self, state: Sample) -> Sequence[tuple[object, ...]]:
        """Returns a row for the total if it is odd."""
        return (
            [(uuid5(state.id, str(state.total)), state.id, state.total)] if state.total % 2 else []
        )


SEPARATE_OUTBOX = Outbox("separate_outbox", 7003, 7004)


class SeparateStream(SampleStream):
    """Samples whose Named events have an outbox of their own."""

    separate_outbox = SeparateOutbox(SEPARATE_OUTBOX, frozenset({"Named"}))


class UnindexedStream(SampleStream):
    """Samples whose nickname may be as large as a record: PostgreSQL would not index it."""

    def index(self, state: Sample) -> tuple[object, ...]:
        return "somebody", None


SampleJournal = Journal[Sample, Event]


def new_journal(
    pool: Any, wake: Callable[[], None] = lambda: None, stream: Any = None, **more: Any
) -> Any:
    return Journal(pool, stream or SampleStream(), telemetry(), wake, **more)


def naming(sample_id: UUID, payload_bytes: int) -> Callable[[Sample | None], tuple[Event, ...]]:
    """Returns a decider of one event whose payload has this many bytes (see UnindexedStream)."""
    return lambda _: (Named(sample_id, "n" * (payload_bytes - len(f"{sample_id} "))),)


def telemetry() -> Telemetry:
    """Returns telemetry with metrics of its own and without log lines."""
    return setup("samples", "0.0.0", log_level="CRITICAL")


def new_key(method: str = "Add") -> IdempotencyKey:
    return IdempotencyKey(uuid4(), method, b"digest")


def adding(sample_id: UUID, *amounts: int) -> Callable[[Sample | None], tuple[Event, ...]]:
    return lambda _: tuple(Added(sample_id, amount) for amount in amounts)


async def add(
    journal: SampleJournal, sample_id: UUID, *amounts: int, key: IdempotencyKey | None = None
) -> int:
    """Adds the amounts; returns the total."""
    answer = await journal.execute(
        sample_id,
        key or new_key(),
        "officer/licensing-1",
        adding(sample_id, *amounts),
        total_of,
        Int64Value,
    )
    assert answer is not None
    return answer.value


def total_of(sample: Sample) -> Int64Value:
    return Int64Value(value=sample.total)


class SingleConnectionPool:
    """A pool of one connection: a journal writes in the transaction of that connection."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    @contextlib.asynccontextmanager
    async def acquire(self) -> AsyncIterator[asyncpg.Connection]:
        yield self._connection


async def open_pool(dsn: str) -> asyncpg.Pool:
    async def no_reset(connection: asyncpg.Connection) -> None:
        """Resets nothing, like the services."""

    return await asyncpg.create_pool(
        dsn, min_size=0, max_size=8, reset=no_reset, timeout=5, command_timeout=5
    )


def new_relay(
    dsn: str, bootstrap: str, topic: str, ticks: str = "", outbox: Outbox = EVENT_OUTBOX
) -> Relay:
    def route(record: OutboxRecord) -> tuple[Address, bytes]:
        if record.stream_id is None:
            return Address(ticks, record.shard), b"tick"
        return Address(topic), str(record.stream_id).encode()

    made = telemetry()
    metrics = RelayMetrics(made.registry)
    return Relay(dsn, bootstrap, "/samples", "safeconduct.samples.v1", route, made, metrics, outbox)
