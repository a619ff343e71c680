"""A journal of things that a superuser may do anything to, and the `safeconduct` command in a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from infra.local.cache import CHECKOUT
from infra.local.postgres import Database, Postgres
from tests.chassis.conftest import new_topic, own_store, store, versions  # noqa: F401 - fixtures, found by their names
from tests.chassis.things import Things, add, new_journal, open_pool


@pytest.fixture
async def journal(own_store: Database) -> AsyncIterator[Things]:  # noqa: F811 - the fixture
    pool = await open_pool(own_store.app_dsn)
    yield new_journal(pool)
    await pool.close()


@pytest.fixture
async def superuser(postgres: Postgres, own_store: Database) -> AsyncIterator[asyncpg.Connection]:  # noqa: F811 - same
    """Somebody whom no trigger stops."""
    connection = await asyncpg.connect(postgres.dsn(own_store.name))
    await connection.execute("alter table event disable trigger all")
    yield connection
    await connection.close()


async def three_things(journal: Things) -> list[str]:
    """Three things of five events each, by id."""
    ids = sorted(uuid4() for _ in range(3))
    for thing in ids:
        for amount in range(1, 6):
            await add(journal, thing, amount)
    return [str(thing) for thing in ids]


@pytest.fixture
async def things(journal: Things) -> list[str]:
    return await three_things(journal)


@dataclass
class Ran:
    """A command that ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


async def safeconduct(environ: dict[str, str], *arguments: str) -> Ran:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SAFECONDUCT_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "error", "-m", "safeconduct.cli", *arguments,
        env={**clean, "PYTHONPATH": f"{CHECKOUT}:{CHECKOUT / 'sdk'}", **environ}, cwd=CHECKOUT,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), 120)
    return Ran(process.returncode or 0, out.decode(), err.decode())
