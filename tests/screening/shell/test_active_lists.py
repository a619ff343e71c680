"""The first import, loading, and the change to another version, on the real database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from uuid import uuid4

import asyncpg
import pytest

from chassis.store.idempotency import IdempotencyKey
from services.screening.core.config import DEFAULT
from services.screening.core.errors import Refusal
from services.screening.core.lists.parsed_list import ListUnreadable
from services.screening.core.lists.versions import (
    ActivateList,
    Command,
    Event,
    ImportList,
    ScreeningList,
    decide,
)
from services.screening.core.model import Entry, PartyQuery, Reason, Result
from services.screening.shell.active_lists import ActiveLists
from services.screening.shell.list_sources import ListSource
from services.screening.shell.matcher import LoadedIndex, ThreadMatcher
from tests.chassis.waiting import eventually, stopped
from tests.screening.shell.replica import NewReplica, Replica
from tests.screening.shell.submissions import LISTED_ALIAS, MANIFEST, UNLISTED, shortened

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


async def active(replica: Replica, source: ListSource) -> None:
    """Imports this source and activates it, as an officer would."""
    version = source.version(1_000, NOON)
    await replica.list_journal.fetch(
        "insert into list_source (digest, list_code, content) values ($1, $2, $3)",
        source.digest, source.code, source.content,
    )  # fmt: skip
    list_id = replica.lists.list_id
    for command in (ImportList(list_id, version), ActivateList(list_id, version.list_version)):
        key = IdempotencyKey(uuid4(), type(command).__name__, source.digest)
        await replica.list_journal.execute(
            list_id, key, "officer/licensing-1", partial(decide_in_order, command)
        )


def decide_in_order(command: Command, state: ScreeningList | None) -> tuple[Event, ...] | Refusal:
    return decide(state, command)


async def test_the_first_start_keeps_the_source_and_activates_it(
    replica: Replica, source: ListSource
) -> None:
    history = await replica.list_journal.history(replica.lists.list_id)
    rows = await replica.list_journal.fetch(
        "select digest, content from list_source where list_code = $1", source.code
    )

    assert [event.name for event in history] == ["ListImported", "ListActivated"]
    assert [(row["digest"], row["content"]) for row in rows] == [(source.digest, source.content)]
    assert replica.lists.ready() is None


async def test_two_replicas_that_start_together_import_once(
    own_pool: asyncpg.Pool, new_replica: NewReplica
) -> None:
    replicas = [new_replica(own_pool) for _ in range(2)]

    await asyncio.gather(*(each.lists._import_initial() for each in replicas))

    history = await replicas[0].list_journal.history(replicas[0].lists.list_id)
    assert [event.name for event in history] == ["ListImported", "ListActivated"]


async def test_a_release_with_another_first_list_keeps_the_active_one(
    own_pool: asyncpg.Pool, new_replica: NewReplica
) -> None:
    first, later = new_replica(own_pool), new_replica(own_pool)
    await first.lists._import_initial()
    other = ActiveLists(
        later.list_journal,
        later.dependencies.list_store,
        later.screener,
        shortened(1_050),
        later.telemetry.registry.__class__(),
    )

    version = await other._import_initial()

    assert version == await first.dependencies.list_store.active_versions()


async def test_another_active_version_is_loaded_and_a_screening_in_flight_keeps_its_own(
    own_pool: asyncpg.Pool, new_replica: NewReplica
) -> None:
    replica = new_replica(own_pool)
    await replica.lists.refresh()
    before = replica.screener.index
    assert before is not None
    await active(replica, shortened(1_050))

    await replica.lists.refresh()

    after = await replica.screener.screen(PartyQuery((UNLISTED,)))
    (in_flight,) = await replica.screener.screen_all(before, [PartyQuery((UNLISTED,))], 10)
    assert in_flight.list_version_id == before.list_version_id
    assert after.list_version_id == shortened(1_050).version(0, NOON).list_version


class Overtaken(ThreadMatcher):
    """Something happens when it has built its first index, before that index is loaded."""

    def __init__(self, happens: Callable[[], Awaitable[None]]) -> None:
        super().__init__(DEFAULT)
        self._happens: Callable[[], Awaitable[None]] | None = happens

    async def load(self, entries: Sequence[Entry], list_version_id: str) -> LoadedIndex:
        built = await super().load(entries, list_version_id)
        happens, self._happens = self._happens, None
        if happens is not None:
            await happens()
        return built


async def test_what_is_no_longer_active_when_it_is_built_is_never_screened_against(
    own_pool: asyncpg.Pool, new_replica: NewReplica
) -> None:
    replica = new_replica(own_pool)
    await replica.lists._import_initial()
    await active(replica, shortened(1_050))
    replica.screener._matcher = Overtaken(partial(active, replica, shortened(1_060)))

    await replica.lists.refresh()
    assert replica.screener.index is None
    await replica.lists.refresh()

    assert await replica.lists.is_current()


async def test_before_a_list_is_loaded_nobody_is_clear(
    own_pool: asyncpg.Pool, new_replica: NewReplica
) -> None:
    replica = new_replica(own_pool)

    answer = await replica.screener.screen(PartyQuery((UNLISTED,)))

    assert (answer.result, answer.reasons) == (Result.UNDETERMINED, (Reason.INDEX_NOT_READY,))
    assert replica.lists.ready() is not None


async def test_an_active_list_that_cannot_be_read_leaves_nothing_to_screen_against(
    own_pool: asyncpg.Pool, new_replica: NewReplica, source: ListSource
) -> None:
    replica = new_replica(own_pool)
    await replica.lists.refresh()
    await active(replica, ListSource(source.code, "2026-01", b"another format\n"))

    with pytest.raises(ListUnreadable):
        await replica.lists.refresh()
    running = asyncio.ensure_future(replica.lists.run())
    async with asyncio.timeout(20):
        while replica.screener.index is not None:  # noqa: ASYNC110 - the screener has no event to wait for
            await asyncio.sleep(0.05)
    running.cancel()

    answer = await replica.screener.screen(PartyQuery((LISTED_ALIAS,)))
    assert answer.result is Result.UNDETERMINED
    assert replica.lists.ready() == "the active list cannot be read"


async def test_a_list_that_a_newer_release_has_written_leaves_nothing_to_screen_against(
    own_pool: asyncpg.Pool, new_replica: NewReplica
) -> None:
    replica = new_replica(own_pool)
    await replica.lists.refresh()
    await own_pool.execute("update stream set schema = schema + 1 where kind = 'list'")

    running = asyncio.create_task(replica.lists.run())
    await eventually(lambda: replica.screener.index is None, "the index is released")
    assert replica.lists.ready() == "the active list cannot be read"

    await own_pool.execute("update stream set schema = schema - 1 where kind = 'list'")
    replica.lists.wake()
    await eventually(lambda: replica.lists.ready() is None, "it is ready again")
    assert replica.screener.index is not None
    await stopped(running)


@pytest.mark.parametrize(
    "statement",
    [
        "update list_source set list_code = 'X'",
        "delete from list_source",
        "truncate list_source",
        "insert into list_source (digest, list_code, content) values (sha256('a'), 'US-CSL', 'b')",
    ],
)
async def test_a_source_is_never_changed_and_always_has_its_own_digest(
    replica: Replica, pool: asyncpg.Pool, statement: str
) -> None:
    with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.CheckViolationError)):
        await pool.execute(statement)


def test_the_manifest_of_the_shipped_list_names_a_file_beside_it() -> None:
    assert (MANIFEST.parent / "us_csl_2025-02.csv.gz").is_file()
