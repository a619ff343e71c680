"""The migration to releases side by side publishes every issued license again."""

from __future__ import annotations

import shutil
from pathlib import Path
from uuid import uuid4

import asyncpg

from chassis.store.migrations import migrate
from chassis.store.outbox import shard_of
from infra.cache import CHECKOUT
from infra.local.postgres import Database

MIGRATIONS = CHECKOUT / "services" / "applications" / "migrations"


async def test_the_migration_puts_every_issued_license_into_the_outbox(
    database: Database, tmp_path: Path
) -> None:
    until_third = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, until_third, ignore=shutil.ignore_patterns("000[4-9]_*"))
    migrate(database.owner_dsn, database.app_role, until_third)
    owner = await asyncpg.connect(database.owner_dsn)
    streams = [uuid4() for _ in range(3)]
    for stream_id in streams:
        for version, name in enumerate(("ApplicationSubmitted", "LicenseIssued"), 1):
            await owner.execute(
                "insert into event (stream_id, version, event_id, name, actor, occurred_at, state,"
                " payload, traceparent, previous_hash, hash)"
                " values ($1, $2, $3, $4, '', now(), '', '', '', '', '')",
                stream_id,
                version,
                uuid4(),
                name,
            )

    migrate(database.owner_dsn, database.app_role, MIGRATIONS)

    rows = await owner.fetch("select shard, stream_id, version from outbox")
    await owner.close()
    assert {tuple(row) for row in rows} == {(shard_of(each), each, 2) for each in streams}
    assert len(rows) == len(streams)
