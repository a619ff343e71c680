"""`safeconduct outbox`: a record that cannot be sent is listed, and sent again in its order.

The role is that of operators, which may only read tables.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID, uuid4

import asyncpg
import pytest
from rich.console import Console

from infra.local.kafka import Kafka
from infra.local.postgres import Database
from operations.outbox.records import ParkedRecord
from operations.outbox.view import parked_table
from tests.chassis.conftest import NewTopic
from tests.chassis.kafka_records import records_in
from tests.chassis.sample_aggregate import add, new_journal, new_relay, open_pool
from tests.chassis.waiting import eventually, stopped

from .conftest import Ran, safeconduct

DATABASE = "SAFECONDUCT_AUDIT_SAMPLES_URL"


@pytest.fixture
async def pool(own_store: Database) -> AsyncIterator[asyncpg.Pool]:
    opened = await open_pool(own_store.app_dsn)
    yield opened
    await opened.close()


async def park(pool: asyncpg.Pool, sample: UUID, version: int) -> str:
    """Parks the version as the relay does, with the later ones behind; returns the record's id."""
    number = await pool.fetchval(
        "update outbox set parked_at = now(), parked_reason = 'RECORD_TOO_LARGE'"
        " where stream_id = $1 and version = $2 returning id",
        sample,
        version,
    )
    await pool.execute(
        "update outbox set parked_at = now(), parked_reason = 'BEHIND'"
        " where stream_id = $1 and version > $2",
        sample,
        version,
    )
    return f"samples/outbox/{number}"


async def outbox(store: Database, *arguments: str) -> Ran:
    return await safeconduct({DATABASE: store.operator_dsn}, "outbox", *arguments)


async def test_a_parked_record_is_listed_with_its_reason_and_the_number_behind_it(
    own_store: Database, pool: asyncpg.Pool
) -> None:
    sample, fine = uuid4(), uuid4()
    await add(new_journal(pool), sample, 1, 2, 3)
    await add(new_journal(pool), fine, 1)
    record = await park(pool, sample, 1)

    listed = await outbox(own_store, "list", "--json")
    ids = await outbox(own_store, "list", "--quiet", "--reason", "RECORD_TOO_LARGE")
    others = await outbox(own_store, "list", "--quiet", "--service", "screening")

    (parked,) = listed.json["parked"]
    assert (parked["id"], parked["reason"], parked["behind"]) == (record, "RECORD_TOO_LARGE", 2)
    assert (parked["streamId"], parked["version"]) == (str(sample), 1)
    assert parked["eventType"] == "Added"
    assert (ids.out, others.out) == (f"{record}\n", "")


def test_the_table_fits_80_columns_and_keeps_what_retry_needs() -> None:
    parked = ParkedRecord(
        "enforcement", "standing_outbox", 12_345_678, uuid4(), 12, "StandingChanged", 3_000_000,
        "a" * 32, "REFUSED_BY_BROKER", datetime(2026, 3, 1, tzinfo=UTC), 1234,
    )  # fmt: skip
    console = Console(width=80, color_system=None)

    with console.capture() as capture:
        console.print(parked_table([parked], width=80))

    assert parked.id in capture.get()
    assert "REFUSED_BY_BROKER" in capture.get()
    assert max(map(len, capture.get().splitlines())) <= 80


async def test_a_retried_record_and_those_behind_it_are_sent_in_order(
    own_store: Database, pool: asyncpg.Pool, kafka: Kafka, new_topic: NewTopic
) -> None:
    topic, sample, waiting = await new_topic(), uuid4(), uuid4()
    journal = new_journal(pool)
    await add(journal, sample, 1, 2, 3)
    await add(journal, waiting, 1)
    record, other = await park(pool, sample, 1), await park(pool, waiting, 1)

    dry = await outbox(own_store, "retry", record, "--dry-run", "--json")
    retried = await outbox(own_store, "retry", record, "--json")
    relay = asyncio.create_task(new_relay(own_store.app_dsn, kafka.bootstrap, topic).run())

    async def sent() -> bool:
        return len(await records_in(kafka.bootstrap, topic)) == 3

    await eventually(sent, "the three records")
    await stopped(relay)
    left = await outbox(own_store, "list", "--quiet")
    assert (dry.json, retried.json) == (
        {"retried": [record], "dryRun": True},
        {"retried": [record], "dryRun": False},
    )
    versions = [
        int(dict(each.headers)["ce_streamversion"])
        for each in await records_in(kafka.bootstrap, topic)
    ]
    assert versions == [1, 2, 3]
    assert left.out == f"{other}\n"


async def test_wrong_input_exits_with_2_and_a_database_that_is_away_with_6(
    own_store: Database,
) -> None:
    unknown = await outbox(own_store, "retry", "samples/outbox/4711", "--json")
    both = await outbox(own_store, "retry", "samples/outbox/4711", "--reason", "RECORD_TOO_LARGE")
    unconfigured = await safeconduct({}, "outbox", "list")
    away = await safeconduct(
        {DATABASE: "postgresql://a:b@127.0.0.1:1/c"}, "outbox", "list", "--json"
    )

    assert (unknown.code, both.code, unconfigured.code, away.code) == (2, 2, 2, 6)
    assert "samples/outbox/4711" in unknown.err
    assert DATABASE.replace("SAMPLES", "<SERVICE>") in unconfigured.err
