"""The service in its own process, its siblings absent: PostgreSQL, Kafka, mutual TLS."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import grpc
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from safeconduct.applications.v1 import events_pb2 as applications_pb2
from safeconduct.screening.v1 import events_pb2, model_pb2, service_pb2, service_pb2_grpc

from chassis.transport.brokers import client_options
from infra.local.asyncio_thread import run_coroutine
from infra.local.stack import Stack
from services.screening.shell.list_sources import ListSource
from tests.screening.shell.replica import NewReplica
from tests.screening.shell.submissions import (
    LISTED_ALIAS,
    LISTED_ENTRY,
    TRACEPARENT,
    UNLISTED,
    headers,
    party,
    submitted,
)

CONSUMED, PUBLISHED = "safeconduct.applications.v1", "safeconduct.screening.v1"
# A start costs some 13 s of one core: the libraries load their tables of names.
SECONDS = 120.0


@pytest.fixture(scope="module")
def stack(run_folder: Path, source: ListSource, new_replica: NewReplica) -> Iterator[Stack]:
    """A service with another active list than the shipped one: quick to load, also after a kill."""
    with Stack(run_folder / "screening", services=("screening",), autostart=False) as running:
        run_coroutine(start_list(running.database("screening").app_dsn, new_replica))
        running.service("screening").start()
        running.service("screening").wait_ready(SECONDS)
        yield running


async def start_list(dsn: str, new_replica: NewReplica) -> None:
    async with asyncpg.create_pool(dsn, min_size=0, max_size=1) as pool:
        await new_replica(pool).lists._import_initial()


async def publish(stack: Stack, *records: tuple[UUID, bytes], partition: int = 0) -> None:
    """Writes these events of applications to one partition, in order."""
    async with AIOKafkaProducer(**client_options(stack.kafka.bootstrap), acks="all") as producer:
        for event_id, payload in records:
            await producer.send_and_wait(
                CONSUMED, payload, headers=headers(event_id), partition=partition
            )


async def everything(stack: Stack, topic: str) -> Sequence[ConsumerRecord]:
    """All that a topic holds now."""
    consumer = AIOKafkaConsumer(
        **client_options(stack.kafka.bootstrap),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    await consumer.start()
    try:
        metadata = await consumer._client.fetch_all_metadata()
        partitions = [
            TopicPartition(topic, number) for number in metadata.partitions_for_topic(topic) or ()
        ]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        found: list[ConsumerRecord] = []
        for partition in partitions:
            while await consumer.position(partition) < ends[partition]:
                for batch in (await consumer.getmany(timeout_ms=200)).values():
                    found += batch
        return found
    finally:
        await consumer.stop()


async def until(condition: Callable[[], Awaitable[bool]], awaited: str) -> None:
    end = time.monotonic() + SECONDS
    while not await condition():
        assert time.monotonic() < end, f"not within {SECONDS} s: {awaited}"


async def completed(stack: Stack, application_id: UUID) -> list[events_pb2.ScreeningCompleted]:
    """The events of one application on the topic, each once however often it was sent."""
    records = await everything(stack, PUBLISHED)
    ours = {
        dict(record.headers)["ce_id"]: record.value
        for record in records
        if record.key == str(application_id).encode()
    }
    return [events_pb2.ScreeningCompleted.FromString(value) for value in ours.values()]


def channel(stack: Stack, principal: str) -> grpc.aio.Channel:
    identity = stack.identity(principal)
    files = (identity.ca, identity.key, identity.cert)
    return grpc.aio.secure_channel(
        stack.addresses("screening")[0],
        grpc.ssl_channel_credentials(*(file.read_bytes() for file in files)),
    )


async def test_a_submission_is_answered_by_one_event_in_its_trace_and_a_repetition_by_none(
    stack: Stack,
) -> None:
    event, event_id = (
        submitted(party("end-user", LISTED_ALIAS), party("applicant", UNLISTED)),
        uuid4(),
    )
    after = submitted(party("end-user", UNLISTED))
    application_id = UUID(event.application_id)
    same = (event_id, event.SerializeToString())

    await publish(stack, same, same, (uuid4(), after.SerializeToString()))
    await until(lambda: answered(stack, after), "the record behind the repeated one")

    (completed_event,) = await completed(stack, application_id)
    (record,) = [
        each
        for each in await everything(stack, PUBLISHED)
        if each.key == str(application_id).encode()
    ]
    assert [each.result for each in completed_event.parties] == [
        model_pb2.SCREENING_RESULT_POSSIBLE_MATCH,
        model_pb2.SCREENING_RESULT_CLEAR,
    ]
    assert completed_event.parties[0].hits[0].entry_id == LISTED_ENTRY
    assert dict(record.headers)["ce_type"] == b"safeconduct.screening.v1.ScreeningCompleted"
    assert dict(record.headers)["traceparent"].split(b"-")[1] == TRACEPARENT.encode().split(b"-")[1]


async def answered(stack: Stack, event: applications_pb2.ApplicationSubmitted) -> bool:
    return bool(await completed(stack, UUID(event.application_id)))


async def test_a_poison_record_is_parked_and_its_partition_goes_on(
    stack: Stack,
) -> None:
    poison, after = uuid4(), submitted(party("end-user", UNLISTED))

    await publish(
        stack, (poison, b"\xff\xff\xff"), (uuid4(), after.SerializeToString()), partition=3
    )
    await until(lambda: answered(stack, after), "the record behind the poison")

    database = await asyncpg.connect(stack.database("screening").app_dsn)
    parked = await database.fetch("select * from parked where event_id = $1", poison)
    await database.close()
    (row,) = parked
    assert (row["payload"], row["reason"], row["partition"]) == (
        b"\xff\xff\xff",
        "UNDECODABLE",
        3,
    )


async def test_killed_in_the_middle_it_loses_nothing_and_screens_nothing_twice(
    stack: Stack,
) -> None:
    service, event = (
        stack.service("screening"),
        [submitted(party("end-user", UNLISTED)) for _ in range(200)],
    )
    database = await asyncpg.connect(stack.database("screening").app_dsn)
    ids = [UUID(each.application_id) for each in event]

    async def stored() -> int:
        count: int = await database.fetchval(
            "select count(*) from event where stream_id = any($1::uuid[])", ids
        )
        return count

    async def begun() -> bool:
        return await stored() > 0

    async def all_screened() -> bool:
        keys = {each.key for each in await everything(stack, PUBLISHED)}
        return {str(each).encode() for each in ids} <= keys

    await publish(stack, *((uuid4(), each.SerializeToString()) for each in event), partition=1)
    await until(begun, "the first screening")
    service.kill()
    at_death = await stored()
    await until(all_screened, "all screenings")

    assert 0 < at_death < len(ids), "killed in the middle"
    assert await stored() == len(ids)
    assert service.starts == 2
    await database.close()


async def test_over_mutual_tls_a_listed_alias_is_exact_with_evidence(
    stack: Stack, source: ListSource
) -> None:
    asked = model_pb2.PartyQuery(
        names=[LISTED_ALIAS], kind=model_pb2.PARTY_KIND_ORGANISATION, countries=["BY"]
    )
    stack.service("screening").wait_ready(SECONDS)

    async with channel(stack, "partner/example-1") as wire:
        stub = service_pb2_grpc.ScreeningServiceStub(wire)
        answer = await stub.ScreenParty(service_pb2.ScreenPartyRequest(party=asked), timeout=10)

    best = answer.party.hits[0]
    assert (best.entry_id, best.strength) == (LISTED_ENTRY, model_pb2.MATCH_STRENGTH_EXACT)
    assert answer.list_version == source.version(0, datetime.now(UTC)).list_version
    assert {"NAME_EXACT", "COUNTRY"} <= {each.kind for each in best.evidence}


async def test_a_stop_is_orderly(stack: Stack) -> None:
    assert stack.service("screening").stop() == 0
