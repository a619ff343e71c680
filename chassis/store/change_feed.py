"""Follows a service's own events in an order in which nothing is ever missed.

Ids are drawn before commits, so `id > last` would skip a slow writer's row. Events are therefore read in the order
(transaction, position) and only below the oldest transaction that may still commit; one shared query serves every
watcher of the process. Woken after each commit here, it polls as a floor for the other replicas'.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from chassis.rpc.errors import CommonReason, RpcError, draining, unavailable
from chassis.store.journal import Journal

_LOG = structlog.get_logger("tail")
_POLL_S = 0.25
# A transaction that began earlier and still runs holds the tail back; look again soon.
_HELD_BACK_S = 0.02
# What is committed so soon after a look is seen with the next one.
_GATHER_S = 0.01
_BATCH = 500
_PATIENCE = 2_000


@dataclass(frozen=True, slots=True, order=True)
class Cursor:
    """A place between events: everything at or before it has been seen."""

    xid: int
    position: int


@dataclass(frozen=True, slots=True)
class Change:
    """An event as a watcher needs it, with the columns of its stream that decide who may see it."""

    at: Cursor
    stream_id: UUID
    version: int
    name: str
    state: str
    occurred_at: datetime
    trace_id: str
    owner: Any


class ChangeFeed:
    """The events of one service. `owner` is the column of `stream` that says whom a stream belongs to."""

    def __init__(self, journal: Journal[Any, Any], owner: str) -> None:
        self._journal = journal
        self._woken = asyncio.Event()
        self._watchers: set[_Watcher] = set()
        self._seen: Cursor | None = None
        self._is_draining = False
        selected = f"""
select e.xid::text::bigint as xid, e.position, e.stream_id, e.version, e.name, e.state, e.occurred_at, e.traceparent,
       s.{owner} as owner
  from event e join stream s on s.id = e.stream_id"""  # noqa: S608 - the column is a constant of the shell
        self._query = f"""{selected}
 where (e.xid, e.position) > ($1::text::xid8, $2::bigint) and e.xid < pg_snapshot_xmin(pg_current_snapshot())
   and ($4::text is null or s.{owner} = $4)
 order by e.xid, e.position limit $3"""
        self._query_stream = f"{selected} where e.stream_id = $1 order by e.version"

    def wake(self) -> None:
        """Something was committed here: look now, if anybody watches."""
        if self._watchers:
            self._woken.set()

    def drain(self) -> None:
        """Ends every watch, and every later one at once, with Refused DRAINING."""
        self._is_draining = True
        for watcher in list(self._watchers):
            watcher.end()

    async def run(self) -> None:
        """Feeds the watchers until cancelled."""
        woken = False
        while True:
            self._woken.clear()
            began = time.monotonic()
            try:
                await self._feed()
            except RpcError as error:
                _LOG.warning("tail waits", reason=error.reason)
                await asyncio.sleep(0.5)
            # The commit that woke us may stand behind another running transaction for a moment.
            pause = _HELD_BACK_S if woken else _POLL_S
            woken = False
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    woken = await self._woken.wait()
            await asyncio.sleep(max(0.0, began + _GATHER_S - time.monotonic()))

    async def _begin(self) -> Cursor:
        """Where the feed stands; it stands somewhere before the first watcher reads its backlog, so no gap opens."""
        if self._seen is None:
            now = await self.now()
            self._seen = self._seen or now
        return self._seen

    async def _feed(self) -> None:
        if not self._watchers:
            # Nobody to feed: the next watcher begins the feed anew, before it reads its own backlog.
            self._seen = None
            return
        seen = await self._begin()
        while True:
            changes = await self.after(seen, limit=_BATCH)
            for change in changes:
                for watcher in list(self._watchers):
                    watcher.offer(change)
            if changes:
                self._seen = seen = changes[-1].at
            if len(changes) < _BATCH:
                return

    async def now(self) -> Cursor:
        """The place behind everything that can be read now."""
        rows = await self._journal.fetch(
            "select pg_snapshot_xmin(pg_current_snapshot())::text::bigint as xid"
        )
        return Cursor(rows[0]["xid"] - 1, 2**62)

    async def of_stream(self, stream_id: UUID) -> list[Change]:
        """All events of one stream, oldest first."""
        return self._changes(await self._journal.fetch(self._query_stream, stream_id))

    async def after(self, position: Cursor, limit: int, owner: str | None = None) -> list[Change]:
        """Events behind the place, oldest first."""
        rows = await self._journal.fetch(
            self._query, str(position.xid), position.position, limit, owner
        )
        return self._changes(rows)

    @staticmethod
    def _changes(rows: list[Any]) -> list[Change]:
        return [
            Change(
                Cursor(row["xid"], row["position"]), row["stream_id"], row["version"], row["name"], row["state"],
                row["occurred_at"], row["traceparent"][3:35], row["owner"],
            )
            for row in rows
        ]  # fmt: skip

    async def follow(
        self,
        start: Cursor,
        wants: Callable[[Change], bool],
        owner: str | None,
        heartbeat_s: float = 10.0,
    ) -> AsyncIterator[list[Change]]:
        """Yields what was wanted, several events at once when they pile up; an empty list is a heartbeat.

        Raises Refused SLOW_CONSUMER when the caller falls more than 2,000 events behind.
        """
        if self._is_draining:
            raise draining()
        await self._begin()
        watcher = _Watcher(wants, owner)
        self._watchers.add(watcher)
        self._woken.set()
        try:
            # The backlog is read after the watcher listens, so that nothing falls between; what comes twice is dropped.
            last = start
            while True:
                backlog = await self.after(last, _BATCH, owner)
                wanted = [change for change in backlog if wants(change)]
                if backlog:
                    last = backlog[-1].at
                if wanted:
                    yield wanted
                if len(backlog) < _BATCH:
                    break
            while True:
                changes = [change for change in await watcher.take(heartbeat_s) if change.at > last]
                if changes:
                    last = changes[-1].at
                yield changes
        finally:
            self._watchers.discard(watcher)


class _Watcher:
    """One open watch: what it waits for, and what piled up meanwhile."""

    def __init__(self, wants: Callable[[Change], bool], owner: str | None) -> None:
        self._wants, self._owner = wants, owner
        self._pile: deque[Change] = deque()
        self._filled = asyncio.Event()
        self._is_lost = False
        self._is_ended = False

    def end(self) -> None:
        self._is_ended = True
        self._filled.set()

    def offer(self, change: Change) -> None:
        if (self._owner is not None and change.owner != self._owner) or not self._wants(change):
            return
        if len(self._pile) >= _PATIENCE:
            self._is_lost = True
        else:
            self._pile.append(change)
        self._filled.set()

    async def take(self, timeout_s: float) -> list[Change]:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._filled.wait(), timeout_s)
        if self._is_ended:
            raise draining()
        if self._is_lost:
            raise unavailable(
                CommonReason.SLOW_CONSUMER,
                "changes came faster than they were taken; resume from the last token",
                1.0,
            )
        self._filled.clear()
        taken = list(self._pile)
        self._pile.clear()
        return taken
