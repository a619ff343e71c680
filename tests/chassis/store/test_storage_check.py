"""A release is ready on a database of its own migrations, or of a later release's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import asyncpg
import pytest

from chassis.store.migrations import migrate
from chassis.store.storage_check import Revisions, StorageCheck
from infra.cache import CHECKOUT
from infra.local.postgres import Database
from tests.chassis.sample_aggregate import open_pool
from tests.chassis.waiting import eventually, stopped

NEXT = """
revision = "{revision}"
down_revision = "{before}"

from chassis.store.migrations import apply


def upgrade():
    apply("create table of_{revision} (id int)")
"""


@pytest.fixture
def folder(versions: Path, tmp_path: Path) -> Callable[[str], Path]:
    """Makes the migrations of samples up to a revision."""

    def make(last: str) -> Path:
        made = tmp_path / last
        made.mkdir(exist_ok=True)
        (made / "__init__.py").write_text("")
        (made / "0001_samples.py").write_text((versions / "0001_samples.py").read_text())
        for number in range(2, int(last) + 1):
            text = NEXT.format(revision=f"{number:04}", before=f"{number - 1:04}")
            (made / f"{number:04}_next.py").write_text(text)
        return made

    return make


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[asyncpg.Pool]:
    opened = await open_pool(database.app_dsn)
    yield opened
    await opened.close()


async def found(pool: asyncpg.Pool, revisions: Revisions) -> str | None:
    return await StorageCheck(pool, revisions)._find_fault()


async def test_an_empty_database_is_not_migrated(
    pool: asyncpg.Pool, folder: Callable[[str], Path]
) -> None:
    assert await found(pool, Revisions.read(folder("0002"))) == (
        "the database is not migrated: it has no migration, this release needs 0002"
    )


async def test_a_database_behind_the_code_is_not_migrated(
    pool: asyncpg.Pool, database: Database, folder: Callable[[str], Path]
) -> None:
    migrate(database.owner_dsn, database.app_role, folder("0002"))

    assert await found(pool, Revisions.read(folder("0003"))) == (
        "the database is not migrated: it has 0002, this release needs 0003"
    )


@pytest.mark.parametrize("applied", ["0003", "0004"])
async def test_a_database_of_this_release_or_of_a_later_one_is_usable(
    applied: str, pool: asyncpg.Pool, database: Database, folder: Callable[[str], Path]
) -> None:
    own = Revisions.read(folder("0003"))
    migrate(database.owner_dsn, database.app_role, folder(applied))

    assert await found(pool, own) is None


async def test_a_table_of_versions_that_may_not_be_read_is_of_an_older_release(
    pool: asyncpg.Pool, own_store: Database, folder: Callable[[str], Path]
) -> None:
    owner = await asyncpg.connect(own_store.owner_dsn)
    await owner.execute(f"revoke all on alembic_version from {own_store.app_role}")
    await owner.close()

    fault = await found(pool, Revisions.read(folder("0001")))

    assert fault is not None
    assert "is not migrated" in fault


async def test_a_check_notices_a_migration_while_it_runs(
    pool: asyncpg.Pool, database: Database, folder: Callable[[str], Path]
) -> None:
    migrate(database.owner_dsn, database.app_role, folder("0001"))
    newer = folder("0002")
    check = StorageCheck(pool, Revisions.read(newer))
    running = asyncio.create_task(check.run())
    await eventually(lambda: "has 0001" in (check.fault or ""), "it is behind")
    assert not check.usable.is_set()

    migrate(database.owner_dsn, database.app_role, newer)

    await eventually(check.usable.is_set, "it is usable")
    assert check.fault is None
    await stopped(running)


@pytest.mark.parametrize("service", ["applications", "enforcement", "screening"])
def test_the_migrations_of_a_service_have_one_newest(service: str) -> None:
    folder = CHECKOUT / "services" / service / "migrations"

    revisions = Revisions.read(folder)

    assert revisions.newest == max(revisions.known)
    assert len(revisions.known) == len(list(folder.glob("0*.py")))


def test_two_newest_migrations_are_a_fault_of_the_code(folder: Callable[[str], Path]) -> None:
    made = folder("0002")
    (made / "0003_other.py").write_text(NEXT.format(revision="0003", before="0001"))

    with pytest.raises(ValueError, match=r"\['0002', '0003'\], not one"):
        Revisions.read(made)
