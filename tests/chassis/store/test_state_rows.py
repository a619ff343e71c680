"""Two releases on one database: a row is decoded by the number of its shape."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import asyncpg
import grpc
import msgspec
import pytest
from google.protobuf.wrappers_pb2 import Int64Value
from google.rpc import error_details_pb2

from chassis.rpc.errors import RpcError
from chassis.store.fence import EventKey
from tests.chassis.next_sample import (
    NextJournal,
    NextSample,
    NextStream,
    note,
    row_of,
    write_shape,
)
from tests.chassis.sample_aggregate import (
    Sample,
    SampleJournal,
    add,
    adding,
    new_journal,
    new_key,
    total_of,
)

OFFICER = "officer/licensing-1"


@pytest.fixture
def next_journal(pool: asyncpg.Pool) -> NextJournal:
    """The journal of a replica of the next release."""
    return new_journal(pool, stream=NextStream())


async def test_a_row_has_the_number_of_the_release_that_wrote_it(
    journal: SampleJournal, next_journal: NextJournal, owner: asyncpg.Connection
) -> None:
    sample = uuid4()
    numbers = []

    await add(journal, sample, 1)
    numbers.append((await row_of(owner, sample))["schema"])
    await note(next_journal, sample, "a list names the party")
    numbers.append((await row_of(owner, sample))["schema"])

    assert numbers == [1, 2]


async def test_an_old_replica_does_not_change_a_row_of_a_newer_release(
    journal: SampleJournal, next_journal: NextJournal, owner: asyncpg.Connection
) -> None:
    sample = uuid4()
    await add(journal, sample, 1)
    await note(next_journal, sample, "a list names the party")
    before = await row_of(owner, sample)

    with pytest.raises(RpcError) as refused:
        await add(journal, sample, 1)

    assert (refused.value.code, refused.value.reason) == (
        grpc.StatusCode.UNAVAILABLE,
        "NEWER_STATE",
    )
    (retry,) = refused.value.details
    assert isinstance(retry, error_details_pb2.RetryInfo)
    assert retry.retry_delay.ToMilliseconds() == 1000
    assert await row_of(owner, sample) == before
    kept = await next_journal.read(sample)
    assert kept is not None
    assert kept.state.notes == ("a list names the party",)


async def test_an_event_for_a_row_of_a_newer_release_moves_no_fence_and_is_handled_later(
    journal: SampleJournal, next_journal: NextJournal, owner: asyncpg.Connection
) -> None:
    sample, key = uuid4(), EventKey(uuid4(), "Added", "/others", uuid4(), 1)
    await note(next_journal, sample, "a list names the party")

    with pytest.raises(RpcError) as refused:
        await journal.execute(sample, key, "service/others", adding(sample, 5))
    fences = await owner.fetchval(
        "select count(*) from handled where stream_id = $1", key.stream_id
    )
    await next_journal.execute(sample, key, "service/others", adding(sample, 5))

    assert (refused.value.code, refused.value.reason) == (
        grpc.StatusCode.UNAVAILABLE,
        "NEWER_STATE",
    )
    assert fences == 0
    current = await next_journal.read(sample)
    assert current is not None
    assert (current.state.total, len(current.state.notes)) == (5, 1)


async def test_an_old_replica_reads_no_row_of_a_newer_release(
    journal: SampleJournal, next_journal: NextJournal
) -> None:
    sample = uuid4()
    await note(next_journal, sample, "a list names the party")

    for reading in (journal.read(sample), journal.select("where id = $1", sample)):
        with pytest.raises(RpcError) as refused:
            await reading
        assert refused.value.reason == "NEWER_STATE"


async def test_an_old_replica_answers_a_request_that_a_newer_one_has_carried_out(
    journal: SampleJournal, next_journal: NextJournal
) -> None:
    sample, key = uuid4(), new_key()
    await note(next_journal, sample, "a list names the party")
    total = await next_journal.execute(
        sample, key, OFFICER, adding(sample, 5), total_of, Int64Value
    )

    assert await add(journal, sample, 5, key=key) == 5
    assert total == Int64Value(value=5)


async def test_a_row_that_a_newer_release_rewrites_during_a_decision_is_not_changed(
    journal: SampleJournal, owner: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    """A rebuild changes the number and not the version."""
    sample = uuid4()
    await add(journal, sample, 1)
    rewritten = False

    class Connection:
        def __init__(self, real: Any) -> None:
            self._real = real

        def __getattr__(self, name: str) -> Any:
            return getattr(self._real, name)

        async def fetchval(self, query: str, *values: object) -> Any:
            nonlocal rewritten
            if "update stream" in query and not rewritten:
                rewritten = True
                await write_shape(owner, sample, 2)
            return await self._real.fetchval(query, *values)

    class Pool:
        def acquire(self) -> Any:
            real = pool.acquire()

            class Acquired:
                async def __aenter__(self) -> Any:
                    return Connection(await real.__aenter__())

                async def __aexit__(self, *fault: object) -> None:
                    await real.__aexit__(*fault)

            return Acquired()

    with pytest.raises(RpcError) as refused:
        await add(new_journal(Pool()), sample, 1)

    assert rewritten
    assert refused.value.reason == "NEWER_STATE"
    assert (await row_of(owner, sample))["version"] == 1


@pytest.mark.parametrize(
    "bytes_of_old",
    [
        {"id": str(uuid4()), "version": 2, "sum": 9},  # a field was renamed
        {"id": str(uuid4()), "version": 2, "total": "nine"},  # its type has changed
        ["not even a map"],
    ],
)
async def test_a_row_of_an_older_release_is_folded_again_from_its_events(
    bytes_of_old: object, journal: SampleJournal, owner: asyncpg.Connection
) -> None:
    sample = uuid4()
    await add(journal, sample, 2, 3)
    await write_shape(owner, sample, 0, bytes_of_old)

    current = await journal.read(sample)

    assert current is not None
    assert current.state == Sample(sample, 2, 5)


async def test_a_command_on_a_row_of_an_older_release_stores_the_new_shape(
    journal: SampleJournal, next_journal: NextJournal, owner: asyncpg.Connection
) -> None:
    sample = uuid4()
    await add(journal, sample, 2, 3)

    total = await add(next_journal, sample, 4)

    row = await row_of(owner, sample)
    assert total == 9
    assert (row["schema"], row["version"]) == (2, 3)
    assert msgspec.msgpack.decode(row["state_data"], type=NextSample) == NextSample(sample, 3, 9)


async def test_rows_of_several_releases_are_read_together_in_their_order(
    journal: SampleJournal, next_journal: NextJournal, owner: asyncpg.Connection
) -> None:
    samples = [uuid4() for _ in range(5)]
    for amount, sample in enumerate(samples):
        await add(next_journal if amount % 2 else journal, sample, amount, 10)

    found = await next_journal.select("where id = any($1) order by created_at", samples)

    assert [(each.id, each.state.total) for each in found] == [
        (sample, amount + 10) for amount, sample in enumerate(samples)
    ]


async def test_an_event_behind_the_rows_version_is_left_out(
    journal: SampleJournal, next_journal: NextJournal
) -> None:
    """Another replica may store an event between the reads of the row and of its events."""
    sample = uuid4()
    await add(journal, sample, 2)
    (row,) = await journal.fetch("select * from stream where id = $1", sample)
    await add(journal, sample, 3)

    assert await next_journal._state_rows.states([row], journal.fetch) == [NextSample(sample, 1, 2)]


async def test_an_unknown_event_is_of_a_newer_release(
    journal: SampleJournal, next_journal: NextJournal, owner: asyncpg.Connection
) -> None:
    sample = uuid4()
    await note(next_journal, sample, "a list names the party")
    await write_shape(owner, sample, 0)

    with pytest.raises(RpcError) as refused:
        await journal.read(sample)

    assert refused.value.reason == "NEWER_STATE"
