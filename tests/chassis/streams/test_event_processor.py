"""A record that cannot be handled stops only its own stream, and its stream keeps its order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from chassis.store.parked import ParkedEvents
from chassis.streams import event_processor as module
from chassis.streams.dead_letters import DeadLetterWriter
from chassis.streams.envelope import Envelope, Undecodable
from chassis.streams.event_processor import EventProcessor, sources_of
from tests.chassis.kafka_records import event_headers
from tests.chassis.sample_aggregate import Added, new_journal, telemetry
from tests.chassis.waiting import eventually, stopped

TOPIC = "safeconduct.samples.v1"


class Letters(DeadLetterWriter):
    """Keeps the reasons of dead letters, without a broker."""

    def __init__(self) -> None:
        super().__init__("127.0.0.1:9092", "samples")
        self.reasons: list[str] = []

    async def write(self, *record: Any) -> None:
        self.reasons.append(record[6])


class Handling:
    """A processor whose handler adds amounts to a sample; some payloads fail until mended."""

    def __init__(self, pool: asyncpg.Pool, known: frozenset[str] | None = None) -> None:
        self.journal, self.sample, self.pool = new_journal(pool), uuid4(), pool
        self.faults: dict[bytes, Exception] = {}
        self.handled: list[bytes] = []
        self.letters = Letters()
        self.processor = EventProcessor(
            "samples",
            {TOPIC: self.handle},
            self.letters,
            ParkedEvents(pool),
            telemetry(),
            None if known is None else {TOPIC: known},
            sources_of([TOPIC]),
        )
        self.retrying: asyncio.Task[None] | None = None

    async def handle(self, envelope: Envelope) -> None:
        fault = self.faults.get(envelope.payload)
        if fault is not None:
            raise fault

        def decide(_: Any) -> tuple[Added, ...]:
            return (Added(self.sample, 1),)

        known = len(await self.journal.history(self.sample))
        await self.journal.execute(self.sample, envelope.key, "service/samples", decide)
        if len(await self.journal.history(self.sample)) > known:
            self.handled.append(envelope.payload)

    async def process(
        self,
        payload: bytes,
        stream: UUID,
        version: int,
        name: str = "Added",
        source: bytes = b"/samples",
    ) -> str:
        headers = event_headers(
            uuid4().int,
            ce_subject=str(stream).encode(),
            ce_streamversion=b"%d" % version,
            ce_type=f"{TOPIC}.{name}".encode(),
            ce_source=source,
        )
        return await self.processor.process(
            SimpleNamespace(
                topic=TOPIC, partition=0, offset=version, key=b"", value=payload, headers=headers
            )
        )

    async def parked(self, stream: UUID) -> list[tuple[int, str]]:
        rows = await self.pool.fetch(
            "select version, reason from parked where stream_id = $1 order by version", stream
        )
        return [tuple(row) for row in rows]

    def retry(self) -> None:
        self.retrying = asyncio.create_task(self.processor.retry_parked())

    async def mended(self, stream: UUID) -> None:
        """An operator has the stream tried again."""
        self.faults.clear()
        await self.pool.execute(
            "select retry_parked(array(select id from parked where stream_id = $1))", stream
        )


@pytest.fixture
async def handling(pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Handling]:
    for name, value in (("_FIRST_RETRY_S", 0.001), ("_LONGEST_RETRY_S", 0.01), ("_DRAIN_S", 0.01)):
        monkeypatch.setattr(module, name, value)
    made = Handling(pool)
    yield made
    if made.retrying is not None:
        await stopped(made.retrying)


async def test_a_record_that_fails_stops_only_its_own_stream(handling: Handling) -> None:
    bad, good = uuid4(), uuid4()
    handling.faults[b"bad"] = Undecodable("not a message")

    outcomes = [
        await handling.process(b"bad", bad, 3),
        await handling.process(b"behind", bad, 4),
        await handling.process(b"good", good, 1),
    ]

    assert outcomes == ["parked", "parked", "handled"]
    assert await handling.parked(bad) == [(3, "UNDECODABLE"), (4, "BEHIND")]
    assert handling.handled == [b"good"]


async def test_a_record_of_a_source_that_does_not_own_the_topic_is_a_dead_letter(
    handling: Handling,
) -> None:
    stream = uuid4()

    outcomes = [
        await handling.process(b"forged", stream, 1, source=b"/screening"),
        await handling.process(b"true", stream, 1),
    ]

    assert outcomes == ["dead_letter", "handled"]
    assert handling.letters.reasons == ["FOREIGN_SOURCE"]
    # Parked under the source that it names, it would hold back that service's true events.
    assert await handling.parked(stream) == []
    assert handling.handled == [b"true"]


async def test_parked_events_are_handled_in_order_when_their_first_one_can_be(
    handling: Handling,
) -> None:
    stream = uuid4()
    handling.faults[b"1"] = Undecodable("not a message")
    for version in (1, 2, 3):
        await handling.process(b"%d" % version, stream, version)

    handling.retry()
    await handling.mended(stream)
    await eventually(lambda: len(handling.handled) == 3, "all three")

    assert handling.handled == [b"1", b"2", b"3"]
    await eventually(lambda: _is_empty(handling, stream), "nothing is parked")
    assert await handling.process(b"4", stream, 4) == "handled"


async def test_an_older_event_that_comes_again_after_a_newer_one_was_handled_changes_nothing(
    handling: Handling,
) -> None:
    stream = uuid4()
    await handling.process(b"newer", stream, 5)

    assert await handling.process(b"older", stream, 4) == "handled"
    assert handling.handled == [b"newer"]


async def test_an_event_parked_before_a_newer_one_was_handled_is_dropped_as_a_duplicate(
    handling: Handling,
) -> None:
    # A replica that lost its partition parks an event which its successor has handled.
    stream = uuid4()
    handling.faults[b"1"] = Undecodable("not a message")
    await handling.process(b"1", stream, 1)
    await handling.pool.execute(
        "insert into handled (source, stream_id, version) values ('/samples', $1, 2)", stream
    )

    handling.retry()
    await handling.mended(stream)
    await eventually(lambda: _is_empty(handling, stream), "nothing is parked")

    assert handling.handled == []


async def test_an_unknown_type_waits_with_all_behind_it_and_is_handled_once_it_is_known(
    pool: asyncpg.Pool, handling: Handling
) -> None:
    stream, old = uuid4(), Handling(pool, frozenset({"Added"}))
    assert await old.process(b"new", stream, 1, "Invented") == "parked"
    assert await old.process(b"known", stream, 2) == "parked"
    assert await handling.parked(stream) == [(1, "UNKNOWN_TYPE"), (2, "BEHIND")]

    upgraded = Handling(pool, frozenset({"Added", "Invented"}))
    upgraded.retry()
    await eventually(lambda: len(upgraded.handled) == 2, "both")
    assert upgraded.retrying is not None
    await stopped(upgraded.retrying)

    assert upgraded.handled == [b"new", b"known"]


async def test_the_same_error_on_three_streams_in_a_row_stops_consumption_until_it_is_gone(
    handling: Handling,
) -> None:
    handling.faults[b"x"] = ValueError("a defect")
    assert [await handling.process(b"x", uuid4(), 1) for _ in range(2)] == ["parked"] * 2
    assert handling.processor.not_ready_reason is None

    third = uuid4()
    stuck = asyncio.create_task(handling.process(b"x", third, 1))
    await eventually(lambda: handling.processor.not_ready_reason is not None, "it stops")
    other = asyncio.create_task(handling.process(b"good", uuid4(), 1))
    await eventually(lambda: handling.processor.not_ready_reason is not None, "it is stopped")
    assert not other.done()
    assert await handling.parked(third) == []

    handling.faults.clear()
    assert [await stuck, await other] == ["handled", "handled"]
    assert handling.processor.not_ready_reason is None


async def test_an_error_of_the_schema_stops_consumption_at_the_first_record(
    handling: Handling,
) -> None:
    handling.faults[b"x"] = asyncpg.UndefinedColumnError("no such column")

    stuck = asyncio.create_task(handling.process(b"x", uuid4(), 1))
    await eventually(lambda: handling.processor.not_ready_reason is not None, "it stops")

    handling.faults.clear()
    assert await stuck == "handled"


async def test_a_success_of_the_same_type_between_failures_shows_that_the_records_are_at_fault(
    handling: Handling,
) -> None:
    handling.faults[b"x"] = ValueError("a bad record")

    for _ in range(3):
        assert await handling.process(b"x", uuid4(), 1) == "parked"
        assert await handling.process(b"good", uuid4(), 1) == "handled"

    assert handling.processor.not_ready_reason is None


async def _is_empty(handling: Handling, stream: UUID) -> bool:
    return await handling.parked(stream) == []
