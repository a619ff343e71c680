"""Migration 0004 moves standings and heartbeats, in order, to the outbox of their own."""

from __future__ import annotations

import shutil
from pathlib import Path

import asyncpg

from chassis.store.migrations import migrate
from infra.cache import CHECKOUT
from infra.local.postgres import Database

FOLDER = CHECKOUT / "services/enforcement/migrations"
ROWS = """
insert into event (stream_id, version, event_id, name, actor, occurred_at, state, payload,
                   traceparent, previous_hash, hash)
select '00000000-0000-4000-8000-000000000001', n, gen_random_uuid(),
       (array['LicenseRegistered', 'StandingChanged', 'LicenseSuspended', 'StandingChanged'])[n],
       'a', now(), 'ACTIVE', '', '', '', n::text::bytea from generate_series(1, 4) n;
insert into outbox (shard, stream_id, version)
select 3, '00000000-0000-4000-8000-000000000001', n from generate_series(1, 3) n;
insert into outbox (shard, name, body) values (3, 'StandingHeartbeat', 'beat');
insert into outbox (shard, stream_id, version)
values (3, '00000000-0000-4000-8000-000000000001', 4);
"""


async def test_standings_and_heartbeats_that_wait_are_moved_in_order_and_no_other_record(
    database: Database, tmp_path: Path
) -> None:
    before = tmp_path / "migrations"
    shutil.copytree(FOLDER, before, ignore=shutil.ignore_patterns("000[4-9]*", "__pycache__"))
    migrate(database.owner_dsn, database.app_role, before)
    owner = await asyncpg.connect(database.owner_dsn)
    await owner.execute(ROWS)

    migrate(database.owner_dsn, database.app_role, FOLDER)

    moved = await owner.fetch("select version, name from standing_outbox order by id")
    left = await owner.fetch("select version from outbox order by id")
    await owner.close()
    assert [tuple(row) for row in moved] == [(2, None), (None, "StandingHeartbeat"), (4, None)]
    assert [row["version"] for row in left] == [1, 3]


async def test_the_app_role_may_park_records_of_both_outboxes_and_change_nothing_else(
    database: Database,
) -> None:
    migrate(database.owner_dsn, database.app_role, FOLDER)
    app = await asyncpg.connect(database.app_dsn)

    for table in ("outbox", "standing_outbox"):
        await app.execute(f"update {table} set parked_reason = 'BEHIND', parked_at = now()")
        await app.execute(f"update {table} set parked_reason = null, parked_at = null")
        assert not await app.fetchval(f"select has_column_privilege('{table}', 'body', 'update')")
    await app.close()


async def test_the_standings_of_earlier_events_get_their_rows_and_a_repeated_run_is_harmless(
    database: Database, tmp_path: Path
) -> None:
    before = tmp_path / "migrations"
    shutil.copytree(FOLDER, before, ignore=shutil.ignore_patterns("000[6-9]*", "__pycache__"))
    migrate(database.owner_dsn, database.app_role, before)
    owner = await asyncpg.connect(database.owner_dsn)
    await owner.execute(ROWS)
    await owner.execute(
        "insert into stream (id, version, state_data, latest_hash, state, traceparent, created_at,"
        " updated_at) select distinct stream_id, 4, ''::bytea, ''::bytea, '', '', now(), now()"
        " from event"
    )

    migrate(database.owner_dsn, database.app_role, FOLDER)
    await owner.execute("update alembic_version set version_num = '0005'")
    migrate(database.owner_dsn, database.app_role, FOLDER)

    found = await owner.fetch("select version, payload, not_after from standing")
    await owner.close()
    assert [tuple(row) for row in found] == [(4, b"", None)]
