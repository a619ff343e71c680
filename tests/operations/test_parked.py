"""`safeconduct parked`: parked events are listed, shown, tried again in order, and given up.

The role is that of operators, which may only read tables.
"""

from __future__ import annotations

import base64
import getpass
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from uuid import UUID, uuid4

import asyncpg
import pytest
from rich.console import Console

from chassis.store.parked import ParkedEvent, ParkedEvents
from chassis.streams.envelope import Undecodable
from infra.local.postgres import Database
from operations.parked.events import Parked
from operations.parked.view import parked_table
from tests.chassis.sample_aggregate import open_pool
from tests.chassis.streams.test_event_processor import Handling
from tests.chassis.waiting import eventually, stopped

from .conftest import Ran, safeconduct

DATABASE = "SAFECONDUCT_AUDIT_SAMPLES_URL"
Command = Callable[..., Awaitable[Ran]]


@pytest.fixture
async def handling(own_store: Database) -> AsyncIterator[Handling]:
    """A service of one handler, which refuses the payload `bad` until it is mended."""
    pool = await open_pool(own_store.app_dsn)
    made = Handling(pool)
    made.faults[b"bad"] = Undecodable("not a message")
    yield made
    if made.retrying is not None:
        await stopped(made.retrying)
    await pool.close()


@pytest.fixture
def parked(own_store: Database) -> Command:
    """The command with the role of operators."""

    async def run(*arguments: str) -> Ran:
        return await safeconduct({DATABASE: own_store.operator_dsn}, "parked", *arguments)

    return run


async def parked_stream(handling: Handling, *payloads: bytes) -> tuple[UUID, list[str]]:
    """Parks these payloads as versions 1, 2, ... of a stream; returns it and the events' ids."""
    stream = uuid4()
    for version, payload in enumerate(payloads, 1):
        assert await handling.process(payload, stream, version) == "parked"
    numbers = await handling.pool.fetch(
        "select id from parked where stream_id = $1 order by version", stream
    )
    return stream, [f"samples/{row['id']}" for row in numbers]


async def test_a_list_shows_each_stream_in_its_order_with_the_reason_of_the_first_event(
    handling: Handling, parked: Command
) -> None:
    stream, ids = await parked_stream(handling, b"bad", b"behind")

    listed = await parked("list", "--json")
    table = await parked("list")
    quiet = await parked("list", "--quiet", "--reason", "UNDECODABLE")
    others = await parked("list", "--quiet", "--reason", "HANDLER_FAILED")

    assert [(each["id"], each["reason"]) for each in listed.json["parkedEvents"]] == [
        (ids[0], "UNDECODABLE"),
        (ids[1], "BEHIND"),
    ]
    first = listed.json["parkedEvents"][0]
    assert (first["source"], first["stream"], first["version"]) == ("/samples", str(stream), 1)
    assert (first["eventType"], first["error"], first["attempts"]) == ("Added", "Undecodable", 1)
    assert first["retryAt"] == ""
    assert table.code == 0
    assert all(name in table.out for name in (*ids, "UNDECODABLE", "BEHIND"))
    assert (quiet.out.split(), others.out) == (ids, "")


def test_the_table_fits_80_columns_and_keeps_what_retry_needs() -> None:
    event = ParkedEvent(
        "safeconduct.enforcement.v1", 5, 4_711, "/enforcement", uuid4(), 12, uuid4(),
        "LicenseReinstated", None, b"", (), "HANDLER_FAILED", "UniqueViolationError", 6, 12_345_678,
    )  # fmt: skip
    parked = Parked("applications", event, datetime(2026, 3, 1, tzinfo=UTC), None)
    console = Console(width=80, color_system=None)

    with console.capture() as capture:
        console.print(parked_table([parked], width=80))

    assert all(text in capture.get() for text in (parked.id, event.reason, event.type))
    assert max(map(len, capture.get().splitlines())) <= 80


async def test_a_shown_event_says_what_it_is_and_its_payload_only_if_asked(
    handling: Handling, parked: Command
) -> None:
    _, (name,) = await parked_stream(handling, b"bad")

    shown = (await parked("show", name, "--json")).json
    opened = (await parked("show", name, "--payload", "--json")).json

    assert (shown["id"], shown["origin"]) == (name, "safeconduct.samples.v1/0/1")
    assert (shown["bytes"], shown["sha256"]) == (3, hashlib.sha256(b"bad").hexdigest())
    assert "payload" not in shown
    assert base64.b64decode(opened["payload"]) == b"bad"


async def test_a_retried_stream_is_handled_from_its_first_event_on_whichever_id_was_given(
    handling: Handling, parked: Command
) -> None:
    stream, ids = await parked_stream(handling, b"bad", b"second", b"third")
    other, _ = await parked_stream(handling, b"bad")
    handling.retry()

    still_bad = await parked("retry", ids[2], "--json")
    await eventually(lambda: _attempts(handling, stream, 2), "the second attempt")
    handling.faults.clear()
    mended = await parked("retry", ids[2], ids[1], "--json")
    await eventually(lambda: _is_empty(handling, stream), "nothing of the stream is parked")

    assert (still_bad.json, mended.json) == ({"retried": ids[:1]}, {"retried": ids[:1]})
    assert handling.handled == [b"bad", b"second", b"third"]
    assert await handling.parked(other) == [(1, "UNDECODABLE")]


