"""One migrated database with a shortened list in it, loaded once, and a desk that screens against it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from chassis.store.journal import Journal
from chassis.store.migrations import migrate
from chassis.telemetry.tracing import Telemetry, setup
from infra.local.postgres import Database
from services.screening.core.config import DEFAULT
from services.screening.core.events import Event as ScreeningEvent
from services.screening.core.evolve import ScreenedApplication
from services.screening.core.lists.versions import Event, ScreeningList
from services.screening.shell.active_lists import Lists, Source
from services.screening.shell.projections import ListStream, ScreeningStream
from services.screening.shell.screener import Screener
from tests.screening.shell.submissions import shortened

MIGRATIONS = Path(__file__).parents[3] / "services/screening/migrations"


@dataclass(frozen=True, slots=True)
class Replica:
    """What one process of the service has, without its server and its consumer."""

    telemetry: Telemetry
    spans: InMemorySpanExporter
    screenings: Journal[ScreenedApplication, ScreeningEvent]
    registers: Journal[ScreeningList, Event]
    desk: Screener
    lists: Lists


NewReplica = Callable[[asyncpg.Pool], Replica]


@pytest.fixture(scope="session")
def source() -> Source:
    return shortened(1_100)


@pytest.fixture(scope="session")
def new_replica(source: Source) -> NewReplica:
    def make(pool: asyncpg.Pool, first: Source = source) -> Replica:
        spans = InMemorySpanExporter()
        telemetry = setup(
            "screening",
            "0.0.0",
            log_level="CRITICAL",
            span_processors=(SimpleSpanProcessor(spans),),
        )
        desk = Screener(DEFAULT, telemetry.registry)
        registers = Journal(pool, ListStream(), telemetry, lambda: None)
        lists = Lists(registers, desk, first, telemetry.registry)
        screenings = Journal(pool, ScreeningStream(), telemetry, lambda: None)
        return Replica(telemetry, spans, screenings, registers, desk, lists)

    return make


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
    """A replica that has loaded its list."""
    made = new_replica(pool)
    await made.lists.refresh()
    return made
