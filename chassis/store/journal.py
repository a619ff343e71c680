"""Runs a decider against PostgreSQL: the only code that writes.

One command costs two round trips: a READ (state row and the key of what is asked), the pure decision, and one guarded
WRITE in which state, events, outbox and stored answer hang on the stream's version. Whoever loses the version reads
again and decides again; whoever asks the same thing twice gets the first answer. It knows streams and keys, and
nothing of what the events mean.
"""

from __future__ import annotations

import asyncio
import hashlib
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, Protocol, TypeVar, cast
from uuid import NAMESPACE_OID, UUID, uuid5
from weakref import WeakValueDictionary
from zlib import crc32

import asyncpg
import grpc
import msgspec
from asyncpg.pool import PoolConnectionProxy
from google.protobuf.message import Message
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode

from chassis.rpc.errors import (
    CommonReason,
    RefusalLike,
    RpcError,
    is_storage_fault,
    rpc_error,
    unavailable,
)
from chassis.store.group_commit import GroupCommit
from chassis.telemetry import semconv
from chassis.telemetry.tracing import Telemetry, link_to, traceparent

S = TypeVar("S")
E = TypeVar("E")
M = TypeVar("M", bound=Message)

SHARDS = 16
# So often other replicas may win the same stream before a caller is sent away; of three, each loses two times in three.
_ATTEMPTS = 50
_GENESIS = b"\0" * 32
_Arguments = tuple[object, ...]
_KEY = 8
"""Where the key's id stands among the arguments of a WRITE."""


@dataclass(frozen=True, slots=True)
class Key:
    """What makes a second asking recognisable: an id, what was asked, and a digest of the asking."""

    id: UUID
    method: str
    digest: bytes

    @classmethod
    def of_request(cls, principal: str, method: str, request: Message) -> Key:
        """The key of a request with a `request_id`; two principals never share one. `validate_only` is not digested."""
        body = request
        if request.validate_only:  # type: ignore[attr-defined]  # same as below
            body = type(request)()
            body.CopyFrom(request)
            body.ClearField("validate_only")
        digest = hashlib.sha256(body.SerializeToString(deterministic=True)).digest()
        request_id: str = request.request_id  # type: ignore[attr-defined]  # every mutation has one: a contract test holds it
        return cls(uuid5(NAMESPACE_OID, f"{principal}/{request_id.lower()}"), method, digest)

    @classmethod
    def of_event(cls, event_id: UUID, name: str) -> Key:
        """The key of a fact heard from another service, which changes one stream: a second one would be skipped."""
        return cls(uuid5(NAMESPACE_OID, f"event/{event_id}"), f"event:{name}", event_id.bytes)

    @classmethod
    def of_timer(cls, stream_id: UUID, version: int) -> Key:
        """The key of a timer firing on a stream at a version: it fires at most once there."""
        return cls(uuid5(NAMESPACE_OID, f"timer/{stream_id}/{version}"), "timer", stream_id.bytes)


class Versioned(Protocol):
    """A state that knows the number of its newest event."""

    @property
    def version(self) -> int:
        """Number of events folded into this state."""


@dataclass(frozen=True, slots=True)
class Projection:
    """Rows beside a stream that change with its state: a table, its columns with types, the key among them."""

    table: str
    columns: tuple[tuple[str, str], ...]
    key: str


class Stream(Protocol[S, E]):
    """How one kind of stream is folded, stored and found. One per aggregate, in the service's shell."""

    @property
    def kind(self) -> str:
        """What the streams are, one word."""

    @property
    def id_attribute(self) -> str:
        """Under which name spans carry a stream's id, for instance application.id."""

    @property
    def state_type(self) -> type[S]:
        """The frozen dataclass that is stored as the state."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of table `stream` that this service added."""

    @property
    def projection(self) -> Projection | None:
        """Rows kept beside the stream, if any."""

    def evolve(self, state: S | None, event: E) -> S:
        """The state after the event."""

    def encode_event(self, event: E) -> tuple[str, bytes]:
        """Short name and bytes of the event."""

    def decode_event(self, name: str, payload: bytes) -> E:
        """The event again."""

    def state_name(self, state: S) -> str:
        """Where the stream stands, one word."""

    def due_at(self, state: S) -> datetime | None:
        """When a timer has something to do."""

    def index(self, state: S) -> tuple[object, ...]:
        """Values of `columns`."""

    def project(self, state: S) -> Sequence[tuple[object, ...]]:
        """Rows of the projection."""


