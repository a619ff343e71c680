"""Timers: a due stream is fired once, by the replica that commits first."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import grpc
import pytest

from chassis.rpc.errors import RpcError
from chassis.store.idempotency import IdempotencyKey
from chassis.store.timers import Fire, Timers
from infra.local.postgres import Database, Postgres
from tests.chassis.sample_aggregate import (
    NOON,
    Awaited,
    Event,
    Sample,
    SampleJournal,
    TimerFired,
    new_journal,
    new_key,
    open_pool,
)
from tests.chassis.waiting import eventually, stopped

LATER = NOON + timedelta(days=1)
LONG_AGO = datetime.fromisoformat("2000-01-01T00:00:00Z")
FAR_AHEAD = datetime.fromisoformat("3000-01-01T00:00:00Z")
SetClock = Callable[[datetime], Awaitable[None]]
# PostgreSQL looks in this schema first, if the search path of the session says so.
CLOCK = """
create schema clock;
create table clock.reading (at timestamptz not null);
insert into clock.reading values ('{at}');
create function clock.now() returns timestamptz language sql stable as $$
  select at from clock.reading
$$;
grant usage on schema clock to public;
grant select on clock.reading to public;
"""


def by_its_clock(dsn: str) -> str:
    """Returns the DSN of sessions in which now() is what `set_clock` has set."""
    return f"{dsn}{'&' if '?' in dsn else '?'}search_path=clock,pg_catalog,public"


@pytest.fixture
async def set_clock(own_store: Database) -> AsyncIterator[SetClock]:
    """Sets the database's clock, which begins at LATER. The clock of this process is the true one.

    No test's due times lie where the two clocks agree, so no test passes by the wrong clock.
    """
    owner = await asyncpg.connect(own_store.owner_dsn)
    await owner.execute(CLOCK.format(at=LATER.isoformat()))

    async def set_it(moment: datetime) -> None:
        await owner.execute("update clock.reading set at = $1", moment)

    yield set_it
    await owner.close()


@pytest.fixture
async def samples(own_store: Database, set_clock: SetClock) -> AsyncIterator[SampleJournal]:
    pool = await open_pool(by_its_clock(own_store.app_dsn))
    yield new_journal(pool)
    await pool.close()


async def await_until(journal: SampleJournal, sample: UUID, moment: datetime) -> None:
    await journal.execute(
        sample, new_key(), "officer/licensing-1", lambda _: (Awaited(sample, moment),)
    )


def firing(journal: SampleJournal) -> Fire:
    """Fires like the services: the decider checks whether the timer is due."""

    async def fire(sample: UUID, version: int, now: datetime) -> None:
        def decide(state: Sample | None) -> tuple[Event, ...]:
            if (
                state is None
                or state.version != version
                or state.until is None
                or state.until > now
            ):
                return ()
            return (TimerFired(sample),)

        await journal.execute(sample, IdempotencyKey.of_timer(sample, version), "timer", decide)

    return fire


async def fired_counts(journal: SampleJournal, samples: list[UUID]) -> list[int]:
    states = [await journal.read(sample) for sample in samples]
    return [current.state.fired for current in states if current is not None]


async def test_a_due_stream_is_fired_once_though_two_replicas_look(
    own_store: Database, samples: SampleJournal
) -> None:
    waiting = [uuid4() for _ in range(120)]  # more than one batch
    await asyncio.gather(*(await_until(samples, sample, NOON) for sample in waiting))
    fired: list[UUID] = []

    def noting(fire: Fire) -> Fire:
        async def note(sample: UUID, version: int, now: datetime) -> None:
            await fire(sample, version, now)
            fired.append(sample)

        return note

    replicas = [
        asyncio.create_task(Timers(samples, noting(firing(samples)), 0.02).run()) for _ in range(2)
    ]

    async def none_is_due() -> bool:
        return not await samples.fetch("select 1 from stream where due_at is not null limit 1")

    await eventually(none_is_due, "all fired")
    await stopped(*replicas)
    assert set(fired) == set(waiting)
    assert await fired_counts(samples, waiting) == [1] * 120


async def test_a_stream_that_is_not_due_is_not_fired(samples: SampleJournal) -> None:
    early, late = uuid4(), uuid4()
    await await_until(samples, early, NOON)
    await await_until(samples, late, LATER + timedelta(microseconds=1))
    running = asyncio.create_task(Timers(samples, firing(samples), 0.02).run())

    async def has_rung() -> bool:
        return await fired_counts(samples, [early]) == [1]

    await eventually(has_rung, "the one that is due")
    await stopped(running)
    assert await fired_counts(samples, [late]) == [0]


async def test_a_stream_that_is_due_by_the_clock_of_the_replica_only_is_not_fired(
    samples: SampleJournal, set_clock: SetClock
) -> None:
    """The replica's clock is years ahead of the database's."""
    due, not_due = LONG_AGO, LONG_AGO + timedelta(seconds=1)
    early, late = uuid4(), uuid4()
    await set_clock(due)
    await await_until(samples, early, due)
    await await_until(samples, late, not_due)
    running = asyncio.create_task(Timers(samples, firing(samples), 0.01).run())

    async def rang() -> list[int]:
        return await fired_counts(samples, [early, late])

    async def has_rung() -> bool:
        return await rang() == [1, 0]

    async def have_rung() -> bool:
        return await rang() == [1, 1]

    await eventually(has_rung, "the one that is due")
    await set_clock(not_due)
    await eventually(have_rung, "the other one")
    await stopped(running)


async def test_a_replica_whose_clock_is_behind_fires_what_is_due_by_the_databases_clock(
    samples: SampleJournal, set_clock: SetClock
) -> None:
    """By the replica's clock it would be due in a thousand years."""
    sample = uuid4()
    await await_until(samples, sample, FAR_AHEAD)
    await set_clock(FAR_AHEAD)
    running = asyncio.create_task(Timers(samples, firing(samples), 0.01).run())

    async def has_rung() -> bool:
        return await fired_counts(samples, [sample]) == [1]

    await eventually(has_rung, "it rang")
    await stopped(running)


