"""Reads the parked records of outboxes, and frees them so that the relay sends them again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from chassis.store.outbox import BEHIND
from operations.environment import database_tls
from operations.error_messages import InputError
from operations.outbox.tables import OUTBOXES, outbox_tables

CONNECT_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class ParkedRecord:
    """A record that could not be sent, with the number of records that wait behind it."""

    service: str
    table: str
    outbox_id: int
    stream_id: UUID | None
    """None for a record without an event, for instance a heartbeat."""
    version: int | None
    event_type: str
    """Short name, for instance ApplicationSubmitted."""
    payload_bytes: int
    trace_id: str
    reason: str
    """UPPER_SNAKE, for instance RECORD_TOO_LARGE."""
    parked_at: datetime
    behind: int

    @property
    def id(self) -> str:
        """Its id for `retry`: `service/outbox/number`."""
        return f"{self.service}/{self.table}/{self.outbox_id}"


async def read_parked(databases: Mapping[str, str]) -> list[ParkedRecord]:
    """Returns the parked records of these services, oldest first. Raises asyncpg's errors."""
    found: list[ParkedRecord] = []
    for service, dsn in databases.items():
        async with _connected(dsn) as connection:
            for table in await outbox_tables(connection):
                rows = await connection.fetch(_parked(table), BEHIND)
                found += [ParkedRecord(service, table, *row.values()) for row in rows]
    return sorted(found, key=lambda each: (each.parked_at, each.id))


def select_by_id(parked: Iterable[ParkedRecord], ids: Sequence[str]) -> list[ParkedRecord]:
    """Returns the records with these ids, in this order, each once.

    Raises InputError that names the ids without a parked record.
    """
    by_id = {each.id: each for each in parked}
    missing = [name for name in ids if name not in by_id]
    if missing:
        raise InputError("NO_SUCH_RECORD", *(f"no parked record is {name}" for name in missing))
    return [by_id[name] for name in dict.fromkeys(ids)]


async def retry(databases: Mapping[str, str], records: Sequence[ParkedRecord]) -> None:
    """Frees the records, and those behind them. The relay sends them in their order.

    A record that cannot be sent this time either is parked again. Raises asyncpg's errors.
    """
    for service in dict.fromkeys(each.service for each in records):
        async with _connected(databases[service], writes=True) as connection:
            for table in OUTBOXES:
                ids = [e.outbox_id for e in records if (e.service, e.table) == (service, table)]
                if ids:
                    await connection.execute(f"select retry_{table}($1)", ids)


def _parked(table: str) -> str:
    return f"""
select o.id, o.stream_id, o.version, coalesce(o.name, e.name, '') as event_type,
       octet_length(coalesce(o.body, e.payload, '')) as payload_bytes,
       coalesce(substr(e.traceparent, 4, 32), '') as trace_id, o.parked_reason, o.parked_at,
       (select count(*) from {table} b where b.stream_id = o.stream_id and b.id > o.id) as behind
  from {table} o left join event e on e.stream_id = o.stream_id and e.version = o.version
 where o.parked_reason is not null and o.parked_reason <> $1 order by o.id
"""  # noqa: S608 - a name of ours


@asynccontextmanager
async def _connected(dsn: str, *, writes: bool = False) -> AsyncIterator[asyncpg.Connection]:
    # An operator's role reads only, unless the session asks for more.
    settings = {
        "application_name": "safeconduct outbox",
        "default_transaction_read_only": "off" if writes else "on",
    }
    connection = await asyncpg.connect(
        dsn, ssl=database_tls(), timeout=CONNECT_S, server_settings=settings
    )
    try:
        yield connection
    finally:
        await connection.close(timeout=CONNECT_S)
