"""`safeconduct audit verify` on real databases finds every kind of tampering."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import asyncpg
import pytest

from chassis.store.hash_chain import chain_hash, event_id_of
from chassis.streams.outbox_record import Address, OutboxRecord
from chassis.streams.relay import Relay
from chassis.streams.relay_metrics import RelayMetrics
from infra.local.kafka import Kafka
from infra.local.ports import free_port
from infra.local.postgres import Database, Postgres
from operations.audit.verify import verify
from tests.chassis.conftest import NewTopic
from tests.chassis.sample_aggregate import SampleJournal, add, new_journal, open_pool, telemetry
from tests.chassis.waiting import eventually, stopped

from .conftest import Ran, safeconduct, three_samples


async def audit(store: Database, bootstrap: str = "") -> Ran:
    environ = {
        "SAFECONDUCT_AUDIT_SAMPLES_URL": store.operator_dsn,
        "SAFECONDUCT_KAFKA_BOOTSTRAP_SERVERS": bootstrap,
    }
    return await safeconduct(environ, "audit", "verify", "--json")


def faults(ran: Ran) -> list[tuple[str, int, str]]:
    assert all(each["service"] == "samples" for each in ran.json["faults"])
    return [(each["streamId"], each["version"], each["kind"]) for each in ran.json["faults"]]


async def test_untouched_chains_are_whole_and_what_was_covered_is_said(
    own_store: Database, samples: list[str]
) -> None:
    ran = await audit(own_store)

    assert (ran.code, ran.err) == (0, "")
    assert ran.json["services"] == {
        "samples": {"streams": 3, "events": 15, "inOutbox": 15, "faultyStreams": 0}
    }
    assert (ran.json["ok"], ran.json["faults"], ran.json["published"]) == (True, [], None)


SWAP = (
    "update event set version = 99 where stream_id = $1 and version = 2",
    "update event set version = 2 where stream_id = $1 and version = 3",
    "update event set version = 3 where stream_id = $1 and version = 99",
)
FORGE = (
    """insert into event (stream_id, version, event_id, name, actor, occurred_at, state, payload,
    traceparent, previous_hash, hash)
    select stream_id, 6, gen_random_uuid(), name, actor, occurred_at, state, payload, traceparent,
    hash, sha256(hash) from event where stream_id = $1 and version = 5
    """,
)
ROLL_BACK = (
    """update stream s set version = 4, latest_hash = e.hash from event e
    where s.id = $1 and e.stream_id = s.id and e.version = 4""",
)
OF = "where stream_id = $1 and version ="
TAMPERING: dict[str, tuple[tuple[str, ...], list[tuple[int, str]]]] = {
    "changed payload": ((f"update event set payload = '\\x00' {OF} 3",), [(3, "CHANGED")]),
    "changed actor": ((f"update event set actor = 'officer/x' {OF} 1",), [(1, "CHANGED")]),
    "changed time": (
        (f"update event set occurred_at = occurred_at + interval '1 us' {OF} 5",),
        [(5, "CHANGED")],
    ),
    "changed id": ((f"update event set event_id = gen_random_uuid() {OF} 2",), [(2, "CHANGED")]),
    "changed hash": ((f"update event set hash = sha256(hash) {OF} 2",), [(2, "CHANGED")]),
    "removed": ((f"delete from event {OF} 2",), [(2, "OUTBOX"), (2, "REMOVED")]),
    "cut tail": ((f"delete from event {OF} 5",), [(5, "CUT"), (5, "OUTBOX")]),
    "reordered": (SWAP, [(2, "REORDERED"), (3, "REORDERED")]),
    "inserted": (FORGE, [(6, "INSERTED")]),
    "state rolled back": (ROLL_BACK, [(5, "INSERTED")]),
    "state changed": (("update stream set state = 'CLOSED' where id = $1",), [(5, "STATE")]),
    "state removed": (("delete from stream where id = $1",), [(5, "STATE")]),
    "all events removed": (
        ("delete from outbox where stream_id = $1", "delete from event where stream_id = $1"),
        [(version, "CUT") for version in range(1, 6)],
    ),
}


@pytest.mark.parametrize("done", TAMPERING)
async def test_whatever_is_done_to_a_row_is_found_and_named(
    store: Database, postgres: Postgres, done: str
) -> None:
    """Among the streams of all these tests; the others of this one stay whole."""
    statements, expected = TAMPERING[done]
    pool = await open_pool(store.app_dsn)
    streams = await three_samples(new_journal(pool))
    await pool.close()
    hand = await asyncpg.connect(postgres.dsn(store.name))
    await hand.execute("alter table event disable trigger all")
    for statement in statements:
        await hand.execute(statement, streams[1])
    await hand.close()

    report = await verify({"samples": store.operator_dsn}, "", lambda *_: None)

    found = [(str(each.stream_id), each.fault.version, each.fault.kind) for each in report.faults]
    assert sorted(each for each in found if each[0] in streams) == [
        (streams[1], *each) for each in expected
    ]


async def rewrite(superuser: asyncpg.Connection, stream: str, amount: int, first: int = 1) -> None:
    """Rewrites a stream from a version on, with valid hashes and state row."""
    rows = await superuser.fetch(
        "select * from event where stream_id = $1 and version >= $2 order by version", stream, first
    )
    head = rows[0]["previous_hash"]
    for row in rows:
        payload = f"{stream} {amount}".encode() if row["version"] == first else row["payload"]
        hashed = chain_hash(
            head,
            UUID(stream),
            row["version"],
            row["occurred_at"],
            row["name"],
            row["actor"],
            payload,
        )
        await superuser.execute(
            f"update event set payload = $3, previous_hash = $4, hash = $5, event_id = $6 {OF} $2",
            stream,
            row["version"],
            payload,
            head,
            hashed,
            event_id_of(hashed),
        )
        head = hashed
    await superuser.execute("update stream set latest_hash = $2 where id = $1", stream, head)


async def test_the_table_for_people_names_service_stream_version_and_fault(
    own_store: Database, samples: list[str], superuser: asyncpg.Connection
) -> None:
    await superuser.execute(
        "update event set name = 'Named' where stream_id = $1 and version = 4", samples[1]
    )

    ran = await safeconduct(
        {}, "audit", "verify", "--database", f"samples={own_store.operator_dsn}"
    )

    assert ran.code == 1
    (line,) = [line.split() for line in ran.out.splitlines() if samples[1] in line]
    assert line[:4] == ["samples", samples[1], "4", "CHANGED"]
    assert "faults: 1" in ran.out


async def test_the_operators_role_reads_and_changes_nothing(
    own_store: Database, samples: list[str]
) -> None:
    connection = await asyncpg.connect(own_store.operator_dsn)
    try:
        assert await connection.fetchval("select count(*) from event") == 15
        for statement in (
            "update event set name = 'x'",
            "delete from outbox",
            "insert into idempotency values (gen_random_uuid(), '', '', '')",
        ):
            await connection.execute("set default_transaction_read_only = off")
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close()


async def test_what_cannot_be_reached_or_was_not_said_ends_with_its_own_code(
    own_store: Database,
) -> None:
    wrong = own_store.operator_dsn.replace("_operator:", "_operator:x")

    silent = await safeconduct({}, "audit", "verify", "--json")
    shut = await safeconduct({"SAFECONDUCT_AUDIT_SAMPLES_URL": wrong}, "audit", "verify", "--json")

    assert (silent.code, '"reason": "NOT_CONFIGURED"' in silent.err) == (2, True)
    assert (shut.code, '"reason": "DATABASE"' in shut.err) == (6, True)


@pytest.fixture
async def outside(
    own_store: Database,
    kafka: Kafka,
    new_topic: NewTopic,
    samples: list[str],
    superuser: asyncpg.Connection,
) -> Callable[[], Awaitable[Ran]]:
    """Publishes everything; returns the audit that compares, under a unique name."""
    topic = await new_topic()
    await publish(own_store, kafka, topic, superuser)
    environ = {
        f"SAFECONDUCT_AUDIT_{own_store.name.upper()}_URL": own_store.operator_dsn,
        "SAFECONDUCT_KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap,
    }

    async def audited() -> Ran:
        return await safeconduct(environ, "audit", "verify", "--json")

    return audited


async def publish(store: Database, kafka: Kafka, topic: str, superuser: asyncpg.Connection) -> None:
    def route(record: OutboxRecord) -> tuple[Address, bytes]:
        return Address(topic), str(record.stream_id).encode()

    source, package = f"/{store.name}", "safeconduct.samples.v1"
    made = telemetry()
    metrics = RelayMetrics(made.registry)
    relay = asyncio.create_task(
        Relay(store.app_dsn, kafka.bootstrap, source, package, route, made, metrics).run()
    )

    async def published() -> bool:
        return bool(await superuser.fetchval("select count(*) = 0 from outbox"))

    await eventually(published, "everything published")
    await stopped(relay)


def kinds(ran: Ran) -> list[tuple[str, int, str]]:
    return [(each["streamId"], each["version"], each["kind"]) for each in ran.json["faults"]]


async def test_what_was_published_is_what_is_stored(
    outside: Callable[[], Awaitable[Ran]], journal: SampleJournal, samples: list[str]
) -> None:
    await add(journal, UUID(samples[0]), 6)

    ran = await outside()

    assert (ran.code, kinds(ran), ran.json["published"]) == (0, [], 15)
    assert next(iter(ran.json["services"].values())) == {
        "streams": 3,
        "events": 16,
        "inOutbox": 1,
        "faultyStreams": 0,
    }


async def test_a_rewritten_chain_that_fits_itself_is_caught_by_what_was_published(
    outside: Callable[[], Awaitable[Ran]],
    own_store: Database,
    samples: list[str],
    superuser: asyncpg.Connection,
) -> None:
    await rewrite(superuser, samples[1], amount=1000, first=4)

    inside = await audit(own_store)
    ran = await outside()

    assert inside.code == 0
    assert ran.code == 1
    assert set(kinds(ran)) == {
        (samples[1], v, kind) for v in (4, 5) for kind in ("REWRITTEN", "UNPUBLISHED")
    }


async def test_a_stream_that_is_wholly_gone_is_caught_by_what_was_published(
    outside: Callable[[], Awaitable[Ran]], samples: list[str], superuser: asyncpg.Connection
) -> None:
    await superuser.execute("delete from event where stream_id = $1", samples[2])
    await superuser.execute("delete from stream where id = $1", samples[2])

    ran = await outside()

    assert kinds(ran) == [(samples[2], version, "UNRECORDED") for version in range(1, 6)]


async def test_an_event_that_was_never_published_is_caught(
    outside: Callable[[], Awaitable[Ran]],
    journal: SampleJournal,
    samples: list[str],
    superuser: asyncpg.Connection,
) -> None:
    await add(journal, UUID(samples[0]), 6)
    await superuser.execute("delete from outbox")

    ran = await outside()

    assert (ran.code, kinds(ran)) == (1, [(samples[0], 6, "UNPUBLISHED")])


async def test_a_broker_that_is_away_is_no_verdict(own_store: Database, samples: list[str]) -> None:
    environ = {"SAFECONDUCT_AUDIT_SAMPLES_URL": own_store.operator_dsn}

    ran = await safeconduct(
        environ, "audit", "verify", "--bootstrap", f"127.0.0.1:{free_port()}", "--json"
    )

    assert (ran.code, '"reason": "BROKER"' in ran.err) == (6, True)
