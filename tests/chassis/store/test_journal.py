"""The journal's guarantees for one command, on the real database."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import grpc
import pytest
from google.protobuf.wrappers_pb2 import Int64Value
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safeconduct.applications.v1 import service_pb2

from chassis.rpc.errors import RpcError
from chassis.store.hash_chain import StoredEvent, chain_hash, event_id_of
from chassis.store.idempotency import IdempotencyKey
from chassis.store.outbox import shard_of
from chassis.store.stream import EventTable, check_etag, etag_of
from infra.local.asyncio_thread import run_coroutine
from infra.local.postgres import Database
from tests.chassis.sample_aggregate import (
    NOON,
    Added,
    Awaited,
    Event,
    Named,
    Refusal,
    Sample,
    SampleJournal,
    SingleConnectionPool,
    TimerFired,
    add,
    adding,
    new_journal,
    new_key,
    open_pool,
    total_of,
)

OFFICER = "officer/licensing-1"


async def stored(owner: asyncpg.Connection, sample_id: UUID) -> tuple[int, ...]:
    """Number of rows of the sample in each table."""
    return (
        await owner.fetchval("select count(*) from stream where id = $1", sample_id),
        await owner.fetchval("select count(*) from event where stream_id = $1", sample_id),
        await owner.fetchval("select count(*) from outbox where stream_id = $1", sample_id),
        await owner.fetchval("select count(*) from part where sample_id = $1", sample_id),
    )


async def key_is_known(owner: asyncpg.Connection, key: IdempotencyKey) -> bool:
    return bool(
        await owner.fetchval("select exists (select from idempotency where id = $1)", key.id)
    )


def submit(request_id: UUID, *, validate_only: bool = False, name: str = "") -> IdempotencyKey:
    request = service_pb2.SubmitApplicationRequest(
        request_id=str(request_id), validate_only=validate_only
    )
    request.details.destinations.append(name)
    return IdempotencyKey.of_request("partner/example-1", "SubmitApplication", request)


async def test_a_command_stores_state_events_pointers_and_projection_together(
    journal: SampleJournal, owner: asyncpg.Connection
) -> None:
    sample = uuid4()

    total = await add(journal, sample, 2, 3)

    current = await journal.read(sample)
    assert total == 5
    assert current is not None
    assert (current.state, current.version) == (Sample(sample, 2, 5), 2)
    assert await stored(owner, sample) == (1, 2, 2, 1)


async def test_the_same_request_sent_eight_times_at_once_gives_one_write_and_one_answer(
    journal: SampleJournal, owner: asyncpg.Connection
) -> None:
    sample, key = uuid4(), new_key()

    answers = await asyncio.gather(*(add(journal, sample, 7, key=key) for _ in range(8)))

    assert answers == [7] * 8
    assert await stored(owner, sample) == (1, 1, 1, 1)


async def test_the_same_creation_with_an_id_made_anew_each_time_creates_one_stream(
    journal: SampleJournal, owner: asyncpg.Connection
) -> None:
    samples, key = [uuid4() for _ in range(8)], new_key()

    await asyncio.gather(*(add(journal, sample, 7, key=key) for sample in samples))

    assert sum([(await stored(owner, sample))[0] for sample in samples]) == 1


async def test_a_repeated_request_gets_the_first_answer_though_the_stream_has_moved_on(
    journal: SampleJournal,
) -> None:
    sample, key = uuid4(), new_key()
    first = await add(journal, sample, 1, key=key)
    await add(journal, sample, 10)

    assert await add(journal, sample, 1, key=key) == first


async def create(journal: SampleJournal, key: IdempotencyKey, *amounts: int) -> int:
    """Creates a sample with a new id, without reading first; returns its total."""
    sample = uuid4()
    decide = adding(sample, *amounts) if amounts else lambda _: Refusal()
    answer = await journal.execute(sample, key, OFFICER, decide, total_of, Int64Value, creates=True)
    assert answer is not None
    return answer.value


async def test_a_creation_at_once_sent_eight_times_gives_one_write_and_one_answer(
    journal: SampleJournal, owner: asyncpg.Connection
) -> None:
    key = new_key()
    before = await owner.fetchval("select count(*) from stream")

    answers = await asyncio.gather(*(create(journal, key, amount) for amount in range(1, 9)))

    assert len(set(answers)) == 1
    assert await owner.fetchval("select count(*) from stream") == before + 1


async def test_creations_that_arrive_together_are_committed_together(
    journal: SampleJournal, owner: asyncpg.Connection
) -> None:
    commits = "select count(distinct xid) from event"
    before = await owner.fetchval(commits)

    answers = await asyncio.gather(*(create(journal, new_key(), amount) for amount in range(1, 13)))

    assert answers == list(range(1, 13))
    assert await owner.fetchval(commits) < before + 12


async def test_a_repeated_creation_among_others_keeps_none_of_them_from_being_stored(
    journal: SampleJournal, owner: asyncpg.Connection
) -> None:
    key = new_key()
    first = await create(journal, key, 100)
    before = await owner.fetchval("select count(*) from stream")

    keys = [new_key(), key, new_key(), key, new_key()]
    answers = await asyncio.gather(
        *(create(journal, each, amount) for amount, each in enumerate(keys, 1))
    )

    assert answers == [1, first, 3, first, 5]
    assert await owner.fetchval("select count(*) from stream") == before + 3


async def test_a_creation_at_once_that_would_be_refused_by_now_gets_its_first_answer(
    journal: SampleJournal,
) -> None:
    key = new_key()
    first = await create(journal, key, 5)

    assert await create(journal, key) == first


async def test_a_creation_at_once_with_another_body_under_the_same_id_is_refused(
    journal: SampleJournal,
) -> None:
    request_id = uuid4()
    await create(journal, submit(request_id, name="a"), 1)

    with pytest.raises(RpcError) as refused:
        await create(journal, submit(request_id, name="b"), 1)
    assert refused.value.reason == "REQUEST_ID_REUSED"


async def test_a_refused_creation_at_once_writes_nothing(
    journal: SampleJournal, owner: asyncpg.Connection
) -> None:
    key = new_key()

    with pytest.raises(RpcError) as refused:
        await create(journal, key)
    assert refused.value.reason == "ENOUGH"
    assert not await key_is_known(owner, key)


async def test_a_request_id_with_another_body_is_refused_and_changes_nothing(
    journal: SampleJournal, owner: asyncpg.Connection
) -> None:
    sample, request_id = uuid4(), uuid4()
    await add(journal, sample, 1, key=submit(request_id, name="a"))
    before = await stored(owner, sample)

    with pytest.raises(RpcError) as refused:
        await add(journal, sample, 1, key=submit(request_id, name="b"))

    assert (refused.value.code, refused.value.reason) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "REQUEST_ID_REUSED",
    )
    assert await stored(owner, sample) == before


async def test_a_request_id_used_for_another_method_is_refused(journal: SampleJournal) -> None:
    sample, key = uuid4(), new_key()
    await add(journal, sample, 1, key=key)

    with pytest.raises(RpcError, match="REQUEST_ID_REUSED"):
        await add(journal, sample, 1, key=replace(key, method="Remove"))


def test_two_principals_never_share_a_request_id() -> None:
    request = service_pb2.SubmitApplicationRequest(request_id=str(uuid4()))
    one, other = (
        IdempotencyKey.of_request(f"partner/example-{n}", "SubmitApplication", request)
        for n in (1, 2)
    )

    assert one.id != other.id


def test_a_dry_run_and_its_live_call_may_share_a_request_id() -> None:
    request_id = uuid4()

    assert submit(request_id, validate_only=True) == submit(request_id)


async def test_a_stale_version_loses_and_decides_again_on_the_newest_state(
    store: Database, journal: SampleJournal
) -> None:
    sample = uuid4()
    await add(journal, sample, 1)
    seen: list[int] = []

    def decide(state: Sample | None) -> tuple[Event, ...]:
        assert state is not None
        seen.append(state.total)
        if len(seen) == 1:
            run_coroutine(_add_elsewhere(store.app_dsn, sample, 10))
        return (Added(sample, state.total),)  # doubles what it saw

    answer = await journal.execute(sample, new_key(), OFFICER, decide, total_of, Int64Value)

    assert seen == [1, 11]
    assert answer == Int64Value(value=22)


async def test_a_creation_that_lost_decides_again_on_what_was_created(
    store: Database, journal: SampleJournal
) -> None:
    sample = uuid4()
    seen: list[Sample | None] = []

    def decide(state: Sample | None) -> tuple[Event, ...] | Refusal:
        seen.append(state)
        if state is not None:
            return Refusal()
        run_coroutine(_add_elsewhere(store.app_dsn, sample, 10))
        return (Added(sample, 1),)

    with pytest.raises(RpcError, match="ENOUGH"):
        await journal.execute(sample, new_key(), OFFICER, decide)

    assert seen == [None, Sample(sample, 1, 10)]


async def test_a_writer_that_loses_every_version_check_gets_contention(
    store: Database, journal: SampleJournal
) -> None:
    sample = uuid4()

    def decide(state: Sample | None) -> tuple[Event, ...]:
        run_coroutine(_add_elsewhere(store.app_dsn, sample, 1))
        return (Added(sample, 100),)

    with pytest.raises(RpcError, match="UNAVAILABLE CONTENTION"):
        await journal.execute(sample, new_key(), OFFICER, decide)

    current = await journal.read(sample)
    assert current is not None
    assert current.state.total < 100


async def _add_elsewhere(dsn: str, sample: UUID, amount: int) -> None:
    pool = await open_pool(dsn)
    await add(new_journal(pool), sample, amount)
    await pool.close()


async def test_many_at_once_on_one_stream_lose_nothing(journal: SampleJournal) -> None:
    sample = uuid4()

    await asyncio.gather(*(add(journal, sample, 1) for _ in range(50)))

    history = await journal.history(sample)
    assert [each.version for each in history] == list(range(1, 51))
    assert journal.rebuild(history) == Sample(sample, 50, 50)


async def test_many_at_once_on_one_stream_in_several_replicas_lose_nothing(
    pool: asyncpg.Pool,
) -> None:
    sample, replicas = uuid4(), [new_journal(pool) for _ in range(3)]

    totals = await asyncio.gather(*(add(replicas[n % 3], sample, 1) for n in range(30)))

    assert sorted(totals) == list(range(1, 31))


async def test_a_refusal_writes_nothing(journal: SampleJournal, owner: asyncpg.Connection) -> None:
    sample, key = uuid4(), new_key()

    with pytest.raises(RpcError) as refused:
        await journal.execute(sample, key, OFFICER, lambda _: Refusal())

    assert (refused.value.code, refused.value.reason) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "ENOUGH",
    )
    assert await stored(owner, sample) == (0, 0, 0, 0)
    assert not await key_is_known(owner, key)


async def test_a_dry_run_writes_nothing_and_answers_as_the_live_call_does(
    journal: SampleJournal, owner: asyncpg.Connection
) -> None:
    sample, key = uuid4(), new_key()

    dry = await journal.execute(
        sample, key, OFFICER, adding(sample, 4), total_of, Int64Value, dry_run=True
    )

    assert await stored(owner, sample) == (0, 0, 0, 0)
    assert not await key_is_known(owner, key)
    assert dry == Int64Value(value=await add(journal, sample, 4, key=key))


async def test_a_dry_run_is_refused_as_the_live_call_is(journal: SampleJournal) -> None:
    with pytest.raises(RpcError, match="ENOUGH"):
        await journal.execute(uuid4(), new_key(), OFFICER, lambda _: Refusal(), dry_run=True)


async def test_a_decision_that_changes_nothing_is_remembered(
    journal: SampleJournal, owner: asyncpg.Connection
) -> None:
    sample, key = uuid4(), new_key()

    await journal.execute(sample, key, OFFICER, lambda _: ())

    assert await key_is_known(owner, key)
    assert await stored(owner, sample) == (0, 0, 0, 0)
    await journal.execute(sample, key, OFFICER, adding(sample, 1))
    assert await journal.read(sample) is None


async def test_a_broken_rule_of_the_tables_is_a_defect_and_not_a_lost_race(
    journal: SampleJournal,
) -> None:
    one, other, decided = uuid4(), uuid4(), []
    nickname = str(uuid4())
    await journal.execute(one, new_key(), OFFICER, lambda _: (Named(one, nickname),))

    def decide(_: Sample | None) -> tuple[Event, ...]:
        decided.append(other)
        return (Named(other, nickname),)

    with pytest.raises(asyncpg.UniqueViolationError):
        await journal.execute(other, new_key(), OFFICER, decide)

    assert len(decided) == 1


async def test_the_journal_calls_wake_after_a_commit_and_only_then(pool: asyncpg.Pool) -> None:
    woken: list[bool] = []
    journal = new_journal(pool, lambda: woken.append(True))
    sample = uuid4()

    await journal.execute(sample, new_key(), OFFICER, adding(sample, 4), dry_run=True)
    await journal.execute(sample, new_key(), OFFICER, lambda _: ())
    assert woken == []
    await add(journal, sample, 4)
    assert woken == [True]


EVENTS = st.lists(
    st.one_of(
        st.integers(-1_000, 1_000).map(lambda amount: ("Added", amount)),
        st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001 - bounds are naive
            lambda moment: ("Awaited", moment)
        ),
        st.just(("TimerFired", None)),
    ),
    min_size=1,
    max_size=5,
)


def event_of(sample: UUID, kind: str, value: object) -> Event:
    match value:
        case int():
            return Added(sample, value)
        case datetime():
            return Awaited(sample, value)
        case _:
            return TimerFired(sample)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(commands=st.lists(EVENTS, min_size=1, max_size=4))
async def test_the_stored_state_is_the_fold_of_the_stored_events(
    journal: SampleJournal, commands: list[list[tuple[str, object]]]
) -> None:
    sample = uuid4()

    for command in commands:
        events = tuple(event_of(sample, *each) for each in command)
        await journal.execute(sample, new_key(), OFFICER, lambda _, events=events: events)

    history, current = await journal.history(sample), await journal.read(sample)
    assert current is not None
    assert journal.rebuild(history) == current.state
    assert [each.version for each in history] == list(range(1, current.version + 1))
    assert history[-1].state == ("WAITING" if current.state.until else "OPEN")
    assert first_fault(history, current.latest_hash) is None


def first_fault(history: list[StoredEvent], latest_hash: bytes) -> int | None:
    """Returns the version at which the chain is broken, or None."""
    hash_before = bytes(32)
    for expected, each in enumerate(history, 1):
        computed = chain_hash(
            hash_before,
            each.stream_id,
            each.version,
            each.occurred_at,
            each.name,
            each.actor,
            each.payload,
        )
        if (each.version, each.previous_hash, each.hash) != (expected, hash_before, computed):
            return expected
        if each.event_id != event_id_of(each.hash):
            return expected
        hash_before = each.hash
    return None if hash_before == latest_hash else len(history) + 1


TAMPERING = {
    "a changed payload": ("update event set payload = 'x' where stream_id = $1 and version = 2", 2),
    "a changed actor": (
        "update event set actor = 'officer/licensing-2' where stream_id = $1 and version = 2",
        2,
    ),
    "a changed name": ("update event set name = 'Removed' where stream_id = $1 and version = 2", 2),
    "a changed time": (
        (
            "update event set occurred_at = occurred_at + interval '1 microsecond'"
            " where stream_id = $1 and version = 2"
        ),
        2,
    ),
    "a removed row": ("delete from event where stream_id = $1 and version = 2", 2),
    "a removed first row": ("delete from event where stream_id = $1 and version = 1", 1),
    "a removed last row": ("delete from event where stream_id = $1 and version = 4", 4),
    "two rows in another order": (
        "update event set version = -version where stream_id = $1 and version in (2, 3)",
        2,
    ),
    "an inserted row": (
        """
        insert into event (stream_id, version, event_id, name, actor, occurred_at, state, payload,
                           traceparent, previous_hash, hash)
        select stream_id, 5, gen_random_uuid(), name, actor, occurred_at, state, payload,
               traceparent, hash, sha256(payload) from event where stream_id = $1 and version = 4
        """,
        5,
    ),
}


@pytest.mark.parametrize("what", TAMPERING)
async def test_the_hash_chain_detects(
    what: str, journal: SampleJournal, owner: asyncpg.Connection
) -> None:
    sample = uuid4()
    for amount in (1, 2, 3, 4):
        await add(journal, sample, amount)
    sound = await journal.read(sample)
    assert sound is not None
    assert first_fault(await journal.history(sample), sound.latest_hash) is None
    statement, version = TAMPERING[what]

    async with owner.transaction():
        await owner.execute("alter table event disable trigger user")
        await owner.execute(statement, sample)
        if what == "two rows in another order":
            await owner.execute(
                "update event set version = 5 + version where stream_id = $1 and version < 0",
                sample,
            )
        await owner.execute("alter table event enable always trigger event_is_immutable")
        await owner.execute("alter table event enable always trigger event_is_not_emptied")

    assert first_fault(await journal.history(sample), sound.latest_hash) == version


FORBIDDEN = (
    "update event set actor = 'nobody'",
    "delete from event",
    "truncate event",
    "alter table event disable trigger user",
    "drop table event",
    "delete from stream",
    "update idempotency set response = ''",
    "delete from idempotency",
    "update outbox set version = 1",
    "set session_replication_role = replica",
)


@pytest.mark.parametrize("statement", FORBIDDEN)
async def test_the_role_of_the_service_may_not(
    statement: str, journal: SampleJournal, pool: asyncpg.Pool
) -> None:
    await add(journal, uuid4(), 1)

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await pool.execute(statement)


@pytest.mark.parametrize("statement", FORBIDDEN[:3])
async def test_even_the_owner_must_first_disable_the_trigger(
    statement: str, journal: SampleJournal, owner: asyncpg.Connection
) -> None:
    await add(journal, uuid4(), 1)

    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
        await owner.execute(statement)


async def test_an_event_records_its_actor_name_time_and_trace(pool: asyncpg.Pool) -> None:
    journal = new_journal(pool, clock=lambda: NOON)
    sample = uuid4()

    await add(journal, sample, 1)

    (recorded,) = await journal.history(sample)
    assert (recorded.name, recorded.actor, recorded.occurred_at) == ("Added", OFFICER, NOON)
    assert recorded.state == "OPEN"
    assert len(recorded.trace_id) == 32


async def test_the_due_time_is_stored_in_the_row_of_the_stream(
    journal: SampleJournal, owner: asyncpg.Connection
) -> None:
    sample, until = uuid4(), NOON + timedelta(days=1)

    await journal.execute(sample, new_key(), OFFICER, lambda _: (Awaited(sample, until),))

    row = await owner.fetchrow("select state, due_at, owner from stream where id = $1", sample)
    assert row is not None
    assert tuple(row) == ("WAITING", until, "somebody")


async def test_a_projection_keeps_the_rows_of_earlier_states(
    journal: SampleJournal, owner: asyncpg.Connection
) -> None:
    sample = uuid4()

    for amount in (1, 2, 1, 1):
        await add(journal, sample, amount)

    rows = await owner.fetch("select total from part where sample_id = $1 order by total", sample)
    assert [row["total"] for row in rows] == [1, 3, 5]


async def test_a_database_that_does_not_answer_is_storage_unavailable(store: Database) -> None:
    pool = await open_pool("postgresql://nobody:nothing@127.0.0.1:1/nothing")

    with pytest.raises(RpcError, match="UNAVAILABLE STORAGE_UNAVAILABLE"):
        await add(new_journal(pool), uuid4(), 1)

    await pool.close()


class LosesAnswers:
    """A connection whose writes are committed before their answers are lost."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    async def fetchval(self, *arguments: object) -> object:
        await self._connection.fetchval(*arguments)
        raise TimeoutError


