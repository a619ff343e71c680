"""The SQL of the journal: one READ and one guarded WRITE per command.

A WRITE changes the stream's row only if its version is still the one that the decision was made on
and no newer release has written the row.
Events, outbox, projection, and idempotency key or fence are written from the changed row, so they
are stored if and only if the guard held. All in one statement: a transaction of several would cost
as many round trips.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from chassis.store.fence import HANDLED
from chassis.store.outbox import EVENT_OUTBOX, Outbox
from chassis.store.stream import EventTable, Projection, Stream

_READ_STREAM: Final = "s.state_data, s.schema, s.version, s.latest_hash, s.traceparent"
READ: Final = f"""
select {_READ_STREAM}, i.method, i.digest, i.response
  from (select $1::uuid as id) k left join stream s on s.id = k.id
  left join idempotency i on i.id = $2
"""  # noqa: S608 - constants
READ_EVENT: Final = f"""
select {_READ_STREAM}, h.version as handled,
       exists (select 1 from parked p
                where p.source = $2 and p.stream_id = $3 and p.version < $4) as is_behind,
       exists (select 1 from idempotency i where i.id = $5) as is_known
  from (select $1::uuid as id) k left join stream s on s.id = k.id
  left join handled h on h.source = $2 and h.stream_id = $3
"""  # noqa: S608 - constants
INSERT_KEY: Final = """
insert into idempotency (id, method, digest, response) values ($1, $2, $3, $4) returning id
"""
INSERT_HANDLED: Final = (
    HANDLED.format(values="$1::text, $2::uuid, $3::int, $4::timestamptz", rows="(select 1) as one")
    + " returning stream_id"
)

KEY_ID: Final = 8
"""Index of the idempotency key's id among the arguments of a WRITE."""

# Parameters 9 to 12 of a WRITE are the key's, 1 to 14 the stream's, 15 to 22 the events' columns.
_KEYED: Final = """
  insert into idempotency (id, method, digest, response) select $9, $10, $11, $12 from written"""
_FENCED: Final = HANDLED.format(values="$9, $10, $11, $12", rows="written")
_FIRST_EXTRA: Final = 23
# Most decisions make one event. As one row of values it costs a fifth less CPU than as arrays.
_ONE_EVENT: Final = (
    "(values ($15::int, $16::uuid, $17::text, $18::text, $19::text, $20::bytea, $21::bytea,"
    " $22::bytea))"
)
_MANY_EVENTS: Final = (
    "unnest($15::int[], $16::uuid[], $17::text[], $18::text[], $19::text[], $20::bytea[],"
    " $21::bytea[], $22::bytea[])"
)


@dataclass(frozen=True, slots=True)
class Write:
    """The WRITE that creates a stream and the one that updates it.

    Both return the stream's id if the guard held, and no row otherwise.
    """

    create: str
    update: str


@dataclass(frozen=True, slots=True)
class KeyStatements:
    """The statements of commands with one kind of key."""

    read: str
    insert: str
    """Stores the key of a command without events."""
    write_one: Write
    """For a decision with one event."""
    write_many: Write
    """For a decision with several events, given as arrays."""


def request_statements(
    stream: Stream[Any, Any], event_table: EventTable[Any, Any] | None = None
) -> KeyStatements:
    """Returns the statements of commands with an idempotency key.

    With a table of events, a WRITE also has the columns of its new rows, after all others.
    """
    return _statements(stream, event_table, READ, INSERT_KEY, _KEYED)


def event_statements(
    stream: Stream[Any, Any], event_table: EventTable[Any, Any] | None = None
) -> KeyStatements:
    """Returns the statements of commands that follow from a consumed event.

    With a table of events, a WRITE also has the columns of its new rows, after all others.
    """
    return _statements(stream, event_table, READ_EVENT, INSERT_HANDLED, _FENCED)


def _statements(
    stream: Stream[Any, Any],
    event_table: EventTable[Any, Any] | None,
    read: str,
    insert: str,
    keyed: str,
) -> KeyStatements:
    return KeyStatements(
        read,
        insert,
        _write(stream, event_table, keyed, _ONE_EVENT, order=""),
        _write(stream, event_table, keyed, _MANY_EVENTS, order="order by r.version"),
    )


def insert_into_outbox(outbox: Outbox) -> str:
    """Returns the statement that adds records without an event: arrays of shard, name and body."""
    return f"""
insert into {outbox.table} (shard, name, body) select r.shard, r.name, r.body
  from unnest($1::smallint[], $2::text[], $3::bytea[]) with ordinality as r(shard, name, body, n)
 order by r.n
"""  # noqa: S608 - a constant of the shells