@dataclass(frozen=True, slots=True)
class Current(Generic[S]):
    """A stream as it is stored."""

    id: UUID
    state: S
    version: int
    latest_hash: bytes
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event as it is stored."""

    stream_id: UUID
    version: int
    event_id: UUID
    name: str
    actor: str
    occurred_at: datetime
    state: str
    payload: bytes
    traceparent: str
    previous_hash: bytes
    hash: bytes

    @property
    def trace_id(self) -> str:
        """W3C trace id, hexadecimal, or empty when the step was not traced."""
        return self.traceparent[3:35]


RECORDED = (
    "stream_id, version, event_id, name, actor, occurred_at, state, payload, traceparent,"
    " previous_hash, hash"
)


def shard_of(stream_id: UUID) -> int:
    """The outbox shard of a stream, 0 to 15, the same for ever."""
    return crc32(stream_id.bytes) % SHARDS


def chain_hash(
    prev: bytes,
    stream_id: UUID,
    version: int,
    occurred_at: datetime,
    name: str,
    actor: str,
    payload: bytes,
) -> bytes:
    """SHA-256 over the hash before, the event's head and the digest of its payload, each part with its length.

    The payload enters by its digest, so erasing personal data by a recorded act leaves the chain whole.
    """
    micros = int(occurred_at.timestamp()) * 1_000_000 + occurred_at.microsecond
    head = struct.pack(">iq", version, micros)
    words = b"".join(
        struct.pack(">i", len(word)) + word for word in (name.encode(), actor.encode())
    )
    return hashlib.sha256(
        prev + stream_id.bytes + head + words + hashlib.sha256(payload).digest()
    ).digest()


def event_id_of(chained: bytes) -> UUID:
    """The event's id, a UUID of version 8 (RFC 9562) made of its hash: the same event has the same id wherever met."""
    raw = bytearray(chained[:16])
    raw[6], raw[8] = raw[6] & 0x0F | 0x80, raw[8] & 0x3F | 0x80
    return UUID(bytes=bytes(raw))


def etag_of(version: int) -> str:
    """What a caller sends back to change only what it saw."""
    return f"v{version}"


def check_etag(given: str, version: int) -> None:
    """Raises Refused STALE_ETAG when the caller saw another version. An empty etag asks for no check."""
    if given and given != etag_of(version):
        raise RpcError(
            grpc.StatusCode.ABORTED,
            CommonReason.STALE_ETAG,
            "it has changed since you read it; read again",
            {"currentEtag": etag_of(version)},
        )