async def test_a_write_whose_answer_was_lost_is_carried_out_once_and_the_repeat_gets_its_answer(
    store: Database, journal: SampleJournal
) -> None:
    sample, key = uuid4(), new_key()
    connection = await asyncpg.connect(store.app_dsn)
    deaf = new_journal(SingleConnectionPool(LosesAnswers(connection)))

    with pytest.raises(RpcError, match="STORAGE_UNAVAILABLE") as lost:
        await add(deaf, sample, 5, key=key)
    answer = await add(journal, sample, 5, key=key)

    await connection.close()
    assert "may have been stored" in lost.value.message
    assert "the same request_id" in lost.value.message
    assert answer == 5
    assert len(await journal.history(sample)) == 1


async def test_a_cancelled_command_leaves_the_pool_usable(
    pool: asyncpg.Pool,
) -> None:
    journal = new_journal(pool)
    samples = [uuid4() for _ in range(20)]
    running = [asyncio.ensure_future(add(journal, sample, 1)) for sample in samples]
    await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)

    for each in running:
        each.cancel()
    await asyncio.gather(*running, return_exceptions=True)

    for sample in samples:
        await add(journal, sample, 1)
        current = await journal.read(sample)
        assert current is not None
        assert journal.rebuild(await journal.history(sample)) == current.state


