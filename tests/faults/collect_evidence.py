"""Collects the evidence of a run: databases, topics, consumer groups, gates. It checks nothing."""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
import urllib.request
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from safeconduct.screening.v1 import events_pb2

from chassis.store.hash_chain import EVENT_COLUMNS, StoredEvent, chain_hash, event_id_of
from chassis.store.journal import Journal
from chassis.streams.topic_table import Entry
from chassis.telemetry.tracing import setup
from chassis.transport.brokers import Bootstrap, client_options
from operations.outbox.tables import outbox_tables
from services.applications.shell.projections import ApplicationStream
from services.enforcement.shell.heartbeats import Heartbeats
from services.enforcement.shell.projections import LicenseStream
from services.enforcement.shell.standing_cache import StandingCache
from services.enforcement.shell.standing_recall import StandingRecall
from services.screening.shell.projections import ListStream, ScreeningStream
from tests.faults.fault_stack import FaultStack
from tests.faults.injected_records import (
    COPY,
    FACTS,
    HEARS,
    INJECTED_STREAMS,
    KEY,
    STANDING,
    Poison,
    Refused,
    poison_of,
    refused_of,
)
from tests.faults.invariants import DeadLetter, Event, Order, ParkedEvent, PublishedRecord, Stream

_GENESIS: Final = b"\0" * 32
_COUNTED: Final = re.compile(
    r"^safeconduct_(?:rpc_server_calls|consumer_records)_total\{.*\} ([0-9.e+]+)$", re.MULTILINE
)
_PROJECTED: Final = {
    "enforcement": (LicenseStream.projection, "license_id"),
    "screening": (ScreeningStream.projection, "application_id"),
}
"""Projection of each service, with the column that holds the stream id."""
_ENDS_ACCESS: Final = frozenset({"LicenseSuspended", "LicenseRevoked"})


def _stream_type(service: str, kind: str | None) -> Any:
    if service == "applications":
        return ApplicationStream()
    if service == "enforcement":
        return LicenseStream()
    return ListStream() if kind == "list" else ScreeningStream()


async def streams(
    stack: FaultStack, service: str
) -> tuple[list[Stream], dict[str, list[StoredEvent]]]:
    """Returns every stream of a service, as stored and as rebuilt, with its stored events."""
    connection = await asyncpg.connect(stack.database(service).owner_dsn)
    try:
        rows = await connection.fetch("select * from stream")
        events: dict[str, list[StoredEvent]] = defaultdict(list)
        for row in await connection.fetch(
            f"select {EVENT_COLUMNS} from event order by stream_id, version"
        ):
            events[str(row["stream_id"])].append(StoredEvent(*row.values()))
        projected: dict[UUID, set[tuple[object, ...]]] = defaultdict(set)
        if (of := _PROJECTED.get(service)) is not None:
            names = ", ".join(name for name, _ in of[0].columns)
            for row in await connection.fetch(f"select {names} from {of[0].table}"):
                projected[row[of[1]]].add(tuple(row.values()))
    finally:
        await connection.close()
    found = [
        _stream(service, row, events[str(row["id"])], frozenset(projected[row["id"]]))
        for row in rows
    ]
    return found, events


def _stream(
    service: str, row: asyncpg.Record, events: list[StoredEvent], projected: frozenset[Any]
) -> Stream:
    kept = _stream_type(service, row.get("kind"))
    rebuilt: Any = None
    for event in events:
        rebuilt = kept.evolve(rebuilt, kept.decode_event(event.name, event.payload))
    always = ("state", "due_at")
    # A row that a release with another number wrote is not decoded by this one, as in the services.
    stored = rebuilt
    if row["schema"] == kept.schema:
        stored = msgspec.msgpack.Decoder(kept.state_type).decode(row["state_data"])
    # Columns are compared in the form that PostgreSQL returns: text for an enum, UUID for a UUID.
    again = (kept.state_name(rebuilt), kept.due_at(rebuilt), *kept.index(rebuilt))
    return Stream(
        service=service,
        id=str(row["id"]),
        version=row["version"],
        head=row["latest_hash"].hex(),
        state_name=row["state"],
        events=tuple(_event(event) for event in events),
        broken_at=tuple(_broken(events)),
        stored=stored,
        rebuilt=rebuilt,
        columns=tuple(row[name] for name in (*always, *kept.columns)),
        rebuilt_columns=tuple(again),
        projected=projected,
        rebuilt_projected=frozenset(tuple(each) for each in kept.project(rebuilt)),
    )