class Journal(Generic[S, E]):
    """The streams of one service. `wake` is called after each commit that has something to publish."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        stream: Stream[S, E],
        telemetry: Telemetry,
        wake: Callable[[], None],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._pool, self._stream, self._wake, self._clock = pool, stream, wake, clock
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(stream.state_type).decode
        self._tracer = telemetry.tracer
        # Commands of this process on one stream take turns; only other replicas are raced, and lost to, by the version.
        self._turns: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()
        self._one = _statements(stream.columns, stream.projection, _ONE_EVENT)
        self._creations = GroupCommit(self._create_all, concerns_all=is_storage_fault)
        self._many = _statements(stream.columns, stream.projection, _MANY_EVENTS)

    async def execute(
        self,
        stream_id: UUID,
        key: Key,
        actor: str,
        decide: Callable[[S | None], tuple[E, ...] | RefusalLike],
        respond: Callable[[S], M] | None = None,
        response_type: type[M] | None = None,
        *,
        dry_run: bool = False,
        creates: bool = False,
    ) -> M | None:
        """Decides and stores, or gives the stored answer again.

        `decide` may be called several times and sees the newest state each time; `()` changes nothing. A dry run
        decides and answers as the live call would, and stores nothing. Raises Refused: the refusal of `decide`,
        REQUEST_ID_REUSED, CONTENTION, STORAGE_UNAVAILABLE. After STORAGE_UNAVAILABLE it is unknown whether the write
        happened; asking again with the same key tells. `creates`: the stream's id was made for this very command, so
        that there is nothing to read first; a repeated request is known by the row of its key.
        """
        span = self._tracer.start_span(
            f"commit {self._stream.kind}",
            kind=SpanKind.CLIENT,
            attributes={semconv.DB_SYSTEM: "postgresql", self._stream.id_attribute: str(stream_id)},
        )
        token = otel_context.attach(trace.set_span_in_context(span))
        try:
            async with self._turns.setdefault(stream_id, asyncio.Lock()):
                if creates and not dry_run:
                    written, response = await self._create_at_once(
                        stream_id, key, actor, decide, respond
                    )
                    if written:
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
                raise _storage_away() from error
            raise
        finally:
            otel_context.detach(token)
            span.end()

    async def _create_at_once(
        self,
        stream_id: UUID,
        key: Key,
        actor: str,
        decide: Callable[[S | None], tuple[E, ...] | RefusalLike],
        respond: Callable[[S], M] | None,
    ) -> tuple[bool, M | None]:
        """One round trip instead of two, when all goes well.

        False when nothing was written: the key was used before, or the decision refuses. Then the READ must say whether
        the same was asked before, for the first answer stands whatever would be decided now.
        """
        decided = decide(None)
        if not isinstance(decided, tuple):
            return False, None
        written = self._fold(stream_id, None, 0, _GENESIS, actor, decided)
        response = (
            respond(written.state) if respond is not None and written.state is not None else None
        )
        if len(written.rows) == 1:
            return await self._creations.put(
                self._arguments(stream_id, key, written, response)
            ), response
        async with self._pool.acquire() as connection:
            return await self._write(connection, stream_id, key, written, response), response

    async def _create_all(self, creations: Sequence[_Arguments]) -> Sequence[bool]:
        """Whether each was written, in one transaction. A key that was used before fails several, but not one alone."""
        statement, _ = self._one
        async with self._pool.acquire() as connection:
            if len(creations) == 1:
                created = (
                    {creations[0][0]}
                    if await self._written(connection, statement, creations[0])
                    else set()
                )
            else:
                # In the order of their keys: two replicas that are asked the same must not wait for each other.
                in_order = sorted(creations, key=lambda arguments: cast("UUID", arguments[_KEY]))
                created = {row["id"] for row in await connection.fetchmany(statement, in_order)}
        if created:
            self._wake()
        return [arguments[0] in created for arguments in creations]

    async def _execute(
        self,
        stream_id: UUID,
        key: Key,
        actor: str,
        decide: Callable[[S | None], tuple[E, ...] | RefusalLike],
        respond: Callable[[S], M] | None,
        response_type: type[M] | None,
        *,
        dry_run: bool,
    ) -> M | None:
        # One connection for both round trips: the decision between them takes no time worth giving it back for.
        async with self._pool.acquire() as connection:
            for _ in range(_ATTEMPTS):
                row = await connection.fetchrow(_READ, stream_id, key.id)
                assert row is not None, "the READ always gives one row"
                if row["method"] is not None:
                    return _answer_again(row, key, response_type)
                state = self._decode(row["state_data"]) if row["state_data"] is not None else None
                _link(row["traceparent"])
                decided = decide(state)
                if not isinstance(decided, tuple):
                    raise rpc_error(decided)
                written = self._fold(
                    stream_id,
                    state,
                    row["version"] or 0,
                    row["latest_hash"] or _GENESIS,
                    actor,
                    decided,
                )
                response = (
                    respond(written.state)
                    if respond is not None and written.state is not None
                    else None
                )
                if dry_run or await self._write(connection, stream_id, key, written, response):
                    return response
        raise unavailable(
            CommonReason.CONTENTION, "others are changing the same thing; ask again", 0.2
        )

    def _fold(
        self,
        stream_id: UUID,
        state: S | None,
        version: int,
        head: bytes,
        actor: str,
        events: tuple[E, ...],
    ) -> _Written[S]:
        now = self._clock()
        parent = traceparent()
        rows: list[tuple[object, ...]] = []
        for number, event in enumerate(events, version + 1):
            state = self._stream.evolve(state, event)
            name, payload = self._stream.encode_event(event)
            prev, head = head, chain_hash(head, stream_id, number, now, name, actor, payload)
            event_id = event_id_of(head)
            rows.append(
                (number, event_id, name, actor, self._stream.state_name(state), payload, prev, head)
            )
        return _Written(state, version, version + len(events), head, now, parent, rows)

    async def _write(
        self,
        connection: PoolConnectionProxy,
        stream_id: UUID,
        key: Key,
        written: _Written[S],
        response: Message | None,
    ) -> bool:
        if not written.rows:
            return await self._written(
                connection, _REMEMBER, (key.id, key.method, key.digest, _bytes(response))
            )
        create, update = self._one if len(written.rows) == 1 else self._many
        arguments = self._arguments(stream_id, key, written, response)
        is_written = await self._written(connection, update if written.seen else create, arguments)
        if is_written:
            self._wake()
        return is_written

    def _arguments(
        self, stream_id: UUID, key: Key, written: _Written[S], response: Message | None
    ) -> _Arguments:
        """The parameters of a WRITE."""
        state, is_one = written.state, len(written.rows) == 1
        assert state is not None, "events make a state"
        projected = (
            list(zip(*self._stream.project(state), strict=True)) if self._stream.projection else []
        )
        if self._stream.projection and not projected:
            projected = [()] * len(self._stream.projection.columns)
        return (
            stream_id, written.seen, written.version, self._encode(state), written.latest_hash,
            self._stream.state_name(state), self._stream.due_at(state), written.at,
            key.id, key.method, key.digest, _bytes(response),
            written.traceparent, shard_of(stream_id),
            *(written.rows[0] if is_one else [list(column) for column in zip(*written.rows, strict=True)]),
            *self._stream.index(state),
            *(list(column) for column in projected),
        )  # fmt: skip

    @staticmethod
    async def _written(
        connection: PoolConnectionProxy, statement: str, arguments: _Arguments
    ) -> bool:
        """Whether it was: not if the version has moved on, nor if the same request won elsewhere."""
        try:
            won = await connection.fetchval(statement, *arguments)
        except asyncpg.UniqueViolationError as error:
            if error.constraint_name != "idempotency_pkey":
                raise  # a rule of the service's own tables: deciding again would break it again
            return False  # read its answer
        return won is not None

    async def read(self, stream_id: UUID) -> Current[S] | None:
        """The stream as stored, or None. Raises Refused STORAGE_UNAVAILABLE."""
        rows = await self.select("where id = $1", stream_id)
        return rows[0] if rows else None

    async def select(self, tail: str, *values: object) -> list[Current[S]]:
        """Streams that the SQL `tail` (where, order by, limit) finds among the columns of `stream`."""
        rows = await self.fetch(
            f"select id, state_data, version, latest_hash, updated_at from stream {tail}",  # noqa: S608 - the code's own SQL
            *values,
        )
        return [
            Current(
                r["id"],
                self._decode(r["state_data"]),
                r["version"],
                r["latest_hash"],
                r["updated_at"],
            )
            for r in rows
        ]

    async def history(self, stream_id: UUID) -> list[Recorded]:
        """All events of the stream in order. Raises Refused STORAGE_UNAVAILABLE."""
        rows = await self.fetch(
            f"select {RECORDED} from event where stream_id = $1 order by version",  # noqa: S608 - the code's own SQL
            stream_id,
        )
        return [Recorded(*row.values()) for row in rows]

    async def fetch(self, query: str, *values: object) -> list[asyncpg.Record]:
        """Rows of a reading query. Raises Refused STORAGE_UNAVAILABLE."""
        try:
            rows: list[asyncpg.Record] = await self._pool.fetch(query, *values)
        except Exception as error:
            if is_storage_fault(error):
                raise _storage_away() from error
            raise
        return rows

    async def put_ready(self, entries: Sequence[tuple[int, str, bytes]]) -> None:
        """Puts ready bodies (shard, name, body) into the outbox. Raises Refused STORAGE_UNAVAILABLE."""
        shards, names, bodies = zip(*entries, strict=True)
        await self.fetch(_PUT, list(shards), list(names), list(bodies))
        self._wake()

    def rebuild(self, events: Sequence[Recorded]) -> S | None:
        """The state that the stored events fold to; equals the stored state, or something is broken."""
        state: S | None = None
        for recorded in events:
            state = self._stream.evolve(
                state, self._stream.decode_event(recorded.name, recorded.payload)
            )
        return state


@dataclass(frozen=True, slots=True)
class _Written(Generic[S]):
    """What one decision is about to store."""

    state: S | None
    seen: int
    version: int
    latest_hash: bytes
    at: datetime
    traceparent: str
    rows: list[tuple[object, ...]]


def _link(earlier: str | None) -> None:
    """A later step is a trace of its own; it says which trace the stream's last step was in."""
    span = trace.get_current_span()
    if earlier and earlier[3:35] != trace.format_trace_id(span.get_span_context().trace_id):
        for link in link_to(earlier):
            span.add_link(link.context)