@pytest.fixture
async def filing(owner: asyncpg.Connection, store: Database, pool: asyncpg.Pool) -> SampleJournal:
    """A journal with a table that gets the hash of every event that adds an even amount."""
    await owner.execute(
        "create table if not exists filed (sample_id uuid, amount int, hash bytea,"
        " primary key (sample_id, amount));"
        f" grant select, insert on filed to {store.app_role}"
    )

    def rows(event: Event, state: Sample, event_hash: bytes, at: datetime) -> list[tuple[Any, ...]]:
        is_filed = isinstance(event, Added) and event.amount % 2 == 0
        return [(state.id, event.amount, event_hash)] if is_filed else []

    columns = (("sample_id", "uuid"), ("amount", "int"), ("hash", "bytea"))
    return new_journal(pool, event_table=EventTable("filed", columns, rows))


async def filed(owner: asyncpg.Connection, sample_id: UUID) -> list[tuple[int, bytes]]:
    rows = await owner.fetch("select amount, hash from filed where sample_id = $1", sample_id)
    return [tuple(row) for row in rows]


async def test_rows_of_events_are_stored_with_the_hash_of_their_event(
    filing: SampleJournal, owner: asyncpg.Connection
) -> None:
    sample = uuid4()
    await add(filing, sample, 1)
    await add(filing, sample, 2, 3, 4)
    hashes = [each.hash for each in await filing.history(sample)]

    assert await filed(owner, sample) == [(2, hashes[1]), (4, hashes[3])]


