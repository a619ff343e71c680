"""Records of the journeys: folds equal states, chains are valid, replays change nothing."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Mapping
from typing import Any

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from safeconduct.applications.v1 import model_pb2

from chassis.store.hash_chain import StoredEvent, chain_hash, event_id_of
from chassis.store.journal import Journal
from chassis.telemetry.tracing import setup
from chassis.transport.brokers import client_options
from infra.local.stack import SERVICES, Stack
from infra.scenario.clients import Clients
from infra.scenario.scenario import Scenario
from services.applications.shell.projections import ApplicationStream
from services.enforcement.shell.projections import LicenseStream
from services.screening.shell.projections import ScreeningStream

from .conftest import Examples

STREAMS: Mapping[str, tuple[Any, str]] = {
    "applications": (ApplicationStream(), "select id from stream"),
    "enforcement": (LicenseStream(), "select id from stream"),
    "screening": (ScreeningStream(), "select id from stream where kind = 'screening'"),
}
TOPICS = tuple(f"safeconduct.{name}.v1" for name in SERVICES)


async def _run_scenario(clients: Clients, examples: Examples) -> Scenario:
    scenario = Scenario(clients, examples, lambda *_: None)
    await scenario.approve_by_policy()
    await scenario.deny_listed_party()
    await scenario.revoke_license()
    return scenario


async def _versions(stack: Stack) -> dict[str, dict[str, tuple[int, bytes]]]:
    """Returns version and latest hash of every stream of every service."""
    found: dict[str, dict[str, tuple[int, bytes]]] = {}
    for name in SERVICES:
        connection = await asyncpg.connect(stack.database(name).app_dsn)
        rows = await connection.fetch("select id, version, latest_hash from stream")
        found[name] = {str(row["id"]): (row["version"], row["latest_hash"]) for row in rows}
        await connection.close()
    return found


@pytest.mark.parametrize("name", SERVICES)
async def test_every_state_is_the_fold_of_its_events_and_every_chain_is_whole(
    stack: Stack, clients: Clients, examples: Examples, name: str
) -> None:
    await _run_scenario(clients, examples)
    stream, query = STREAMS[name]
    async with asyncpg.create_pool(stack.database(name).app_dsn, min_size=1, max_size=2) as pool:
        journal: Journal[Any, Any] = Journal(
            pool, stream, setup(name, "test", log_level="ERROR"), lambda: None
        )
        streams = [row["id"] for row in await pool.fetch(query)]

        assert streams
        for stream_id in streams:
            current, history = await journal.read(stream_id), await journal.history(stream_id)
            assert current is not None
            assert journal.rebuild(history) == current.state
            assert _invalid_versions(history) == []
            assert (current.version, current.latest_hash) == (history[-1].version, history[-1].hash)


def _invalid_versions(history: list[StoredEvent]) -> list[int]:
    """Returns the versions at which the hash chain is broken."""
    broken, prev = [], b"\0" * 32
    for number, event in enumerate(history, 1):
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


async def _records(stack: Stack) -> list[Any]:
    """Returns every record of the three topics."""
    consumer = AIOKafkaConsumer(**client_options(stack.kafka.bootstrap), enable_auto_commit=False)
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, number) for topic in TOPICS for number in range(6)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        ends = await consumer.end_offsets(partitions)
        found: list[Any] = []
        while any([await consumer.position(tp) < end for tp, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                found.extend(records)
        return found
    finally:
        await consumer.stop()


async def test_replaying_every_event_in_any_order_changes_nothing(
    stack: Stack, clients: Clients, examples: Examples
) -> None:
    await _run_scenario(clients, examples)
    # The applications service may not have consumed the scenario's last event;
    # the approval of the next scenario is published after that event.
    await _wait_until_idle(stack)
    before = await _versions(stack)
    records = [record for record in await _records(stack) if dict(record.headers).get("ce_id")]
    random.Random(7).shuffle(records)
    producer = AIOKafkaProducer(**client_options(stack.kafka.bootstrap))
    await producer.start()
    try:
        for record in records:
            await producer.send(
                record.topic,
                record.value,
                key=record.key,
                partition=record.partition,
                headers=list(record.headers),
            )
        await producer.flush()
    finally:
        await producer.stop()

    # Applications on every partition are decided after all replayed events.
    after_all = [
        await clients.partner.applications.submit(examples["hospital-hosted-access"])
        for _ in range(12)
    ]
    for application in after_all:
        async with asyncio.timeout(60):
            watch = clients.partner.applications.watch(application.application_id, give_up_after=60)
            async for change in watch:
                if change.state == model_pb2.APPLICATION_STATE_AWAITING_SIGNATURE:
                    break
            await watch.aclose()

    after = await _versions(stack)
    for name in SERVICES:
        assert {key: after[name][key] for key in before[name]} == before[name]


async def _wait_until_idle(stack: Stack) -> None:
    """Waits until nothing has changed for a second."""
    deadline, last = time.monotonic() + 60, await _versions(stack)
    while time.monotonic() < deadline:
        await asyncio.sleep(1)
        now = await _versions(stack)
        if now == last:
            return
        last = now