def _bytes(response: Message | None) -> bytes:
    return response.SerializeToString() if response is not None else b""


def _storage_away() -> RpcError:
    return unavailable(
        CommonReason.STORAGE_UNAVAILABLE, "the database did not answer; ask again", 1.0
    )


def _answer_again(row: Any, key: Key, response_type: type[M] | None) -> M | None:
    if row["method"] != key.method or row["digest"] != key.digest:
        raise RpcError(
            grpc.StatusCode.INVALID_ARGUMENT,
            CommonReason.REQUEST_ID_REUSED,
            "this request id was used for something else; make a new one",
        )
    return response_type.FromString(row["response"]) if response_type is not None else None


_READ = """
select s.state_data, s.version, s.latest_hash, s.traceparent, i.method, i.digest, i.response
  from (select $1::uuid as id) k left join stream s on s.id = k.id
  left join idempotency i on i.id = $2
"""
_REMEMBER = (
    "insert into idempotency (id, method, digest, response) values ($1, $2, $3, $4) returning id"
)
_PUT = """
insert into outbox (shard, name, body) select r.shard, r.name, r.body
  from unnest($1::smallint[], $2::text[], $3::bytea[]) with ordinality as r(shard, name, body, n) order by r.n
"""
# Parameters 1 to 14 are the stream's and the key's, 15 to 22 the events' columns.
_FIRST_EXTRA = 23
# A decision makes one event as a rule: told as one row instead of columns of rows, it costs a fifth less.
_ONE_EVENT = "(values ($15::int, $16::uuid, $17::text, $18::text, $19::text, $20::bytea, $21::bytea, $22::bytea))"
_MANY_EVENTS = (
    "unnest($15::int[], $16::uuid[], $17::text[], $18::text[], $19::text[], $20::bytea[], $21::bytea[],"
    " $22::bytea[])"
)


