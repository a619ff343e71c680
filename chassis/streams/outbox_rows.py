"""Reads, deletes and parks the rows of an outbox.

A record that cannot be sent is parked: it stays in the table with the reason. The later records of
its stream are parked behind it, so that each of them is read only once while it waits. Records
without a stream have no order among themselves and are parked alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import asyncpg

from chassis.store.outbox import BEHIND, Outbox
from chassis.streams.outbox_record import OutboxRecord, outbox_record_of

_BATCH_BYTES: Final = 1 << 20
"""The rows of a shard are read up to the one that exceeds this many bytes of payload.

All shards share the connection, so that large records of one would delay the records of others.
"""


@dataclass(frozen=True, slots=True)
class ParkedRecords:
    """The parked records of an outbox: their number, and seconds since the oldest was parked."""

    count: int
    oldest_age_s: float


class OutboxRows:
    """The rows of one outbox. Only the owner of a shard reads, deletes and parks its rows."""

    def __init__(self, connection: asyncpg.Connection, outbox: Outbox) -> None:
        self._connection = connection
        table = outbox.table
        self._next = f"""
with waiting as (
  select o.id, o.shard, o.stream_id, o.version, coalesce(o.name, e.name) as name,
         case when b.is_behind then null else coalesce(o.body, e.payload) end as payload,
         e.event_id, e.occurred_at, e.traceparent, e.hash, b.is_behind
    from unnest($1::smallint[], $2::int[]) s(n, most)
    cross join lateral (select * from {table} where shard = s.n and parked_reason is null
                         order by id limit s.most) o
    cross join lateral (
      select coalesce(o.stream_id in (select p.stream_id from {table} p
                                       where p.parked_reason is not null
                                         and p.stream_id is not null), false) as is_behind) b
    left join event e on e.stream_id = o.stream_id and e.version = o.version),
 counted as (
  select *, sum(coalesce(octet_length(payload), 0)) over (
              partition by shard order by id rows between unbounded preceding and 1 preceding
            ) as bytes_before from waiting)
select * from counted where coalesce(bytes_before, 0) < {_BATCH_BYTES} order by shard, id
"""  # noqa: S608 - the table is a constant
        self._delete = f"delete from {table} where id = any($1::bigint[])"  # noqa: S608 - same
        self._park = (
            f"update {table} set parked_reason = $2, parked_at = now() where id = any($1::bigint[])"  # noqa: S608 - same
        )
        # An operator may have freed the stream meanwhile: nothing would ever free its last records.
        self._free = f"""
update {table} b set parked_reason = null, parked_at = null
 where b.parked_reason = '{BEHIND}'
   and not exists (select 1 from {table} p where p.stream_id = b.stream_id
                    and p.parked_reason is not null and p.parked_reason <> '{BEHIND}')
"""  # noqa: S608 - same
        self._parked = f"""
select count(*) as count,
       coalesce(extract(epoch from now() - min(parked_at)), 0)::float8 as oldest_age_s
  from {table} where parked_reason is not null
"""  # noqa: S608 - same

    async def next(self, limits: Mapping[int, int]) -> dict[int, list[OutboxRecord]]:
        """Returns the next records by shard, in order: of each at most `limits[shard]`, and 1 MiB.

        Rows behind a parked record of their stream are parked, and left out. A shard without rows
        has an empty list, one whose rows are all parked now, too.
        """
        rows = await self._connection.fetch(self._next, list(limits), list(limits.values()))
        records: dict[int, list[OutboxRecord]] = {}
        behind = [row["id"] for row in rows if row["is_behind"]]
        if behind:
            await self._connection.execute(self._park, behind, BEHIND)
        for row in rows:
            if not row["is_behind"]:
                records.setdefault(row["shard"], []).append(outbox_record_of(row))
        return records

    async def delete(self, records: Sequence[OutboxRecord]) -> None:
        """Deletes records that the broker has acknowledged."""
        await self._connection.execute(self._delete, [each.outbox_id for each in records])

    async def park(self, record: OutboxRecord, reason: str) -> None:
        """Keeps a record that cannot be sent, and with it the later records of its stream."""
        await self._connection.execute(self._park, [record.outbox_id], reason)

    async def parked(self) -> ParkedRecords:
        """Returns the parked records, of all shards. Frees those that wait behind none any more."""
        row = await self._connection.fetchrow(self._parked)
        assert row is not None, "an aggregate has one row"
        if row["count"]:
            await self._connection.execute(self._free)
        return ParkedRecords(row["count"], row["oldest_age_s"])
