"""A sample journal with a superuser, and the `safeconduct` command as a process."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from chassis.store.migrations import migrate
from chassis.streams import topics
from infra.cache import CHECKOUT
from infra.local.kafka import Kafka
from infra.local.postgres import Database, Postgres
from tests.chassis.conftest import NewTopic
from tests.chassis.sample_aggregate import MIGRATION, SampleJournal, add, new_journal, open_pool
from tests.operations.applications_store import ApplicationsStore, open_store


@pytest.fixture(scope="session")
def versions(run_folder: Path) -> Path:
    """The folder of the migrations of samples."""
    folder = run_folder / "audited-samples"
    folder.mkdir()
    (folder / "0001_samples.py").write_text(MIGRATION)
    return folder


def migrated(made: Database, versions: Path) -> Database:
    migrate(made.owner_dsn, made.app_role, versions)
    return made


@pytest.fixture(scope="module")
def store(new_database: Callable[[], Database], versions: Path) -> Database:
    """A migrated database, shared by the tests of a module."""
    return migrated(new_database(), versions)


@pytest.fixture
def own_store(database: Database, versions: Path) -> Database:
    """A migrated database for one test."""
    return migrated(database, versions)


@pytest.fixture(scope="session")
def new_topic(kafka: Kafka) -> NewTopic:
    """Makes a topic and its dead-letter topic, as often as it is called."""
    numbers = itertools.count(1)

    async def make(partitions: int = 1, **config: str) -> str:
        name = f"audited.{next(numbers)}"
        wanted = [topics.Topic(name, partitions, config), topics.Topic(f"{name}.dlq", 1)]
        await topics.create(kafka.bootstrap, wanted, 1)
        return name

    return make


@pytest.fixture
async def journal(own_store: Database) -> AsyncIterator[SampleJournal]:
    pool = await open_pool(own_store.app_dsn)
    yield new_journal(pool)
    await pool.close()


@pytest.fixture
async def superuser(postgres: Postgres, own_store: Database) -> AsyncIterator[asyncpg.Connection]:
    """Somebody whom no trigger stops."""
    connection = await asyncpg.connect(postgres.dsn(own_store.name))
    await connection.execute("alter table event disable trigger all")
    yield connection
    await connection.close()


async def three_samples(journal: SampleJournal) -> list[str]:
    """Three samples of five events each, by id."""
    ids = sorted(uuid4() for _ in range(3))
    for sample in ids:
        for amount in range(1, 6):
            await add(journal, sample, amount)
    return [str(sample) for sample in ids]


@pytest.fixture
async def samples(journal: SampleJournal) -> list[str]:
    return await three_samples(journal)


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
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith("SAFECONDUCT_")
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-W",
        "error",
        "-m",
        "safeconduct.cli",
        *arguments,
        env={**clean, "PYTHONPATH": f"{CHECKOUT}:{CHECKOUT / 'sdk'}", **environ},
        cwd=CHECKOUT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 120)
    return Ran(process.returncode or 0, out.decode(), err.decode())


@pytest.fixture
async def applications(database: Database, postgres: Postgres) -> AsyncIterator[ApplicationsStore]:
    """A migrated database of applications of one test, with the published texts in use."""
    async with open_store(database, postgres) as opened:
        yield opened
