"""Migrations of a service, applied to the real database as its owner."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
import sqlalchemy

from chassis.store.migrations import migrate
from infra.local.postgres import Database
from tests.chassis.sample_aggregate import add, new_journal, open_pool

SECOND = """
revision = "0002"
down_revision = "0001"

from chassis.store.migrations import apply


def upgrade():
    apply("create table second (id int primary key); grant select on second to {app};")
    apply(STATEMENT)
"""


@pytest.fixture
def folder(versions: Path, tmp_path: Path) -> Callable[[str], Path]:
    """Makes the folder of samples and a second migration that ends in a statement."""

    def make(statement: str) -> Path:
        (tmp_path / "0001_samples.py").write_text((versions / "0001_samples.py").read_text())
        (tmp_path / "0002_second.py").write_text(SECOND.replace("STATEMENT", repr(statement)))
        return tmp_path

    return make


def test_what_is_missing_is_applied_once_oldest_first(
    database: Database, folder: Callable[[str], Path]
) -> None:
    versions = folder("select 1")

    assert migrate(database.owner_dsn, database.app_role, versions) == ["0001", "0002"]
    assert migrate(database.owner_dsn, database.app_role, versions) == []


def test_a_database_that_is_behind_gets_only_what_is_new(
    database: Database, versions: Path, folder: Callable[[str], Path]
) -> None:
    migrate(database.owner_dsn, database.app_role, versions)

    assert migrate(database.owner_dsn, database.app_role, folder("select 1")) == ["0002"]


def test_two_runners_at_once_apply_each_migration_once(database: Database, versions: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from chassis.store.migrations import migrate; "
        "print(migrate(sys.argv[1], sys.argv[2], Path(sys.argv[3])))"
    )
    command = [sys.executable, "-c", program, database.owner_dsn, database.app_role, str(versions)]

    runners = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]

    answers = [runner.communicate()[0].strip() for runner in runners]
    assert [runner.returncode for runner in runners] == [0, 0]
    assert sorted(answers) == ["['0001']", "[]"]


async def test_the_role_of_the_service_can_do_its_work_afterwards(own_store: Database) -> None:
    pool = await open_pool(own_store.app_dsn)

    assert await add(new_journal(pool), uuid4(), 1, 2) == 3
    await pool.close()


async def test_a_migration_that_fails_leaves_nothing_of_itself_and_all_before_it(
    database: Database, folder: Callable[[str], Path]
) -> None:
    with pytest.raises(sqlalchemy.exc.DBAPIError):
        migrate(database.owner_dsn, database.app_role, folder("select 1/0"))

    connection = await asyncpg.connect(database.owner_dsn)
    assert await connection.fetchval("select to_regclass('stream') is not null")
    assert await connection.fetchval("select to_regclass('second') is null")
    await connection.close()
    assert migrate(database.owner_dsn, database.app_role, folder("select 1")) == ["0002"]
