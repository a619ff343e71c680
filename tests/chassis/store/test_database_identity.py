"""The identity of a database tells a failover and a restore from ordinary work."""

from __future__ import annotations

from dataclasses import replace

from chassis.store.database_identity import DatabaseIdentity, read_identity
from infra.local.postgres import Database
from tests.chassis.sample_aggregate import new_journal, open_pool

BEFORE = DatabaseIdentity(7, "00000001", 1_000)


async def test_the_identity_of_a_real_database_continues_while_it_writes(
    own_store: Database,
) -> None:
    pool = await open_pool(own_store.app_dsn)
    journal = new_journal(pool)
    before = await read_identity(journal)
    await journal.add_to_outbox([(0, "Sample", b"")])
    after = await read_identity(journal)
    await pool.close()

    assert after.continues(before)
    assert after.log_position > before.log_position
    assert not before.continues(after)


def test_a_base_that_wrote_more_continues() -> None:
    assert replace(BEFORE, log_position=2_000).continues(BEFORE)
    assert BEFORE.continues(BEFORE)


def test_another_base_another_timeline_and_an_older_log_do_not_continue() -> None:
    assert not replace(BEFORE, system_identifier=8).continues(BEFORE)
    assert not replace(BEFORE, timeline="00000002", log_position=2_000).continues(BEFORE)
    assert not replace(BEFORE, log_position=999).continues(BEFORE)
