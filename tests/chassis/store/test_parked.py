"""Parked events are stored once, found when their stream is due, and counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID, uuid4

import asyncpg
import pytest

from chassis.store.fence import EventKey
from chassis.store.parked import BEHIND, UNKNOWN_TYPE, ParkedEvent, ParkedEvents
from tests.chassis.sample_aggregate import SampleJournal, adding

TOPIC = "safeconduct.samples.v1"
NONE_KNOWN: Mapping[str, frozenset[str]] = {}


@pytest.fixture
def parked(pool: asyncpg.Pool) -> ParkedEvents:
    return ParkedEvents(pool)


def event(stream: UUID, version: int, reason: str = "UNDECODABLE") -> ParkedEvent:
    return ParkedEvent(
        topic=TOPIC,
        partition=3,
        offset=version,
        source="/samples",
        stream_id=stream,
        version=version,
        event_id=uuid4(),
        type="Added",
        key=b"key",
        payload=b"payload",
        headers=[("ce_type", b"Added"), ("empty", None)],
        reason=reason,
    )


async def is_due(
    parked: ParkedEvents, stream: UUID, known: Mapping[str, frozenset[str]] = NONE_KNOWN
) -> bool:
    return ("/samples", stream) in await parked.due_streams(known)


async def test_a_parked_event_is_read_as_it_was_stored(parked: ParkedEvents) -> None:
    stored = event(uuid4(), 1)
    await parked.add(stored)

    found = await parked.first("/samples", stored.stream_id)

    assert found is not None
    assert replace(found, id=0) == stored
    assert await parked.first("/elsewhere", stored.stream_id) is None


async def test_a_copy_of_a_parked_event_changes_nothing(parked: ParkedEvents) -> None:
    stored = event(uuid4(), 1)
    await parked.add(stored)
    before = await parked.summary()
    await parked.add(replace(stored, reason=BEHIND, offset=9))

    found = await parked.first("/samples", stored.stream_id)
    assert found is not None
    assert (found.reason, found.offset) == ("UNDECODABLE", 1)
    assert (await parked.summary())[0] == before[0]


async def test_a_stream_is_due_when_its_first_event_is_gone_and_only_then(
    parked: ParkedEvents,
) -> None:
    stream = uuid4()
    await parked.add(event(stream, 2, BEHIND))
    await parked.add(event(stream, 1))
    assert not await is_due(parked, stream)

    first = await parked.first("/samples", stream)
    assert first is not None
    await parked.remove(first)

    assert await is_due(parked, stream)


async def test_an_unknown_type_is_due_for_a_release_that_knows_it(parked: ParkedEvents) -> None:
    stream = uuid4()
    await parked.add(event(stream, 1, UNKNOWN_TYPE))

    assert not await is_due(parked, stream, {TOPIC: frozenset({"Named"})})
    assert not await is_due(parked, stream, {"safeconduct.other.v1": frozenset({"Added"})})
    assert await is_due(parked, stream, {TOPIC: frozenset({"Added"})})


async def test_an_event_that_failed_again_waits_for_an_operator(
    parked: ParkedEvents, pool: asyncpg.Pool
) -> None:
    stream = uuid4()
    await parked.add(event(stream, 1))
    await pool.execute("update parked set retry_at = now() where stream_id = $1", stream)
    assert await is_due(parked, stream)

    first = await parked.first("/samples", stream)
    assert first is not None
    await parked.note_failure(first, "HANDLER_FAILED", "KeyError", 6)

    assert not await is_due(parked, stream)
    again = await parked.first("/samples", stream)
    assert again is not None
    assert (again.reason, again.error, again.attempts) == ("HANDLER_FAILED", "KeyError", 6)


async def test_the_summary_has_the_number_and_the_age_of_the_oldest(
    parked: ParkedEvents, pool: asyncpg.Pool
) -> None:
    await pool.execute("delete from parked")
    assert await parked.summary() == (0, 0.0)

    await parked.add(event(uuid4(), 1))
    await parked.add(event(uuid4(), 1))
    await pool.execute("update parked set parked_at = now() - interval '1 hour'")

    events, age = await parked.summary()
    assert events == 2
    assert age >= 3600


async def test_an_event_that_was_handled_after_it_was_parked_holds_up_no_later_one(
    parked: ParkedEvents, journal: SampleJournal
) -> None:
    stream, sample = uuid4(), uuid4()
    first, second = event(stream, 1), event(stream, 2, BEHIND)
    await parked.add(first)
    await parked.add(second)
    key = EventKey(first.event_id, first.type, first.source, stream, first.version)
    await journal.execute(sample, key, "service/samples", adding(sample, 1))

    await parked.remove_handled()

    found = await parked.first("/samples", stream)
    assert found is not None
    assert found.version == 2
    assert await is_due(parked, stream)
