"""The migration that renames table `coverage` keeps the rows that an older release wrote."""

from __future__ import annotations

import shutil
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from chassis.store.migrations import migrate
from infra.local.postgres import Database
from tests.screening.shell.replica import MIGRATIONS

FIRST, SECOND = UUID(int=1), UUID(int=2)
ROWS = [(FIRST, "US-CSL/2025-02/0a1b", 3), (SECOND, "US-CSL/2026-11/4c5d", 0)]


@pytest.fixture
async def upgraded(database: Database, tmp_path: Path) -> Database:
    """A database of the release before the renaming, with rows, migrated to this release."""
    older = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, older, ignore=shutil.ignore_patterns("000[5-9]*", "__pycache__"))
    migrate(database.owner_dsn, database.app_role, older)
    app = await asyncpg.connect(database.app_dsn)
    await app.executemany(
        "insert into coverage (application_id, list_version, version) values ($1, $2, $3)", ROWS
    )
    await app.close()
    assert migrate(database.owner_dsn, database.app_role, MIGRATIONS) == [
        "0005",
        "0006",
        "0007",
        "0008",
    ]
    return database


async def test_every_row_is_kept_under_the_new_name(upgraded: Database) -> None:
    app = await asyncpg.connect(upgraded.app_dsn)

    rows = await app.fetch(
        "select application_id, list_version, version from rescreening_progress order by 1"
    )
    gone = await app.fetchval("select to_regclass('coverage')")

    await app.close()
    assert [tuple(row) for row in rows] == ROWS
    assert gone is None


async def test_the_service_may_still_insert_and_update(upgraded: Database) -> None:
    app = await asyncpg.connect(upgraded.app_dsn)

    await app.execute(
        "update rescreening_progress set version = 4 where application_id = $1", FIRST
    )
    await app.execute("insert into rescreening_progress values ($1, 'US-CSL/1/a', 1)", UUID(int=3))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await app.execute("delete from rescreening_progress")

    await app.close()


async def test_no_index_or_constraint_keeps_the_old_name(upgraded: Database) -> None:
    owner = await asyncpg.connect(upgraded.owner_dsn)

    names = await owner.fetch(
        "select conname::text as name from pg_constraint"
        " where conrelid = 'rescreening_progress'::regclass"
        " union select indexname::text from pg_indexes where tablename = 'rescreening_progress'"
    )

    await owner.close()
    assert [name["name"] for name in names if "coverage" in name["name"]] == []
    assert "rescreening_progress_pkey" in {name["name"] for name in names}