def _write(
    stream: Stream[Any, Any],
    event_table: EventTable[Any, Any] | None,
    keyed: str,
    events: str,
    order: str,
) -> Write:
    columns, projection, schema = stream.columns, stream.projection, int(stream.schema)
    numbered = [(column, f"${_FIRST_EXTRA + n}") for n, column in enumerate(columns)]
    names = "".join(f", {column}" for column, _ in numbered)
    values = "".join(f", {parameter}" for _, parameter in numbered)
    changes = "".join(f", {column} = {parameter}" for column, parameter in numbered)
    owner = f", {stream.owner_column}" if stream.owner_column else ""
    of_owner = f", w.{stream.owner_column}" if stream.owner_column else ""
    create = f"""
with written as (
  insert into stream (id, version, state_data, latest_hash, state, due_at, traceparent,
                      created_at, updated_at, schema{names})
  select $1, $3, $4, $5, $6, $7, $13, $8, $8, {schema}{values} where $2 = 0
  on conflict (id) do nothing returning id{owner})"""
    update = f"""
with written as (
  update stream set version = $3, state_data = $4, latest_hash = $5, state = $6, due_at = $7,
                    traceparent = $13, updated_at = $8, schema = {schema}{changes}
   where id = $1 and version = $2 and schema <= {schema} returning id{owner})"""  # noqa: S608 - constants of the shells
    rows = f"{events} as r (version, event_id, name, actor, state, payload, previous_hash, hash)"
    rest = f""",
 keyed as ({keyed}),
 appended as (
  insert into event (stream_id, version, event_id, name, actor, occurred_at, state, payload,
                     traceparent, previous_hash, hash{owner})
  select w.id, r.version, r.event_id, r.name, r.actor, $8, r.state, r.payload, $13,
         r.previous_hash, r.hash{of_owner}
    from written w, {rows} {order})"""  # noqa: S608 - constants of the shells
    rest += _queue(stream, rows, order)
    if projection is not None:
        rest += _project(projection, _FIRST_EXTRA + len(columns))
    if event_table is not None:
        projected = len(projection.columns) if projection is not None else 0
        rest += _file(event_table, _FIRST_EXTRA + len(columns) + projected)
    return Write(
        create=f"{create}{rest}\nselect id from written",
        update=f"{update}{rest}\nselect id from written",
    )


def rewrite_statement(stream: Stream[Any, Any]) -> str:
    """Returns the statement that replaces a row of an older release by one of this release.

    Parameters: id, version, state_data, state, due_at, the stream's columns, its projection. It
    returns the id, and no row if the stream has changed or has this release's number already.
    """
    first = 6
    changes = "".join(f", {name} = ${first + n}" for n, name in enumerate(stream.columns))
    projected = (
        _project(stream.projection, first + len(stream.columns)) if stream.projection else ""
    )
    return f"""
with written as (
  update stream set state_data = $3, schema = {int(stream.schema)}, state = $4, due_at = $5{changes}
   where id = $1 and version = $2 and schema < {int(stream.schema)} returning id){projected}
select id from written"""  # noqa: S608 - constants of the shells


def _queue(stream: Stream[Any, Any], rows: str, order: str) -> str:
    """Returns the parts that add a pointer to each event to its outbox."""

    def insert(part: str, outbox: Outbox, condition: str) -> str:
        return f""",
 {part} as (
  insert into {outbox.table} (shard, stream_id, version)
  select $14, w.id, r.version from written w, {rows} {condition} {order})"""  # noqa: S608 - constants of the shells

    separate = stream.separate_outbox
    if separate is None:
        return insert("queued", EVENT_OUTBOX, "")
    names = ", ".join(f"'{name}'" for name in sorted(separate.event_names))
    return insert("queued", EVENT_OUTBOX, f"where r.name not in ({names})") + insert(
        "queued_separately", separate.outbox, f"where r.name in ({names})"
    )


def _file(table: EventTable[Any, Any], first: int) -> str:
    names = ", ".join(name for name, _ in table.columns)
    values = ", ".join(f"r.{name}" for name, _ in table.columns)
    arrays = ", ".join(f"${first + n}::{kind}[]" for n, (_, kind) in enumerate(table.columns))
    return f""",
 filed as (
  insert into {table.table} ({names}) select {values}
    from written w, unnest({arrays}) as r({names}) on conflict do nothing)"""  # noqa: S608 - constants of the shells


def _project(projection: Projection, first: int) -> str:
    names = ", ".join(name for name, _ in projection.columns)
    values = ", ".join(f"r.{name}" for name, _ in projection.columns)
    arrays = ", ".join(f"${first + n}::{kind}[]" for n, (_, kind) in enumerate(projection.columns))
    changes = ", ".join(
        f"{name} = excluded.{name}" for name, _ in projection.columns if name != projection.key
    )
    return f""",
 projected as (
  insert into {projection.table} ({names}) select {values}
    from written w, unnest({arrays}) as r({names})
  on conflict ({projection.key}) do update set {changes})"""  # noqa: S608 - constants of the shells
