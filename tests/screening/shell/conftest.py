"""A migrated database with a shortened list, and a replica that screens against it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from functools import partial

import asyncpg
import pytest

from chassis.store.migrations import migrate
from infra.local.postgres import Database
from services.screening.shell.list_sources import ListSource
from tests.screening.shell.replica import MIGRATIONS, NewReplica, Replica, make_replica
from tests.screening.shell.submissions import shortened


@pytest.fixture(scope="session")
def source() -> ListSource:
    return shortened(1_100)


@pytest.fixture(scope="session")
def new_replica(source: ListSource) -> NewReplica:
    return partial(make_replica, initial=source)


@pytest.fixture(scope="session")
def store(new_database: Callable[[], Database]) -> Database:
    """A migrated database, shared: every application has an id of its own."""
    return _migrated(new_database())


@pytest.fixture
def own_store(database: Database) -> Database:
    """A migrated database for one test."""
    return _migrated(database)


def _migrated(database: Database) -> Database:
    migrate(database.owner_dsn, database.app_role, MIGRATIONS)
    return database


@pytest.fixture(scope="session")
async def pool(store: Database) -> AsyncIterator[asyncpg.Pool]:
    async with asyncpg.create_pool(store.app_dsn, min_size=0, max_size=8) as opened:
        yield opened


@pytest.fixture
async def own_pool(own_store: Database) -> AsyncIterator[asyncpg.Pool]:
    async with asyncpg.create_pool(own_store.app_dsn, min_size=0, max_size=8) as opened:
        yield opened


@pytest.fixture(scope="session")
async def replica(pool: asyncpg.Pool, new_replica: NewReplica) -> Replica:
    """A replica that has loaded its list, on the shared database."""
    made = new_replica(pool)
    await made.lists.refresh()
    return made


@pytest.fixture
async def own_replica(own_pool: asyncpg.Pool, new_replica: NewReplica) -> Replica:
    """A replica that has loaded its list, on a database for one test."""
    made = new_replica(own_pool)
    await made.lists.refresh()
    return made