async def test_all_streams_that_wait_for_a_reason_are_retried_together(
    handling: Handling, parked: Command
) -> None:
    streams = [await parked_stream(handling, b"bad", b"behind") for _ in range(2)]
    firsts = {ids[0] for _, ids in streams}

    none = await parked("retry", "--reason", "HANDLER_FAILED", "--json")
    both = await parked("retry", "--reason", "UNDECODABLE", "--json")
    handling.faults.clear()
    handling.retry()
    await eventually(lambda: _is_empty(handling), "nothing is parked")

    assert none.json == {"retried": []}
    assert set(both.json["retried"]) == firsts
    assert sorted(handling.handled) == [b"bad", b"bad", b"behind", b"behind"]


async def test_a_dropped_event_is_kept_with_who_and_why_and_those_behind_it_are_handled(
    handling: Handling, parked: Command
) -> None:
    stream, ids = await parked_stream(handling, b"bad", b"second")
    handling.retry()

    dropped = await parked("drop", ids[0], "--because", "the sample never existed", "--json")
    await eventually(lambda: _is_empty(handling, stream), "nothing of the stream is parked")

    who = getpass.getuser()
    assert dropped.json == {
        "dropped": ids[0],
        "droppedBy": who,
        "reason": "the sample never existed",
    }
    assert handling.handled == [b"second"]


async def test_the_dropped_event_is_stored_as_it_was(
    handling: Handling, parked: Command, own_store: Database
) -> None:
    stream, (name,) = await parked_stream(handling, b"bad")

    quiet = await parked("drop", name, "--because", "a test", "--quiet")

    connection = await asyncpg.connect(own_store.operator_dsn)
    kept = await connection.fetch("select * from dropped")
    await connection.close()
    assert (quiet.code, quiet.out) == (0, f"{name}\n")
    (row,) = kept
    assert (row["stream_id"], row["version"], row["payload"]) == (stream, 1, b"bad")
    assert (row["reason"], row["drop_reason"]) == ("UNDECODABLE", "a test")
    assert row["dropped_by"] == getpass.getuser()
    assert row["dropped_at"] >= row["parked_at"]


async def test_wrong_input_exits_with_2_changes_nothing_and_a_database_that_is_away_with_6(
    handling: Handling, parked: Command
) -> None:
    stream, ids = await parked_stream(handling, b"bad")

    unknown = [
        await parked("show", "samples/4711", "--json"),
        await parked("retry", ids[0], "samples/4711", "--json"),
        await parked("drop", "samples/4711", "--because", "a test", "--json"),
    ]
    no_id = await parked("show", "samples/first", "--json")
    no_service = await parked("show", "elsewhere/1", "--json")
    both = await parked("retry", ids[0], "--reason", "UNDECODABLE")
    neither = await parked("retry")
    no_reason = await parked("drop", ids[0])
    empty_reason = await parked("drop", ids[0], "--because", " ")
    unconfigured = await safeconduct({}, "parked", "list", "--json")
    away = await safeconduct(
        {DATABASE: "postgresql://a:b@127.0.0.1:1/c"}, "parked", "list", "--json"
    )

    assert [(each.code, '"reason": "NO_SUCH_EVENT"' in each.err) for each in unknown] == [
        (2, True)
    ] * 3
    assert [
        (each.code, '"reason": "PARKED_EVENT"' in each.err) for each in (no_id, no_service)
    ] == [(2, True)] * 2
    assert {each.code for each in (both, neither, no_reason, empty_reason)} == {2}
    assert (unconfigured.code, '"reason": "NOT_CONFIGURED"' in unconfigured.err) == (2, True)
    assert away.code == 6
    (event,) = await handling.pool.fetch("select * from parked")
    assert (event["stream_id"], event["retry_at"]) == (stream, None)


async def test_an_operator_may_change_no_table(own_store: Database, handling: Handling) -> None:
    await parked_stream(handling, b"bad")
    writes = {"default_transaction_read_only": "off"}
    connection = await asyncpg.connect(own_store.operator_dsn, server_settings=writes)

    for change in ("delete from parked", "update outbox set parked_reason = null"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(change)
    await connection.close()

    assert await ParkedEvents(handling.pool).summary() != (0, 0.0)


async def _is_empty(handling: Handling, stream: UUID | None = None) -> bool:
    count = await handling.pool.fetchval(
        "select count(*) from parked where $1::uuid is null or stream_id = $1", stream
    )
    return count == 0


async def _attempts(handling: Handling, stream: UUID, number: int) -> bool:
    found = await handling.pool.fetchval(
        "select attempts from parked where stream_id = $1 and version = 1", stream
    )
    return found == number
