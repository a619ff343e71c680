"""PostgreSQL of the local stack."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest

from infra.cache import CHECKOUT
from infra.local.postgres import Database, Postgres
from infra.local.processes import wait_until


async def _value(dsn: str, query: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_it_runs_the_version_whose_features_the_services_use(postgres: Postgres) -> None:
    assert int(str(await _value(postgres.dsn(), "show server_version_num"))) >= 180_000


async def test_the_app_role_may_connect_and_its_transactions_are_bounded(
    database: Database,
) -> None:
    assert await _value(database.app_dsn, "select current_user") == database.app_role
    assert await _value(database.app_dsn, "show transaction_timeout") == "5s"
    assert await _value(database.app_dsn, "show idle_in_transaction_session_timeout") == "5s"


async def test_the_owner_migrates_without_a_bound(database: Database) -> None:
    await _value(database.owner_dsn, "create table made (id int)")

    assert await _value(database.owner_dsn, "show transaction_timeout") == "0"


async def test_the_app_role_makes_no_tables(database: Database) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await _value(database.app_dsn, "create table mine (id int)")


async def test_no_role_connects_to_another_services_database(
    new_database: Callable[[], Database],
) -> None:
    ours, theirs = new_database(), new_database()

    for dsn in (ours.app_dsn, ours.owner_dsn):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(dsn, database=theirs.name)


async def test_a_wrong_password_is_refused(postgres: Postgres, database: Database) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(postgres.dsn(database.name, database.app_role, "not the password"))


async def test_provisioning_again_keeps_the_data(postgres: Postgres, database: Database) -> None:
    await _value(database.owner_dsn, "create table kept as select 7 as number")

    again = postgres.provision(database.name, f"{database.name}_owner", database.app_role)

    assert await _value(again.owner_dsn, "select number from kept") == 7


async def test_what_was_committed_survives_a_sigkill(tmp_path: Path) -> None:
    with Postgres(tmp_path / "postgres") as server:
        database = server.provision("one", "one_owner", "one_app")
        await _value(database.owner_dsn, "create table kept as select 7 as number")
        first = server.pid

        server.kill()
        assert not server.is_ready
        server.start()

        assert server.pid not in (None, first)
        assert await _value(database.owner_dsn, "select number from kept") == 7


async def test_it_starts_again_on_the_data_it_left(tmp_path: Path) -> None:
    with Postgres(tmp_path / "postgres") as server:
        await _value(server.dsn(), "create table kept as select 7 as number")

    with Postgres(tmp_path / "postgres") as server:
        assert await _value(server.dsn(), "select number from kept") == 7


@pytest.mark.skipif(
    os.geteuid() != 0, reason="only root has folders that the server's own user may not pass"
)
async def test_it_runs_below_a_folder_that_is_closed_to_others(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)

    with Postgres(closed / "postgres") as server:
        assert await _value(server.dsn(), "select 1") == 1


def test_it_does_not_outlive_a_killed_supervisor(tmp_path: Path) -> None:
    program = (
        "import pathlib, sys, time; from infra.local.postgres import Postgres\n"
        "server = Postgres(pathlib.Path(sys.argv[1])); server.start()\n"
        "print(server.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "postgres")],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        text=True,
    ) as supervisor:
        assert supervisor.stdout is not None
        pid = int(supervisor.stdout.readline())
        supervisor.kill()

    wait_until(lambda: not Path(f"/proc/{pid}").exists() or _is_zombie(pid), 20, "postgres gone")


def _is_zombie(pid: int) -> bool:
    try:
        return (
            Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
            == "Z"
        )
    except OSError:
        return True