async def test_a_clock_that_is_set_back_before_the_decision_loses_no_timer(
    samples: SampleJournal, set_clock: SetClock
) -> None:
    """It is decided by the time at which it was found due, whatever the clock shows then."""
    sample = uuid4()
    await await_until(samples, sample, NOON)
    await set_clock(NOON)
    decided: list[datetime] = []

    async def fire(sample: UUID, version: int, now: datetime) -> None:
        await set_clock(NOON - timedelta(days=1))
        decided.append(now)
        await firing(samples)(sample, version, now)

    running = asyncio.create_task(Timers(samples, fire, 0.02).run())

    async def has_rung() -> bool:
        return await fired_counts(samples, [sample]) == [1]

    await eventually(has_rung, "it rang")
    await stopped(running)
    assert decided == [NOON]


async def test_a_timer_that_was_asked_too_early_is_asked_again(samples: SampleJournal) -> None:
    """A decision of nothing is not remembered."""
    sample = uuid4()
    await await_until(samples, sample, NOON)
    too_early = 0

    async def fire(sample: UUID, version: int, now: datetime) -> None:
        nonlocal too_early
        if not too_early:
            now = NOON - timedelta(seconds=1)
            too_early += 1
        await firing(samples)(sample, version, now)

    running = asyncio.create_task(Timers(samples, fire, 0.02).run())

    async def has_rung() -> bool:
        return await fired_counts(samples, [sample]) == [1]

    await eventually(has_rung, "it rang")
    await stopped(running)
    assert too_early == 1


async def test_a_stream_that_a_newer_release_has_written_is_left_to_newer_replicas(
    own_store: Database, samples: SampleJournal
) -> None:
    newer, own = uuid4(), uuid4()
    await await_until(samples, newer, NOON)
    await await_until(samples, own, LATER)
    owner = await asyncpg.connect(own_store.owner_dsn)
    await owner.execute("update stream set schema = 2 where id = $1", newer)
    await owner.close()
    asked: list[UUID] = []

    async def fire(sample: UUID, version: int, now: datetime) -> None:
        asked.append(sample)
        await firing(samples)(sample, version, now)

    running = asyncio.create_task(Timers(samples, fire, 0.02).run())
    await eventually(lambda: bool(asked), "it fired")
    await stopped(running)

    assert asked == [own]


@pytest.mark.parametrize("fault", [ValueError("a defect"), "refused"])
async def test_streams_that_cannot_be_fired_starve_no_other(
    fault: object, samples: SampleJournal
) -> None:
    broken, others = [uuid4() for _ in range(101)], [uuid4() for _ in range(3)]
    for sample in broken:
        await await_until(samples, sample, NOON - timedelta(days=1))
    for sample in others:
        await await_until(samples, sample, NOON)

    async def fire(sample: UUID, version: int, now: datetime) -> None:
        if sample in broken:
            raise fault if isinstance(fault, Exception) else _refusal()
        await firing(samples)(sample, version, now)

    running = asyncio.create_task(Timers(samples, fire, 0.02).run())

    async def have_rung() -> bool:
        return await fired_counts(samples, others) == [1, 1, 1]

    await eventually(have_rung, "the others rang")
    await stopped(running)


def _refusal() -> RpcError:
    return RpcError(grpc.StatusCode.FAILED_PRECONDITION, "ENOUGH", "it is enough")


async def test_timers_survive_a_restart_of_the_database(
    postgres: Postgres, own_store: Database
) -> None:
    pool: asyncpg.Pool = await open_pool(own_store.app_dsn)
    samples, late, early = new_journal(pool), uuid4(), uuid4()
    await await_until(samples, early, LONG_AGO)
    running = asyncio.create_task(Timers(samples, firing(samples), 0.02).run())

    async def has_rung_before() -> bool:
        return await fired_counts(samples, [early]) == [1]

    await eventually(has_rung_before, "it rang before")
    postgres.kill()
    postgres.restart()

    async def write() -> bool:
        try:
            await await_until(samples, late, LONG_AGO)
        except RpcError:
            return False
        return True

    await eventually(write, "the database is back")

    async def has_rung() -> bool:
        try:
            return await fired_counts(samples, [late]) == [1]
        except RpcError:
            return False

    await eventually(has_rung, "it rang")
    await stopped(running)
    await pool.close()
