"""Removes the standings of licenses that have ended: from the table, the topic and the replicas.

A license ends for good at its `not_after`, which no later version of its standing changes. So every
record of it that may still appear, an old duplicate too, denies by itself. A gate and a replica
that know no standing of a license deny as well. A revoked license is kept until its `not_after`: a
duplicate of an earlier version, which allows, could come back before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from aiokafka.errors import KafkaError

from chassis.rpc.errors import RpcError
from chassis.store.journal import Journal
from chassis.store.outbox import shard_of
from services.enforcement.shell import standing_codec

_LOG = structlog.get_logger("standings")
RETENTION: Final = timedelta(days=1)
"""Time from the end of a license, by the clock of the database, until its standing is removed.

Far longer than a lease (60 s at most) and than the error of any clock that is looked after. Until
then a gate explains its denial with EXPIRED, afterwards with UNKNOWN_LICENSE.
"""
INTERVAL_S: Final = 60.0
PAGE_SIZE: Final = 1_000

_WITHOUT_END: Final = """
select license_id, payload from standing
 where not_after is null and payload is not null and license_id > $1 order by license_id limit $2
"""
_STORE_ENDS: Final = """
with chosen as (
  select s.license_id, r.not_after
    from unnest($1::uuid[], $2::timestamptz[]) as r(id, not_after)
    join standing s on s.license_id = r.id
   where s.not_after is null order by s.license_id for update of s skip locked)
update standing s set not_after = c.not_after from chosen c where s.license_id = c.license_id
"""
_ENDED: Final = """
select license_id, version, payload from standing
 where payload is not null and not_after < now() - $1::interval order by not_after limit $2
"""
_REMOVE: Final = "select * from remove_standings($1::uuid[], $2::int[], $3::int[], $4::interval)"

Publish = Callable[[Sequence[tuple[int, bytes]]], Awaitable[None]]
"""Sends a tombstone to each partition with each key. Raises KafkaError, OSError or TimeoutError."""


class StandingRemoval:
    """Every replica may run it at the same time: all of its steps may be repeated."""

    def __init__(self, journal: Journal[Any, Any], publish: Publish) -> None:
        self._journal, self._publish = journal, publish

    async def run(self) -> None:
        """Removes once a minute until cancelled. If broker or database is away, it tries later.

        It first waits a minute: the start of a replica comes first.
        """
        while True:
            await asyncio.sleep(INTERVAL_S)
            try:
                await self.sweep()
            except (RpcError, KafkaError, OSError, TimeoutError) as error:
                _LOG.warning("ended licenses are kept for now", error=type(error).__name__)

    async def sweep(self) -> int:
        """Removes all standings that may be removed; returns their number.

        The tombstone is sent first: if the process ends in between, it is only sent again.
        """
        await self._read_ends()
        count = 0
        while rows := await self._journal.fetch(_ENDED, RETENTION, PAGE_SIZE):
            versions = {row["license_id"]: _version_of(row["payload"]) for row in rows}
            chosen = [row for row in rows if versions[row["license_id"]] is not None]
            ids = [row["license_id"] for row in chosen]
            if ids:
                await self._publish([(shard_of(each), str(each).encode()) for each in ids])
            removed = await self._journal.fetch(
                _REMOVE,
                ids,
                [row["version"] for row in chosen],
                [versions[each] for each in ids],
                RETENTION,
            )
            count += len(removed)
            if len(rows) < PAGE_SIZE or not removed:
                break
        if count:
            _LOG.info("standings of ended licenses removed", count=count)
        return count

    async def _read_ends(self) -> None:
        """Stores the ends of licenses whose rows have none yet."""
        last = UUID(int=0)
        while rows := await self._journal.fetch(_WITHOUT_END, last, PAGE_SIZE):
            last = rows[-1]["license_id"]
            ends = {row["license_id"]: _end_of(row["payload"]) for row in rows}
            known = {each: end for each, end in ends.items() if end is not None}
            await self._journal.fetch(_STORE_ENDS, list(known), list(known.values()))


# A standing that cannot be read is kept, and withholds leases.


def _version_of(payload: bytes) -> int | None:
    try:
        return standing_codec.decode_standing_changed(payload)[0].version
    except ValueError:
        return None


def _end_of(payload: bytes) -> datetime | None:
    try:
        return standing_codec.decode_standing_changed(payload)[0].not_after
    except ValueError:
        return None