def _event(event: StoredEvent) -> Event:
    digest = hashlib.sha256(event.payload).hexdigest()
    where = str(event.stream_id), event.version
    return Event(*where, str(event.event_id), event.name, digest, event.hash.hex())


def _broken(events: Sequence[StoredEvent]) -> list[int]:
    broken, prev = [], _GENESIS
    for number, event in enumerate(events, 1):
        hashed = chain_hash(
            prev, event.stream_id, number, event.occurred_at, event.name, event.actor, event.payload
        )
        if (event.version, event.previous_hash, event.hash, event.event_id) != (
            number,
            prev,
            hashed,
            event_id_of(hashed),
        ):
            broken.append(number)
        prev = event.hash
    return broken


def screenings(events: Mapping[str, Sequence[StoredEvent]]) -> dict[str, frozenset[str]]:
    """Returns the ids of completed screenings by application id."""
    completed = events_pb2.ScreeningCompleted.FromString
    return {
        application_id: frozenset(
            completed(e.payload).screening_id for e in found if e.name == "ScreeningCompleted"
        )
        for application_id, found in events.items()
    }


async def orders(stack: FaultStack, licenses: Sequence[Stream]) -> list[Order]:
    """Returns the orders that ended access, with commit times as boot time of this machine."""
    connection = await asyncpg.connect(stack.postgres.dsn("enforcement"))
    try:
        rows = await connection.fetch(
            "select stream_id, name, extract(epoch from"
            " pg_xact_commit_timestamp(xid::xid)) as at from event"
            " where name = any($1) order by version",
            sorted(_ENDS_ACCESS),
        )
    finally:
        await connection.close()
    boot_minus_wall = time.clock_gettime_ns(time.CLOCK_BOOTTIME) - time.time_ns()
    leases = {stream.id: stream.stored.known_standing.lease_seconds for stream in licenses}
    first = {str(row["stream_id"]): row["at"] for row in reversed(rows)}
    return [
        Order(license_id, int(at * 1_000_000_000) + boot_minus_wall, leases[license_id])
        for license_id, at in first.items()
    ]


async def outbox(stack: FaultStack, service: str) -> int:
    """Returns the number of unpublished events; heartbeats do not count."""
    connection = await asyncpg.connect(stack.database(service).owner_dsn)
    try:
        counts = [
            await connection.fetchval(f"select count(*) from {table} where stream_id is not null")
            for table in await outbox_tables(connection)
        ]
        return sum(counts)
    finally:
        await connection.close()


async def parked_of_services(stack: FaultStack, service: str) -> int:
    """Returns the number of parked events that a service published; injected ones do not count."""
    connection = await asyncpg.connect(stack.database(service).owner_dsn)
    try:
        return int(
            await connection.fetchval(
                "select count(*) from parked where not starts_with(stream_id::text, $1)",
                INJECTED_STREAMS,
            )
        )
    finally:
        await connection.close()


async def topic(bootstrap: Bootstrap, name: str) -> list[Any]:
    """Returns every record of a topic."""
    consumer = AIOKafkaConsumer(**client_options(bootstrap), enable_auto_commit=False)
    try:
        await consumer.start()
        metadata = await consumer._client.fetch_all_metadata()
        partitions = [
            TopicPartition(name, number)
            for number in sorted(metadata.partitions_for_topic(name) or ())
        ]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        ends = await consumer.end_offsets(partitions)
        found: list[Any] = []
        while any([await consumer.position(tp) < end for tp, end in ends.items()]):
            for batch in (await consumer.getmany(timeout_ms=500)).values():
                found.extend(batch)
        return found
    finally:
        await consumer.stop()


async def topics(bootstrap: Bootstrap) -> dict[str, list[Any]]:
    """Returns every record of the event topics, the compacted topic and the dead-letter topics."""
    names = (*FACTS, STANDING, *(name + ".dlq" for name in FACTS))
    return {name: await topic(bootstrap, name) for name in names}


def published(read: Mapping[str, Sequence[Any]]) -> list[PublishedRecord]:
    """Returns every published event with its copies, without heartbeats and injected records."""
    found = []
    for name in (*FACTS, STANDING):
        for record in read[name]:
            headers = {key: (value or b"").decode() for key, value in record.headers or ()}
            if record.key == KEY or "ce_streamversion" not in headers:
                continue
            found.append(
                PublishedRecord(
                    topic=name,
                    partition=record.partition,
                    offset=record.offset,
                    key=(record.key or b"").decode(),
                    event_id=headers["ce_id"],
                    subject=headers["ce_subject"],
                    version=int(headers["ce_streamversion"]),
                    name=headers["ce_type"].rpartition(".")[2],
                    digest=hashlib.sha256(record.value or b"").hexdigest(),
                    is_injected=COPY in headers,
                )
            )
    return found


