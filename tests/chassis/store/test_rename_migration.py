"""The migration that renames the journal's tables keeps every row that the first release wrote."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg
import pytest
from google.protobuf.wrappers_pb2 import Int64Value

from chassis.store.change_feed import ChangeFeed, Cursor
from chassis.store.idempotency import IdempotencyKey
from chassis.store.migrations import migrate
from infra.cache import CHECKOUT
from infra.local.postgres import Database
from operations.audit.verify import verify
from tests.chassis.sample_aggregate import (
    NOON,
    SampleJournal,
    add,
    adding,
    new_journal,
    open_pool,
    total_of,
)

ROWS: Final = (Path(__file__).parent / "data" / "first_release.sql").read_text()
FOUR_EVENTS, WITH_TIMER, ONE_EVENT = (UUID(int=n, version=4) for n in (0xA1, 0xB2, 0xC3))

SAMPLES_FIRST: Final = '''
revision = "0001"
down_revision = None

from chassis.store.migrations import apply, journal_sql


def upgrade():
    apply(journal_sql("create"))
    apply("""
        alter table stream add column owner text not null, add column nickname text unique;
        create table part (
  part_id uuid primary key, sample_id uuid not null, total bigint not null);
        grant select, insert, update on part to {app};
    """)
'''
SAMPLES_RENAME: Final = """
revision = "0002"
down_revision = "0001"

from chassis.store.migrations import apply, journal_sql


def upgrade():
    apply(journal_sql("rename"))
