"""Two releases on the row of one license: a list match is never lost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import Any
from uuid import uuid4

import asyncpg
import msgspec
import pytest

from chassis.rpc.errors import RpcError
from chassis.store.idempotency import IdempotencyKey
from chassis.store.journal import Journal
from chassis.store.migrations import migrate
from chassis.telemetry.tracing import setup
from infra.cache import CHECKOUT
from infra.local.postgres import Database
from services.enforcement.core.commands import Command
from services.enforcement.core.decide import decide
from services.enforcement.core.errors import Refusal
from services.enforcement.core.events import Event
from services.enforcement.core.model import STATE_SCHEMA, LicenseConduct
from services.enforcement.shell.projections import LicenseStream
from tests.enforcement.core import builders as b

Licenses = Journal[LicenseConduct, Event]


class EarlierLicenses(LicenseStream):
    """The licenses of the release before this one."""

    schema = STATE_SCHEMA - 1


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[asyncpg.Pool]:
    folder = CHECKOUT / "services" / "enforcement" / "migrations"
    migrate(database.owner_dsn, database.app_role, folder)
    opened = await asyncpg.create_pool(database.app_dsn, min_size=0, max_size=2)
    yield opened
    await opened.close()


def licenses(pool: asyncpg.Pool, stream: LicenseStream) -> Licenses:
    telemetry = setup("enforcement", "0.0.0", log_level="CRITICAL")
    return Journal(pool, stream, telemetry, lambda: None)


async def execute(journal: Licenses, *commands: Command) -> None:
    for command in commands:
        key = IdempotencyKey(uuid4(), type(command).__name__, b"")
        await journal.execute(b.LICENSE, key, "service/test", partial(_decide, command))


def _decide(command: Command, conduct: LicenseConduct | None) -> tuple[Event, ...] | Refusal:
    return decide(conduct, command, b.NOW)


async def current(journal: Licenses) -> LicenseConduct:
    found = await journal.read(b.LICENSE)
    assert found is not None
    return found.state


async def test_an_earlier_release_does_not_write_the_row_of_a_license_with_a_list_match(
    pool: asyncpg.Pool,
) -> None:
    journal, earlier = licenses(pool, LicenseStream()), licenses(pool, EarlierLicenses())
    await execute(journal, b.register(), b.listed())

    with pytest.raises(RpcError) as refused:
        await execute(earlier, b.report())

    conduct = await current(journal)
    assert refused.value.reason == "NEWER_STATE"
    assert conduct.list_matches
    assert isinstance(_decide(b.propose_reinstatement(b.FIRST), conduct), Refusal)


async def test_a_list_match_that_an_earlier_release_has_dropped_from_the_row_is_back(
    pool: asyncpg.Pool,
) -> None:
    """A release before the numbers read the row without its list matches, and wrote it back."""
    journal = licenses(pool, LicenseStream())
    await execute(journal, b.register(), b.listed())
    row = await pool.fetchrow("select state_data from stream")
    state: dict[str, Any] = msgspec.msgpack.decode(row["state_data"])
    del state["list_matches"]
    await pool.execute(
        "update stream set state_data = $1, schema = $2",
        msgspec.msgpack.encode(state), STATE_SCHEMA - 1,
    )  # fmt: skip

    conduct = await current(journal)
    await execute(journal, b.report())

    assert conduct.list_matches
    assert (await current(journal)).list_matches == conduct.list_matches
    assert await pool.fetchval("select schema from stream") == STATE_SCHEMA