def _statements(
    columns: tuple[str, ...], projection: Projection | None, events: str
) -> tuple[str, str]:
    """The creating and the updating WRITE. Both give the id back only when the version was still the one decided on."""
    numbered = [(column, f"${_FIRST_EXTRA + n}") for n, column in enumerate(columns)]
    names, values = "".join(f", {c}" for c, _ in numbered), "".join(f", {p}" for _, p in numbered)
    create = f"""
with u as (insert into stream (id, version, state_data, latest_hash, state, due_at, traceparent,
    created_at, updated_at{names})
  select $1, $3, $4, $5, $6, $7, $13, $8, $8{values} where $2 = 0
  on conflict (id) do nothing returning id)"""
    update = f"""
with u as (update stream set version = $3, state_data = $4, latest_hash = $5, state = $6,
  due_at = $7, traceparent = $13, updated_at = $8{"".join(f", {c} = {p}" for c, p in numbered)}
  where id = $1 and version = $2 returning id)"""  # noqa: S608 - same
    named = f"{events} as r (version, event_id, name, actor, state, payload, prev, hash)"
    order = "order by r.version" if events is _MANY_EVENTS else ""
    rest = f""",
 d as (insert into idempotency (id, method, digest, response) select $9, $10, $11, $12 from u),
 e as (insert into event
     (stream_id, version, event_id, name, actor, occurred_at, state, payload, traceparent,
      previous_hash, hash)
   select u.id, r.version, r.event_id, r.name, r.actor, $8, r.state, r.payload, $13, r.prev, r.hash
     from u, {named} {order}),
 o as (insert into outbox (shard, stream_id, version) select $14, u.id, r.version from u, {named} {order})"""  # noqa: S608 - same
    if projection is not None:
        rest += _projecting(projection, _FIRST_EXTRA + len(columns))
    return create + rest + "\nselect id from u", update + rest + "\nselect id from u"


def _projecting(projection: Projection, first: int) -> str:
    names = ", ".join(name for name, _ in projection.columns)
    arrays = ", ".join(f"${first + n}::{kind}[]" for n, (_, kind) in enumerate(projection.columns))
    changes = ", ".join(
        f"{name} = excluded.{name}" for name, _ in projection.columns if name != projection.key
    )
    return f""",
 p as (insert into {projection.table} ({names}) select {", ".join(f"r.{name}" for name, _ in projection.columns)}
   from u, unnest({arrays}) as r({names}) on conflict ({projection.key}) do update set {changes})"""  # noqa: S608 - constants of the shells