async def test_a_stream_can_begin_with_an_event_that_has_a_row(
    filing: SampleJournal, owner: asyncpg.Connection
) -> None:
    sample, key = uuid4(), new_key()
    answers = [
        await filing.execute(
            sample, key, OFFICER, adding(sample, 6), total_of, Int64Value, creates=True
        )
        for _ in range(2)
    ]

    assert [each.value for each in answers if each is not None] == [6, 6]
    assert [amount for amount, _ in await filed(owner, sample)] == [6]


async def test_a_row_that_exists_is_left_as_it_is(
    filing: SampleJournal, owner: asyncpg.Connection
) -> None:
    sample = uuid4()
    await add(filing, sample, 2)
    before = await filed(owner, sample)
    await add(filing, sample, 2)

    assert await filed(owner, sample) == before


async def test_a_command_that_is_not_stored_leaves_no_row(
    filing: SampleJournal, owner: asyncpg.Connection
) -> None:
    sample, key = uuid4(), new_key()
    await add(filing, sample, 1)
    await filing.execute(sample, key, OFFICER, adding(sample, 2), dry_run=True)

    assert await filed(owner, sample) == []


def test_an_etag_of_another_version_is_stale_and_an_empty_one_is_no_check() -> None:
    check_etag("", 3)
    check_etag(etag_of(3), 3)

    with pytest.raises(RpcError, match="ABORTED STALE_ETAG"):
        check_etag(etag_of(2), 3)


@given(st.uuids())
def test_a_stream_is_always_on_the_same_of_sixteen_shards(stream_id: UUID) -> None:
    assert 0 <= shard_of(stream_id) < 16
    assert shard_of(stream_id) == shard_of(UUID(str(stream_id)))


def test_an_events_id_is_a_uuid_of_version_8() -> None:
    event_id = event_id_of(
        chain_hash(bytes(32), UUID(int=1), 1, NOON, "Added", OFFICER, b"payload")
    )

    assert (event_id.version, event_id.variant) == (8, "specified in RFC 4122")


@given(st.text(max_size=5), st.text(max_size=5), st.text(max_size=5), st.text(max_size=5))
def test_a_word_moved_from_name_to_actor_changes_the_hash(
    one: str, two: str, three: str, four: str
) -> None:
    hashes = {
        chain_hash(bytes(32), UUID(int=1), 1, NOON, *pair, b"")
        for pair in ((one, two), (three, four))
    }

    assert len(hashes) == len({(one, two), (three, four)})
