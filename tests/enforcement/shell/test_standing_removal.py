"""The standing of a license that has ended is removed, and nothing opens the license again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest
from safeconduct.knowledge import Knowledge
from safeconduct.standing import (
    Access,
    AccessVerdict,
    Standing,
    StandingState,
    judge,
)
from safeconduct.standing_message import decode_standing

from chassis.store.journal import Journal
from chassis.store.migrations import migrate
from chassis.store.outbox import shard_of
from chassis.telemetry.tracing import setup
from infra.cache import CHECKOUT
from infra.local.postgres import Database
from services.enforcement.core.events import StandingChanged
from services.enforcement.shell import codec
from services.enforcement.shell.projections import LicenseStream
from services.enforcement.shell.standing_recall import StandingRecall
from services.enforcement.shell.standing_removal import RETENTION, StandingRemoval
from tests.enforcement.core.builders import LICENSE
from tests.enforcement.shell.standing_topic import STANDING, Gate, Stored, Topic, stored, versions

NOW = datetime.now(UTC)
LONG_AGO = NOW - RETENTION - timedelta(hours=1)
ENDED = replace(STANDING, not_before=NOW - timedelta(days=90), not_after=LONG_AGO, version=3)
EVENT = """
insert into event (stream_id, version, event_id, name, actor, occurred_at, state, payload,
                   traceparent, previous_hash, hash)
values ($1, $2, gen_random_uuid(), $3, '', now(), 'ACTIVE', $4, '', '', '')
"""


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[asyncpg.Pool]:
    """Connections of the service's role to a database of one test."""
    folder = CHECKOUT / "services" / "enforcement" / "migrations"
    migrate(database.owner_dsn, database.app_role, folder)
    opened = await asyncpg.create_pool(database.app_dsn, min_size=0, max_size=2)
    yield opened
    await opened.close()


class Tombstones:
    """The broker's end of a removal: what was sent, or why nothing could be sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[int, bytes]] = []
        self.error: Exception | None = None

    async def publish(self, keys: Sequence[tuple[int, bytes]]) -> None:
        if self.error is not None:
            raise self.error
        self.sent += keys


async def put(pool: asyncpg.Pool, standing: Standing, event_version: int = 1) -> UUID:
    license_id = UUID(standing.license_id)
    name, payload = codec.encode_event(StandingChanged(standing))
    await pool.execute(EVENT, license_id, event_version, name, payload)
    return license_id


async def kept(pool: asyncpg.Pool) -> dict[UUID, int | None]:
    """Version of each license's event whose standing is kept; None for one that was removed."""
    rows = await pool.fetch("select license_id, version, payload from standing")
    return {
        row["license_id"]: row["version"] if row["payload"] is not None else None for row in rows
    }


def removal(pool: asyncpg.Pool, tombstones: Tombstones) -> StandingRemoval:
    telemetry = setup("enforcement", "0.0.0", log_level="CRITICAL")
    journal = Journal(pool, LicenseStream(), telemetry, lambda: None)
    return StandingRemoval(journal, tombstones.publish)


def another(standing: Standing) -> Standing:
    return replace(standing, license_id=str(uuid4()))


async def test_a_license_has_one_row_with_the_standing_of_its_newest_event(
    pool: asyncpg.Pool,
) -> None:
    await put(pool, STANDING, 2)
    await put(pool, replace(STANDING, version=2), 4)
    await pool.execute(EVENT, LICENSE, 5, "ConductReported", b"")

    assert await kept(pool) == {LICENSE: 4}


async def test_an_older_event_that_comes_late_does_not_replace_a_row(pool: asyncpg.Pool) -> None:
    await put(pool, replace(STANDING, version=2), 4)
    await put(pool, STANDING, 2)

    assert await kept(pool) == {LICENSE: 4}


async def test_the_standing_is_removed_a_retention_after_the_end_and_the_topic_gets_a_tombstone(
    pool: asyncpg.Pool,
) -> None:
    tombstones = Tombstones()
    ended = await put(pool, ENDED)
    live = await put(pool, another(replace(STANDING, not_after=NOW + timedelta(days=1))))
    just_ended = await put(pool, another(replace(STANDING, not_after=NOW - timedelta(hours=1))))

    assert await removal(pool, tombstones).sweep() == 1

    assert await kept(pool) == {ended: None, live: 1, just_ended: 1}
    assert tombstones.sent == [(shard_of(ended), str(ended).encode())]
    assert await removal(pool, tombstones).sweep() == 0


async def test_a_revoked_license_is_kept_until_its_end_because_an_earlier_standing_may_come_back(
    pool: asyncpg.Pool,
) -> None:
    revoked = replace(
        STANDING, version=2, state=StandingState.REVOKED, not_after=NOW + timedelta(days=1)
    )
    license_id = await put(pool, revoked)

    assert await removal(pool, Tombstones()).sweep() == 0

    assert await kept(pool) == {license_id: 1}


async def test_nothing_is_removed_while_the_broker_is_away(pool: asyncpg.Pool) -> None:
    tombstones = Tombstones()
    license_id = await put(pool, ENDED)

    tombstones.error = OSError("away")
    with pytest.raises(OSError, match="away"):
        await removal(pool, tombstones).sweep()
    assert await kept(pool) == {license_id: 1}
    tombstones.error = None
    await removal(pool, tombstones).sweep()

    assert await kept(pool) == {license_id: None}


