"""The journal: runs deciders against PostgreSQL. It is the only code that writes streams.

One command costs two round trips: a READ of the state row and the idempotency key, the pure
decision, and a WRITE that is guarded by the stream's version. If another writer changed the stream
in between, the journal reads and decides again. A repeated request gets the stored first answer.
The journal knows streams and keys, and not what the events mean.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar, cast
from uuid import UUID
from weakref import WeakValueDictionary

import asyncpg
import grpc
from asyncpg.pool import PoolConnectionProxy
from google.protobuf.message import Message
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode

from chassis.rpc.errors import (
    CommonReason,
    RefusalLike,
    RpcError,
    rpc_error,
    too_large,
    unavailable,
)
from chassis.store.fence import EventKey
from chassis.store.group_commit import GroupCommit
from chassis.store.hash_chain import (
    EVENT_COLUMNS,
    GENESIS_HASH,
    StoredEvent,
    chain_hash,
    event_id_of,
)
from chassis.store.idempotency import IdempotencyKey
from chassis.store.outbox import EVENT_OUTBOX, shard_of
from chassis.store.state_rows import StateRows
from chassis.store.statements import (
    KEY_ID,
    event_statements,
    insert_into_outbox,
    request_statements,
)
from chassis.store.storage_faults import is_storage_fault
from chassis.store.stream import EventTable, StoredStream, Stream
from chassis.streams.record_size import MAX_PAYLOAD_BYTES
from chassis.telemetry import semconv
from chassis.telemetry.tracing import Telemetry, link_to, traceparent

S = TypeVar("S")
E = TypeVar("E")
M = TypeVar("M", bound=Message)

# Give up with CONTENTION after this many lost version checks. With three replicas, a writer loses
# about two of three attempts, so 50 losses in a row are a defect or an extreme load.
_MAX_ATTEMPTS = 50
_Arguments = tuple[object, ...]
CommandKey = IdempotencyKey | EventKey
"""A command with the same key is carried out once."""


class Journal(Generic[S, E]):
    """The streams of one kind. `wake` is called after each commit that added to the outbox."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        stream: Stream[S, E],
        telemetry: Telemetry,
        wake: Callable[[], None],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        event_table: EventTable[S, E] | None = None,
    ) -> None:
        self._pool, self._stream, self._wake, self._clock = pool, stream, wake, clock
        self._state_rows = StateRows(stream)
        self._tracer = telemetry.tracer
        # Commands of this process on one stream run one after the other. Only another replica can
        # win the version check, so retries are rare.
        self._locks: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()
        self._statements = {
            IdempotencyKey: request_statements(stream),
            EventKey: event_statements(stream),
        }
        # Most decisions have no rows for the table, and their statements do not name it.
        self._event_table = event_table
        self._filing_statements = {
            IdempotencyKey: request_statements(stream, event_table),
            EventKey: event_statements(stream, event_table),
        }
        separate = stream.separate_outbox
        self._insert_into_outbox = insert_into_outbox(
            separate.outbox if separate is not None else EVENT_OUTBOX
        )
        self._creations = GroupCommit(self._create_all, is_shared_failure=is_storage_fault)

    @property
    def schema(self) -> int:
        """Number of the newest shape of a row that this release can read (see Stream.schema)."""
        return self._stream.schema

    async def execute(
        self,
        stream_id: UUID,
        key: CommandKey,
        actor: str,
        decide: Callable[[S | None], tuple[E, ...] | RefusalLike],
        respond: Callable[[S], M] | None = None,
        response_type: type[M] | None = None,
        *,
        dry_run: bool = False,
        creates: bool = False,
    ) -> M | None:
        """Decides, stores the events, and returns the response; or returns the stored response.

        With the key of a consumed event there is no response, and the same statement moves the
        fence of its source stream. An event that is not newer than the fence changes nothing.

        `decide(state)` returns events or a refusal. It may be called several times, each time with
        the newest state; `()` changes nothing, but stores the key, unless it is that of a timer.
        `respond(state)` makes the response from the state after the events. A dry run decides and
        responds like the live call, and stores nothing. `creates` promises that `stream_id` is new,
        which saves the READ; a repeated request is then found by its key when the WRITE fails.

        Raises ParkedBehindError if an earlier event of the same source stream is parked, and
        RpcError: the refusal, REQUEST_ID_REUSED, CONTENTION, NEWER_STATE, RECORD_TOO_LARGE (an
        event is larger than a record may be; nothing is stored) or STORAGE_UNAVAILABLE. After
        STORAGE_UNAVAILABLE the write may have happened; the same call with the same key returns
        its answer.
        """
        span = self._tracer.start_span(
            f"commit {self._stream.kind}",
            kind=SpanKind.CLIENT,
            attributes={semconv.DB_SYSTEM: "postgresql", self._stream.id_attribute: str(stream_id)},
        )
        token = otel_context.attach(trace.set_span_in_context(span))
        try:
            async with self._locks.setdefault(stream_id, asyncio.Lock()):
                if creates and not dry_run:
                    is_written, response = await self._create_without_read(
                        stream_id, key, actor, decide, respond
                    )
                    if is_written:
                        return response
                return await self._execute(
                    stream_id, key, actor, decide, respond, response_type, dry_run=dry_run
                )
        except RpcError as error:
            span.set_attribute(semconv.REFUSAL, error.reason)
            raise
        except Exception as error:
            span.set_status(Status(StatusCode.ERROR, type(error).__name__))
            if is_storage_fault(error):
                raise _storage_unavailable() from error
            raise
        finally:
            otel_context.detach(token)
            span.end()

    async def _create_without_read(
        self,
        stream_id: UUID,
        key: CommandKey,
        actor: str,
        decide: Callable[[S | None], tuple[E, ...] | RefusalLike],
        respond: Callable[[S], M] | None,
    ) -> tuple[bool, M | None]:
        """Creates a stream with one round trip. Returns whether it was written, and the response.

        Nothing is written if the key was used before or the decision is a refusal. The caller must
        then READ: a repeated request gets its first answer even if it would be refused now.
        """
        decided = decide(None)
        if not isinstance(decided, tuple):
            return False, None
        pending = self._fold(stream_id, None, 0, GENESIS_HASH, actor, decided)
        response = (
            respond(pending.state) if respond is not None and pending.state is not None else None
        )
        is_plain = len(pending.rows) == 1 and not pending.filed
        if is_plain and isinstance(key, IdempotencyKey):
            arguments = self._arguments(stream_id, key, pending, response)
            return await self._creations.submit(arguments), response
        async with self._pool.acquire() as connection:
            return await self._write(connection, stream_id, key, pending, response), response

    async def _create_all(self, creations: Sequence[_Arguments]) -> Sequence[bool]:
        """Writes all creations in one transaction and returns for each whether it was written.

        A key that was used before fails the whole transaction if there are several creations; alone
        it returns False.
        """
        statement = self._statements[IdempotencyKey].write_one.create
        async with self._pool.acquire() as connection:
            if len(creations) == 1:
                created = (
                    {creations[0][0]}
                    if await self._run_write(connection, statement, creations[0])
                    else set()
                )
            else:
                # Sorted by key: two replicas that got the same requests would otherwise deadlock,
                # each waiting for a key that the other has inserted.
                in_order = sorted(creations, key=lambda arguments: cast("UUID", arguments[KEY_ID]))
                created = {row["id"] for row in await connection.fetchmany(statement, in_order)}
        if created:
            self._wake()
        return [arguments[0] in created for arguments in creations]

    async def _execute(
        self,
        stream_id: UUID,
        key: CommandKey,
        actor: str,
        decide: Callable[[S | None], tuple[E, ...] | RefusalLike],
        respond: Callable[[S], M] | None,
        response_type: type[M] | None,
        *,
        dry_run: bool,
    ) -> M | None:
        # One connection for both round trips: the decision in between takes microseconds, less than
        # returning the connection and acquiring another.
        async with self._pool.acquire() as connection:
            for _ in range(_MAX_ATTEMPTS):
                row = await connection.fetchrow(
                    self._statements[type(key)].read, stream_id, *key.read_arguments()
                )
                assert row is not None, "the READ always returns one row"
                if isinstance(key, EventKey):
                    if key.is_duplicate(row):
                        return None
                elif row["method"] is not None:
                    return _stored_response(row, key, response_type)
                state = await self._state_rows.state(stream_id, row, connection.fetch)
                _link_previous_trace(row["traceparent"])
                decided = decide(state)
                if not isinstance(decided, tuple):
                    raise rpc_error(decided)
                version, latest_hash = row["version"] or 0, row["latest_hash"] or GENESIS_HASH
                pending = self._fold(stream_id, state, version, latest_hash, actor, decided)
                response = (
                    respond(pending.state)
                    if respond is not None and pending.state is not None
                    else None
                )
                if dry_run or await self._write(connection, stream_id, key, pending, response):
                    return response
        raise unavailable(
            CommonReason.CONTENTION, "too many concurrent changes; send the request again", 0.2
        )

    def _fold(
        self,
        stream_id: UUID,
        state: S | None,
        version: int,
        latest_hash: bytes,
        actor: str,
        events: tuple[E, ...],
    ) -> _PendingWrite[S]:
        now = self._clock()
        parent = traceparent()
        rows: list[tuple[object, ...]] = []
        filed: list[tuple[object, ...]] = []
        for number, event in enumerate(events, version + 1):
            state = self._stream.evolve(state, event)
            name, payload = self._stream.encode_event(event)
            if len(payload) > MAX_PAYLOAD_BYTES:
                raise _record_too_large(name, payload)
            previous = latest_hash
            latest_hash = chain_hash(previous, stream_id, number, now, name, actor, payload)
            event_id, state_name = event_id_of(latest_hash), self._stream.state_name(state)
            rows.append((number, event_id, name, actor, state_name, payload, previous, latest_hash))
            if self._event_table is not None:
                filed += self._event_table.rows(event, state, latest_hash, now)
        return _PendingWrite(
            state, version, version + len(events), latest_hash, now, parent, rows, filed
        )

    async def _write(
        self,
        connection: PoolConnectionProxy,
        stream_id: UUID,
        key: CommandKey,
        pending: _PendingWrite[S],
        response: Message | None,
    ) -> bool:
        statements = (self._filing_statements if pending.filed else self._statements)[type(key)]
        if not pending.rows:
            if isinstance(key, IdempotencyKey) and not key.is_stored_alone:
                return True
            arguments = key.write_arguments(_bytes(response), pending.at)
            return await self._run_write(connection, statements.insert, arguments)
        write = statements.write_one if len(pending.rows) == 1 else statements.write_many
        statement = write.update if pending.read_version else write.create
        arguments = self._arguments(stream_id, key, pending, response)
        is_written = await self._run_write(connection, statement, arguments)
        if is_written:
            self._wake()
        return is_written

    def _arguments(
        self,
        stream_id: UUID,
        key: CommandKey,
        pending: _PendingWrite[S],
        response: Message | None,
    ) -> _Arguments:
        """Returns the parameters of a WRITE, in the order of its placeholders."""
        state, is_one = pending.state, len(pending.rows) == 1
        assert state is not None, "a decision with events has a state"
        projected = (
            list(zip(*self._stream.project(state), strict=True)) if self._stream.projection else []
        )
        if self._stream.projection and not projected:
            projected = [()] * len(self._stream.projection.columns)
        return (
            stream_id, pending.read_version, pending.version, self._state_rows.encode(state),
            pending.latest_hash, self._stream.state_name(state), self._stream.due_at(state),
            pending.at,
            *key.write_arguments(_bytes(response), pending.at),
            pending.traceparent, shard_of(stream_id),
            *(pending.rows[0] if is_one else map(list, zip(*pending.rows, strict=True))),
            *self._stream.index(state),
            *(list(column) for column in projected),
            *map(list, zip(*pending.filed, strict=True)),
        )  # fmt: skip

    @staticmethod
    async def _run_write(
        connection: PoolConnectionProxy, statement: str, arguments: _Arguments
    ) -> bool:
        """Returns False if the version has changed or the same key was used meanwhile."""
        try:
            # Step of the model: CommitOrder
            written_id = await connection.fetchval(statement, *arguments)
        except asyncpg.SerializationError:
            return False  # the fence has passed this event; the next READ tells that it is handled
        except asyncpg.UniqueViolationError as error:
            if error.constraint_name != "idempotency_pkey":
                raise  # a rule of the service's own tables: deciding again would break it again
            return False  # the READ of the next attempt finds the stored answer
        return written_id is not None

    async def read(self, stream_id: UUID) -> StoredStream[S] | None:
        """Returns the stream, or None. Raises RpcError STORAGE_UNAVAILABLE or NEWER_STATE."""
        rows = await self.select("where id = $1", stream_id)
        return rows[0] if rows else None

    async def select(self, clauses: str, *values: object) -> list[StoredStream[S]]:
        """Returns the streams that SQL clauses (where, order by, limit) select from `stream`.

        Raises RpcError STORAGE_UNAVAILABLE, and NEWER_STATE if a newer release wrote one of them.
        """
        rows = await self.fetch(
            "select id, state_data, schema, version, latest_hash, updated_at"  # noqa: S608 - constants
            f" from stream {clauses}",
            *values,
        )
        states = await self._state_rows.states(rows, self.fetch)
        return [
            StoredStream(row["id"], state, row["version"], row["latest_hash"], row["updated_at"])
            for row, state in zip(rows, states, strict=True)
        ]

    async def outdated(self, ids: Sequence[UUID]) -> AbstractSet[UUID]:
        """Returns those of the streams that a release before this one wrote last.

        Columns and tables that this release added do not show what they are. Raises RpcError
        STORAGE_UNAVAILABLE.
        """
        rows = await self.fetch(
            "select id from stream where id = any($1::uuid[]) and schema < $2",
            ids,
            self._stream.schema,
        )
        return {row["id"] for row in rows}

    async def history(self, stream_id: UUID) -> list[StoredEvent]:
        """Returns all events of the stream, oldest first. Raises RpcError STORAGE_UNAVAILABLE."""
        rows = await self.fetch(
            f"select {EVENT_COLUMNS} from event where stream_id = $1 order by version",  # noqa: S608 - constants
            stream_id,
        )
        return [StoredEvent(*row.values()) for row in rows]

    async def fetch(self, query: str, *values: object) -> list[asyncpg.Record]:
        """Returns the rows of an SQL query. Raises RpcError STORAGE_UNAVAILABLE."""
        try:
            rows: list[asyncpg.Record] = await self._pool.fetch(query, *values)
        except Exception as error:
            if is_storage_fault(error):
                raise _storage_unavailable() from error
            raise
        return rows

    async def add_to_outbox(self, entries: Sequence[tuple[int, str, bytes]]) -> None:
        """Adds records without an event (shard, name, body), for instance heartbeats.

        They go to the stream's separate outbox, if it has one. Raises RpcError STORAGE_UNAVAILABLE.
        """
        shards, names, bodies = zip(*entries, strict=True)
        await self.fetch(self._insert_into_outbox, list(shards), list(names), list(bodies))
        self._wake()

    def rebuild(self, events: Sequence[StoredEvent]) -> S | None:
        """Returns the state that the events fold to. It must equal the stored state."""
        return self._state_rows.fold((event.name, event.payload) for event in events)


