"""A migrated database of samples, and topics of a test's own."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest

from chassis.store.migrations import migrate
from chassis.streams import topics
from chassis.streams.record_size import MAX_DEAD_LETTER_BYTES, MAX_RECORD_BYTES
from infra.local.kafka import Kafka
from infra.local.postgres import Database
from tests.chassis.sample_aggregate import MIGRATION, SampleJournal, new_journal, open_pool

NewTopic = Callable[..., Awaitable[str]]
_SIZE = "max.message.bytes"


@pytest.fixture(scope="session")
def versions(run_folder: Path) -> Path:
    """The folder of the migrations of samples."""
    folder = run_folder / "samples"
    folder.mkdir()
    (folder / "0001_samples.py").write_text(MIGRATION)
    return folder


@pytest.fixture(scope="module")
def store(new_database: Callable[[], Database], versions: Path) -> Database:
    """A migrated database, shared by the tests of a module: every sample has an id of its own."""
    made = new_database()
    migrate(made.owner_dsn, made.app_role, versions)
    return made


@pytest.fixture
def own_store(database: Database, versions: Path) -> Database:
    """A migrated database for one test."""
    migrate(database.owner_dsn, database.app_role, versions)
    return database


@pytest.fixture
async def pool(store: Database) -> AsyncIterator[asyncpg.Pool]:
    opened = await open_pool(store.app_dsn)
    yield opened
    await opened.close()


@pytest.fixture
async def owner(store: Database) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the role that migrates."""
    connection = await asyncpg.connect(store.owner_dsn)
    yield connection
    await connection.close()


@pytest.fixture
def journal(pool: asyncpg.Pool) -> SampleJournal:
    return new_journal(pool)


@pytest.fixture(scope="session")
def new_topic(kafka: Kafka) -> NewTopic:
    """Makes a topic and its dead-letter topic, as often as it is called."""
    numbers = itertools.count(1)

    async def make(partitions: int = 1, **config: str) -> str:
        name = f"safeconduct.samples.{next(numbers)}"
        await topics.create(
            kafka.bootstrap,
            [
                topics.Topic(name, partitions, {_SIZE: str(MAX_RECORD_BYTES)} | config),
                topics.Topic(f"{name}.dlq", 1, {_SIZE: str(MAX_DEAD_LETTER_BYTES)}),
            ],
            1,
        )
        return name

    return make