async def test_a_standing_that_is_written_during_the_removal_is_kept(pool: asyncpg.Pool) -> None:
    license_id = await put(pool, ENDED)

    class Meanwhile(Tombstones):
        async def publish(self, keys: Sequence[tuple[int, bytes]]) -> None:
            await put(pool, replace(ENDED, version=4, state=StandingState.REVOKED), 7)

    await removal(pool, Meanwhile()).sweep()

    assert await kept(pool) == {license_id: 7}


async def test_a_standing_that_cannot_be_read_is_kept(pool: asyncpg.Pool) -> None:
    await pool.execute(EVENT, LICENSE, 1, "StandingChanged", b"\xff\xff")

    assert await removal(pool, Tombstones()).sweep() == 0
    assert await kept(pool) == {LICENSE: 1}


async def test_the_app_role_can_neither_change_nor_delete_a_standing(pool: asyncpg.Pool) -> None:
    for privilege, column in (("insert", "payload"), ("update", "payload"), ("update", "version")):
        assert not await pool.fetchval(
            "select has_column_privilege('standing', $1, $2)", column, privilege
        )
    assert not await pool.fetchval("select has_table_privilege('standing', 'delete')")


async def test_after_the_tombstone_the_replica_knows_no_such_license_which_denies() -> None:
    topic = Topic()
    topic.put(ENDED)
    topic.put_tombstone(LICENSE)
    topic.deliver()

    assert topic.cache.find(LICENSE) is None
    assert topic.cache.of_partner(ENDED.partner_id) == []
    assert verdict(None) is AccessVerdict.UNKNOWN_LICENSE


@pytest.mark.parametrize("version", [1, 2, 3])
async def test_an_old_record_that_comes_after_the_tombstone_denies_and_is_forgotten_again(
    version: int,
) -> None:
    """A late duplicate, a redriven record, or one that compaction has kept; each says ACTIVE."""
    topic, database = Topic(), Stored((), removed={LICENSE: ENDED.version})
    topic.put(ENDED)
    topic.put_tombstone(LICENSE)
    topic.put(replace(ENDED, version=version))
    await topic.heartbeat()

    assert verdict(topic.cache.find(LICENSE)) is AccessVerdict.EXPIRED
    await StandingRecall(topic.cache, database).caught_up()  # type: ignore[arg-type]  # has the one method that is used

    assert topic.cache.find(LICENSE) is None
    assert topic.cache.withheld is None
    assert topic.cache.known_as_of(ENDED.partner_id) == 0


async def test_a_standing_that_is_newer_than_the_removed_one_is_not_forgotten_but_lost() -> None:
    topic = Topic()
    topic.put(replace(ENDED, version=4))
    topic.deliver()

    database = Stored((), removed={LICENSE: 3})
    await StandingRecall(topic.cache, database).caught_up()  # type: ignore[arg-type]  # as above

    assert topic.cache.find(LICENSE) is not None
    assert topic.cache.withheld is not None
    assert f"version 4 of {LICENSE}" in topic.cache.withheld


async def test_a_replica_that_was_away_for_the_tombstone_learns_of_it_from_the_database() -> None:
    topic = Topic()
    topic.put(ENDED)
    topic.put(live := another(replace(STANDING, not_after=NOW + timedelta(days=1))))
    topic.deliver()

    database = Stored((live,), removed={LICENSE: ENDED.version})
    await StandingRecall(topic.cache, database).caught_up()  # type: ignore[arg-type]  # as above

    assert topic.cache.find(LICENSE) is None
    assert topic.cache.license_count == 1


@pytest.mark.parametrize("resumes", [True, False], ids=["a resume", "a snapshot"])
async def test_a_watch_after_the_tombstone_denies(resumes: bool) -> None:
    topic, knowledge = Topic(), Knowledge()
    topic.put(ENDED)
    await topic.heartbeat()
    await StandingRecall(topic.cache, stored(ENDED)).caught_up()
    changes = await Gate(topic).changes()
    knowledge.apply_changes(
        [decode_standing(each) for each in changes.standings], is_snapshot=True, has_more=False
    )
    topic.put_tombstone(LICENSE)
    await topic.heartbeat()

    later = await Gate(topic, token=changes.resume_token if resumes else "").changes()
    knowledge.start_stream(resumes=resumes)
    knowledge.apply_changes([], is_snapshot=later.is_snapshot, has_more=False)
    knowledge.apply_lease(0, 0)

    assert versions(later) == []
    denied = AccessVerdict.EXPIRED if resumes else AccessVerdict.UNKNOWN_LICENSE
    assert verdict(knowledge.standings.get(str(LICENSE))) is denied


def verdict(standing: Standing | None) -> AccessVerdict:
    """The decision about an access that was granted, by a gate that knows everything."""
    grant = next(iter(STANDING.grants))
    access = Access(
        str(LICENSE),
        grant.model_id,
        str(grant.access_mode),
        next(iter(STANDING.destinations)),
        next(iter(STANDING.end_uses)),
    )
    return judge(standing, access, NOW, 0).reason