def poisons(read: Mapping[str, Sequence[Any]]) -> list[Poison]:
    """Returns every poison record of the run."""
    return [
        found for name in FACTS for record in read[name] if (found := poison_of(record)) is not None
    ]


def refused(read: Mapping[str, Sequence[Any]]) -> list[Refused]:
    """Returns every injected event of the run that a handler refuses."""
    return [
        found
        for name in FACTS
        for record in read[name]
        if (found := refused_of(record)) is not None
    ]


async def parked(stack: FaultStack, service: str) -> list[ParkedEvent]:
    """Returns every parked event of a service."""
    connection = await asyncpg.connect(stack.database(service).owner_dsn)
    try:
        rows = await connection.fetch("select source, stream_id, version, reason from parked")
    finally:
        await connection.close()
    return [
        ParkedEvent(service, row["source"], str(row["stream_id"]), row["version"], row["reason"])
        for row in rows
    ]


def dead_letters(read: Mapping[str, Sequence[Any]]) -> list[DeadLetter]:
    """Returns every dead letter."""
    found = []
    for name in FACTS:
        for record in read[name + ".dlq"]:
            said = {
                key: (value or b"").decode("utf-8", "replace")
                for key, value in record.headers or ()
            }
            where = said["dlq_topic"], int(said["dlq_partition"]), int(said["dlq_offset"])
            found.append(DeadLetter(*where, said.get("dlq_group", ""), said["dlq_reason"]))
    return found


async def recalled(stack: FaultStack, read: Mapping[str, Sequence[Any]]) -> dict[str, int]:
    """Returns the standing versions that a new replica reads after compaction."""
    last = {
        record.key: record
        for record in sorted(read[STANDING], key=lambda each: (each.partition, each.offset))
    }
    telemetry = setup("enforcement", "faults", log_level="ERROR")
    async with asyncpg.create_pool(
        stack.database("enforcement").owner_dsn, min_size=1, max_size=1
    ) as pool:
        journal: Journal[Any, Any] = Journal(pool, LicenseStream(), telemetry, lambda: None)
        cache = StandingCache(Heartbeats(journal), telemetry)
        await StandingRecall(cache, journal).recall()
        licenses = await pool.fetch("select id from stream")
    for record in last.values():
        kind = dict(record.headers or ()).get("ce_type", b"").decode().rpartition(".")[2]
        cache.consume(
            [Entry(record.partition, record.offset, record.key, record.value or b"", kind, "")]
        )
    known = {row["id"]: cache.find(row["id"]) for row in licenses}
    return {
        str(license_id): standing.version
        for license_id, standing in known.items()
        if standing is not None
    }


async def lag(bootstrap: Bootstrap) -> dict[str, int]:
    """Returns the consumer lag by group and topic."""
    admin = AIOKafkaAdminClient(**client_options(bootstrap), request_timeout_ms=15_000)
    consumer = AIOKafkaConsumer(**client_options(bootstrap), enable_auto_commit=False)
    try:
        await admin.start()
        await consumer.start()
        left: dict[str, int] = {}
        for name, groups in HEARS.items():
            partitions = [TopicPartition(name, number) for number in range(6)]
            ends = await consumer.end_offsets(partitions)
            for group in groups:
                committed = await admin.list_consumer_group_offsets(group)
                gaps = [
                    ends[tp] - max(0, committed[tp].offset if tp in committed else 0)
                    for tp in partitions
                ]
                left[f"{group} on {name}"] = sum(gaps)
        return left
    finally:
        await consumer.stop()
        await admin.close()


@dataclass(slots=True)
class Served:
    """Counts the work of every replica over all of its restarts, which reset its counters."""

    stack: FaultStack
    counts: dict[str, int] = field(default_factory=dict)

    async def run(self, every_s: float = 2.0) -> None:
        """Polls until cancelled."""
        while True:
            await asyncio.to_thread(self.look)
            await asyncio.sleep(every_s)

    def look(self) -> None:
        """Keeps the highest count of each replica; polls a silent replica again later."""
        for service in self.stack.services:
            name = f"{service.name}-{service.replica}"
            try:
                with urllib.request.urlopen(
                    f"http://{service.addresses.metrics}/metrics", timeout=1
                ) as page:
                    text = page.read().decode()
            except OSError:
                text = ""
            now = sum(int(float(count)) for count in _COUNTED.findall(text))
            self.counts[name] = max(self.counts.get(name, 0), now)