@dataclass(frozen=True, slots=True)
class _PendingWrite(Generic[S]):
    """A decision that is not stored yet."""

    state: S | None
    read_version: int
    """The version that the decision was made on; 0 creates the stream."""
    version: int
    latest_hash: bytes
    at: datetime
    traceparent: str
    rows: list[tuple[object, ...]]
    """The events' columns, one tuple per event."""
    filed: list[tuple[object, ...]]
    """The rows of the table of events."""


def _link_previous_trace(previous: str | None) -> None:
    """Links the current span to the trace of the stream's previous command, if it differs."""
    span = trace.get_current_span()
    if previous and previous[3:35] != trace.format_trace_id(span.get_span_context().trace_id):
        for link in link_to(previous):
            span.add_link(link.context)


def _bytes(response: Message | None) -> bytes:
    return response.SerializeToString() if response is not None else b""


def _storage_unavailable() -> RpcError:
    return unavailable(
        CommonReason.STORAGE_UNAVAILABLE,
        "the database did not answer, and what was asked may have been stored; "
        "repeat it with the same request_id",
        1.0,
    )


def _record_too_large(name: str, payload: bytes) -> RpcError:
    """Returns the error of an event that no topic would accept. Nothing has been stored."""
    return too_large(
        CommonReason.RECORD_TOO_LARGE, f"the event {name}", len(payload), MAX_PAYLOAD_BYTES
    )


def _stored_response(row: Any, key: IdempotencyKey, response_type: type[M] | None) -> M | None:
    if row["method"] != key.method or row["digest"] != key.digest:
        raise RpcError(
            grpc.StatusCode.INVALID_ARGUMENT,
            CommonReason.REQUEST_ID_REUSED,
            "this request_id was used for another request; use a new one",
        )
    return response_type.FromString(row["response"]) if response_type is not None else None