"""


@dataclass(frozen=True, slots=True)
class Kind:
    """A database of the first release: its migrations up to the rename, and columns to fill in."""

    name: str
    rename: str
    columns: dict[str, str]


SERVICES: Final = (
    Kind("samples", "0002", {"owner": "'somebody'"}),
    Kind("applications", "0002", {"partner_id": "'example-1'", "submitted_at": "now()"}),
    Kind("enforcement", "0002", {}),
    Kind("screening", "0004", {"kind": "'list'"}),
)
RENAMED: Final = {
    "stream": "stream",
    "event": "event",
    "done": "idempotency",
    "outbox": "outbox",
}


@dataclass(frozen=True, slots=True)
class Upgraded:
    """A database of the first release after the rename, and its rows as they were before."""

    kind: Kind
    database: Database
    before: list[list[tuple[Any, ...]]]


@pytest.fixture(scope="module", params=SERVICES, ids=lambda kind: kind.name)
async def upgraded(
    request: pytest.FixtureRequest, run_folder: Path, new_database: Callable[[], Database]
) -> Upgraded:
    return await upgrade(request.param, run_folder / "renamed" / request.param.name, new_database())


async def upgrade(kind: Kind, folder: Path, database: Database) -> Upgraded:
    """Migrates as the first release did, adds the rows that it wrote, and migrates again."""
    migrate(database.owner_dsn, database.app_role, first_release(kind, folder))
    owner = await asyncpg.connect(database.owner_dsn)
    for column, value in kind.columns.items():
        await owner.execute(f"alter table stream alter column {column} set default {value}")
    await owner.execute(ROWS)
    before = [await rows_of(owner, table) for table in RENAMED]
    await owner.close()
    add_rename(kind, folder)
    assert migrate(database.owner_dsn, database.app_role, folder) == [kind.rename]
    return Upgraded(kind, database, before)


def first_release(kind: Kind, folder: Path) -> Path:
    """Fills the folder with the migrations before the rename."""
    if kind.name == "samples":
        folder.mkdir(parents=True)
        (folder / "0001_samples.py").write_text(SAMPLES_FIRST)
        return folder
    shutil.copytree(CHECKOUT / "services" / kind.name / "migrations", folder)
    for file in folder.glob("0*.py"):
        if file.name[:4] >= kind.rename:
            file.unlink()
    return folder


def add_rename(kind: Kind, folder: Path) -> None:
    """Adds the migration that renames, and none of the later ones."""
    if kind.name == "samples":
        (folder / "0002_rename.py").write_text(SAMPLES_RENAME)
        return
    (rename,) = (CHECKOUT / "services" / kind.name / "migrations").glob(f"{kind.rename}_*.py")
    shutil.copy(rename, folder)


@pytest.fixture
async def owner(upgraded: Upgraded) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(upgraded.database.owner_dsn)
    yield connection
    await connection.close()


async def rows_of(owner: asyncpg.Connection, table: str) -> list[tuple[Any, ...]]:
    return [
        tuple(row.values()) for row in await owner.fetch(f"select * from {table} order by 1, 2")
    ]


async def test_every_row_is_there_afterwards_as_it_was(
    upgraded: Upgraded, owner: asyncpg.Connection
) -> None:
    after = [await rows_of(owner, table) for table in RENAMED.values()]

    assert [len(rows) for rows in after] == [3, 7, 5, 8]
    assert after == upgraded.before


async def test_every_chain_of_hashes_verifies_afterwards(upgraded: Upgraded) -> None:
    name = upgraded.kind.name

    report = await verify({name: upgraded.database.owner_dsn}, "", lambda *_: None)

    assert report.ok
    assert report.services[name].events == 7


async def test_no_name_of_the_first_release_is_left(
    upgraded: Upgraded, owner: asyncpg.Connection
) -> None:
    names = {
        row["name"]
        for row in await owner.fetch(
            """
            select relname::text as name from pg_class where relnamespace = 'public'::regnamespace
            union select conname::text from pg_constraint
                   where connamespace = 'public'::regnamespace
            union select attname::text from pg_attribute
                   where attrelid::regclass::text in ('stream', 'event', 'idempotency')
            """
        )
    }

    old = {"done", "doc", "head", "prev_hash", "at", "event_tail", "stream_waiting"}
    assert names & old == set()
    assert {name for name in names if name.startswith("done") or "_doc_" in name} == set()
    assert {"idempotency_pkey", "event_change_feed", "stream_latest_hash_not_null"} <= names


@pytest.fixture(scope="module")
async def journal(
    run_folder: Path, new_database: Callable[[], Database]
) -> AsyncIterator[SampleJournal]:
    """The journal of samples on an upgraded database, with the role of the service."""
    folder = run_folder / "renamed" / "journal"
    done = await upgrade(SERVICES[0], folder, new_database())
    (folder / "0003_releases.py").write_text(
        SAMPLES_RENAME.replace("0002", "0003").replace("0001", "0002").replace("rename", "releases")
    )
    migrate(done.database.owner_dsn, done.database.app_role, folder)
    owner = await asyncpg.connect(done.database.owner_dsn)
    await owner.execute("alter table event add column owner text")
    await owner.close()
    pool = await open_pool(done.database.app_dsn)
    yield new_journal(pool)
    await pool.close()


async def test_the_service_reads_states_that_the_events_fold_to(journal: SampleJournal) -> None:
    for stream_id, total in ((FOUR_EVENTS, 10), (WITH_TIMER, 0)):
        stored, history = await journal.read(stream_id), await journal.history(stream_id)

        assert stored is not None
        assert stored.state == journal.rebuild(history)
        assert (stored.state.total, stored.latest_hash) == (total, history[-1].hash)


async def test_the_service_answers_a_repeated_request_with_the_first_answer(
    journal: SampleJournal,
) -> None:
    answer = await journal.execute(
        FOUR_EVENTS,
        IdempotencyKey(UUID(int=2, version=4), "Add", b"digest"),
        "officer/licensing-1",
        adding(FOUR_EVENTS, 2, 3),
        total_of,
        Int64Value,
    )

    assert answer == Int64Value(value=6)
    assert len(await journal.history(FOUR_EVENTS)) == 4


async def test_the_service_continues_a_chain_of_hashes(journal: SampleJournal) -> None:
    assert await add(journal, ONE_EVENT, 7) == 12

    first, second = await journal.history(ONE_EVENT)
    assert second.previous_hash == first.hash


async def test_the_service_finds_its_timer_its_outbox_and_its_change_feed(
    journal: SampleJournal,
) -> None:
    (due,) = await journal.fetch("select id, due_at from stream where due_at is not null")
    waiting = await journal.fetch(
        "select version, name, body from outbox where id <= 8 order by id"
    )
    changes = await ChangeFeed(journal, "owner").read_after(Cursor(0, 0), 7)

    assert tuple(due.values()) == (WITH_TIMER, NOON)
    assert [row["version"] for row in waiting] == [1, 2, 3, 4, 1, 2, 1, None]
    assert tuple(waiting[-1].values()) == (None, "Tick", b"tick")
    assert [change.version for change in changes] == [1, 2, 3, 4, 1, 2, 1]
