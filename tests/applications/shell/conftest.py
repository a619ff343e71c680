"""A migrated database of applications."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from chassis.store.migrations import migrate
from infra.cache import CHECKOUT
from infra.local.postgres import Database


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[asyncpg.Pool]:
    """Connections of the service's role to a database of one test."""
    folder = CHECKOUT / "services" / "applications" / "migrations"
    migrate(database.owner_dsn, database.app_role, folder)
    opened = await asyncpg.create_pool(database.app_dsn, min_size=0, max_size=4)
    yield opened
    await opened.close()
