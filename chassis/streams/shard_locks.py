"""How replicas share the shards of an outbox: advisory locks of the database sessions."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Final

import asyncpg

from chassis.store.outbox import SHARDS, Outbox

_IN_THIS_DATABASE: Final = (
    "and database = (select oid from pg_database where datname = current_database())"
)


class LostLocksError(RuntimeError):
    """The session that serves our connection does not hold the locks that we took."""


class ShardLocks:
    """The shards of one session. If the session ends, PostgreSQL frees them.

    A replica announces itself once it can send. Until then it takes no shard, and the others do not
    leave it a share.
    """

    def __init__(self, connection: asyncpg.Connection, outbox: Outbox) -> None:
        self._connection, self._outbox = connection, outbox
        self.owned: set[int] = set()
        self._claim, self._shares = _claim(outbox), _shares(outbox)

    async def announce(self) -> None:
        """Takes part in the sharing from now on."""
        await self._connection.execute(
            f"select pg_advisory_lock_shared({self._outbox.presence_lock}, 0)"
        )

    # Step of the model: ClaimShard
    async def balance(self, busy: AbstractSet[int]) -> None:
        """Claims free shards up to the fair share and releases those above it.

        No record of a released shard may be in flight: a shard in `busy` is kept for now. Raises
        LostLocksError if a lock is gone: a pooler may have put another session behind the
        connection.
        """
        self.owned |= {row["s"] for row in await self._connection.fetch(self._claim)}
        (shares,) = await self._connection.fetch(self._shares)
        if not self.owned.issubset(shares["held"]):
            raise LostLocksError(f"locks of shards of {self._outbox.table} are not held any more")
        surplus = len(self.owned) - shares["fair"]
        for shard in sorted(self.owned - busy, reverse=True)[: max(0, surplus)]:
            await self._connection.execute(
                f"select pg_advisory_unlock({self._outbox.shard_lock}, $1::int)", shard
            )
            self.owned.discard(shard)


def _claim(outbox: Outbox) -> str:
    """Locks free shards up to the fair share: all shards by the present replicas, rounded up."""
    return f"""
with replicas as (
  select greatest(1, count(*)) n from pg_locks
   where locktype = 'advisory' and classid = {outbox.presence_lock} and granted
     {_IN_THIS_DATABASE}),
 owned as (
  select count(*) n from pg_locks
   where locktype = 'advisory' and classid = {outbox.shard_lock} and granted
     and pid = pg_backend_pid() {_IN_THIS_DATABASE}),
 missing as (
  select greatest(0, ceil({SHARDS}.0 / (select n from replicas))::int
                     - (select n from owned)::int) n),
 free as materialized (
  select s from generate_series(0, {SHARDS - 1}) s
   where not exists (
     select 1 from pg_locks
      where locktype = 'advisory' and classid = {outbox.shard_lock} and objid = s
        and granted {_IN_THIS_DATABASE})
   order by random() limit (select n from missing))
select s from free where pg_try_advisory_lock({outbox.shard_lock}, s)
"""  # noqa: S608 - constants


def _shares(outbox: Outbox) -> str:
    """Returns the fair share of a replica, and the shards whose locks this session holds."""
    return f"""
select (select ceil({SHARDS}.0 / greatest(1, count(*)))::int from pg_locks
         where locktype = 'advisory' and classid = {outbox.presence_lock} and granted
           {_IN_THIS_DATABASE}) as fair,
       array(select objid::int from pg_locks
              where locktype = 'advisory' and classid = {outbox.shard_lock} and granted
                and pid = pg_backend_pid() {_IN_THIS_DATABASE}) as held
"""  # noqa: S608 - constants
