"""The change feed of a service: streams its events to watchers, and misses none.

PostgreSQL draws row numbers before transactions commit. A query for `position > last` would
therefore skip the row of a transaction that drew its number early and commits late. The feed
instead reads events in the order (transaction id, position), and only events of transactions that
are older than every transaction that may still commit. One shared query serves all watchers of the
process. A commit in this process wakes the feed; it also polls, for the commits of other replicas.

A watcher that resumes reads what it missed by itself: the events of one stream, or those of one
owner by the owner's index. Its cursor follows the feed also past events that it does not want.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from chassis.rpc.errors import CommonReason, RpcError, draining, unavailable
from chassis.store.journal import Journal

_LOG = structlog.get_logger("change_feed")
_POLL_S = 0.25
# After a wake-up, the committed event may still be above the oldest running transaction, so the
# feed reads again this soon instead of waiting for the next poll.
_RETRY_S = 0.02
# Least time between two reads: events that commit within it are read by one query.
_READ_INTERVAL_S = 0.01
_BATCH = 500
# A watcher that has this many unread events is ended: memory is bounded, and the client can resume
# from its last token.
_MAX_UNREAD = 2_000


@dataclass(frozen=True, slots=True, order=True)
class Cursor:
    """A position in the feed: the watcher has received every event up to and including it."""

    xid: int
    position: int


@dataclass(frozen=True, slots=True)
class Change:
    """An event without its payload, and the owner of its stream, by which watchers filter."""

    cursor: Cursor
    stream_id: UUID
    version: int
    name: str
    state: str
    """Lifecycle state of the stream after the event."""
    occurred_at: datetime
    trace_id: str
    """W3C trace id, hexadecimal; empty when the command was not traced."""
    owner: Any


@dataclass(frozen=True, slots=True)
class Batch:
    """Wanted events, oldest first, and the cursor up to which the watcher has received all."""

    changes: tuple[Change, ...]
    """Empty in a heartbeat."""
    cursor: Cursor


class ChangeFeed:
    """Streams the events of one service. `owner` names the column of `stream` with its owner."""

    def __init__(self, journal: Journal[Any, Any], owner: str) -> None:
        self._journal = journal
        self._wake_up = asyncio.Event()
        self._watchers: set[_Watcher] = set()
        self._cursor: Cursor | None = None
        self._is_draining = False
        columns = """
select e.xid::text::bigint as xid, e.position, e.stream_id, e.version, e.name, e.state,
       e.occurred_at, e.traceparent"""
        selected = f"""{columns}, s.{owner} as owner
  from event e join stream s on s.id = e.stream_id"""
        behind = """(e.xid, e.position) > ($1::text::xid8, $2::bigint)
   and e.xid < pg_snapshot_xmin(pg_current_snapshot())"""
        in_order = "order by e.xid, e.position limit $3"
        self._select_after = f"{selected}\n where {behind} {in_order}"
        # An event that a release before the owner's column wrote has none. Its stream has.
        self._select_of_owner = f"""
select * from (
  ({columns}, $4::text as owner from event e where e.{owner} = $4 and {behind} {in_order})
  union all
  ({selected} where e.{owner} is null and s.{owner} = $4 and {behind} {in_order})
) e {in_order}"""  # noqa: S608 - owner is a constant
        self._select_of_stream = f"""{selected}
 where e.stream_id = $4 and ($5::text is null or s.{owner} = $5) and {behind} {in_order}"""
        self._select_stream = f"{selected} where e.stream_id = $1 order by e.version"

    def wake(self) -> None:
        """Makes the feed read now, after a commit in this process. No-op without watchers."""
        if self._watchers:
            self._wake_up.set()

    def drain(self) -> None:
        """Ends every open watch with RpcError DRAINING. Every later watch ends at once."""
        self._is_draining = True
        for watcher in list(self._watchers):
            watcher.end()

    async def run(self) -> None:
        """Feeds the watchers until cancelled. While the database is away, it retries."""
        was_woken = False
        while True:
            self._wake_up.clear()
            began = time.monotonic()
            try:
                await self._feed()
            except RpcError as error:
                _LOG.warning("the change feed waits for the database", reason=error.reason)
                await asyncio.sleep(0.5)
            pause = _RETRY_S if was_woken else _POLL_S
            was_woken = False
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    was_woken = await self._wake_up.wait()
            await asyncio.sleep(max(0.0, began + _READ_INTERVAL_S - time.monotonic()))

    async def _start(self) -> Cursor:
        """Returns the feed's cursor.

        The cursor is set before the first watcher reads old events, so that no event is missed
        between the old events and the feed.
        """
        if self._cursor is None:
            now = await self.current_cursor()
            self._cursor = self._cursor or now
        return self._cursor

    async def _feed(self) -> None:
        if not self._watchers:
            # The next watcher starts the feed again, before it reads its own old events.
            self._cursor = None
            return
        cursor = await self._start()
        while True:
            changes = await self.read_after(cursor, limit=_BATCH)
            for change in changes:
                for watcher in list(self._watchers):
                    watcher.offer(change)
            if changes:
                self._cursor = cursor = changes[-1].cursor
            if len(changes) < _BATCH:
                return

    async def current_cursor(self) -> Cursor:
        """Returns the cursor behind every event that can be read now."""
        rows = await self._journal.fetch(
            "select pg_snapshot_xmin(pg_current_snapshot())::text::bigint as xid"
        )
        return Cursor(rows[0]["xid"] - 1, 2**62)

    async def read_stream(self, stream_id: UUID) -> list[Change]:
        """Returns all events of one stream, oldest first."""
        return self._changes(await self._journal.fetch(self._select_stream, stream_id))

    async def read_after(
        self,
        cursor: Cursor,
        limit: int,
        owner: str | None = None,
        stream_id: UUID | None = None,
    ) -> list[Change]:
        """Returns the next `limit` events, oldest first; only of one owner or stream, if given.

        It reads no others: neither does an owner wait for the events of all others, nor one stream
        for those of its owner.
        """
        query, only = self._select_after, tuple[object, ...]()
        if stream_id is not None:
            query, only = self._select_of_stream, (stream_id, owner)
        elif owner is not None:
            query, only = self._select_of_owner, (owner,)
        rows = await self._journal.fetch(query, str(cursor.xid), cursor.position, limit, *only)
        return self._changes(rows)

    @staticmethod
    def _changes(rows: list[Any]) -> list[Change]:
        return [
            Change(
                Cursor(row["xid"], row["position"]), row["stream_id"], row["version"], row["name"],
                row["state"], row["occurred_at"], row["traceparent"][3:35], row["owner"],
            )
            for row in rows
        ]  # fmt: skip

    async def watch(
        self,
        start: Cursor,
        owner: str | None = None,
        stream_id: UUID | None = None,
        heartbeat_s: float = 10.0,
    ) -> AsyncIterator[Batch]:
        """Yields the events behind `start`, in batches; only of one owner or stream, if given.

        It ends when the caller closes it. A batch without events is a heartbeat: none arrived for
        `heartbeat_s` seconds. Each batch has the cursor to resume behind. It advances with the feed
        also while all events are of others. Raises RpcError SLOW_CONSUMER if the caller has more
        than 2,000 unread events, and DRAINING if the service stops.
        """
        if self._is_draining:
            raise draining()
        await self._start()
        watcher = _Watcher(owner, stream_id)
        self._watchers.add(watcher)
        self._wake_up.set()
        try:
            # The watcher is registered before the old events are read, so that no event is missed
            # in between. Events that arrive both ways are dropped below, by their cursor.
            last = start
            while True:
                page = await self.read_after(last, _BATCH, owner, stream_id)
                if page:
                    last = page[-1].cursor
                    yield Batch(tuple(page), last)
                if len(page) < _BATCH:
                    break
            while True:
                received = await watcher.receive(heartbeat_s)
                changes = tuple(change for change in received if change.cursor > last)
                # All that the feed has read was offered to this watcher, and was received above.
                passed = self._cursor if self._cursor is not None else last
                last = max(last, passed, *(change.cursor for change in changes[-1:]))
                yield Batch(changes, last)
        finally:
            self._watchers.discard(watcher)


class _Watcher:
    """One open watch: its filter and its unread events."""

    def __init__(self, owner: str | None, stream_id: UUID | None) -> None:
        self._owner, self._stream_id = owner, stream_id
        self._unread: deque[Change] = deque()
        self._ready = asyncio.Event()
        self._has_overflowed = False
        self._is_ended = False

    def end(self) -> None:
        """Makes `receive` raise RpcError DRAINING."""
        self._is_ended = True
        self._ready.set()

    def offer(self, change: Change) -> None:
        """Adds the event to the unread ones, if the watch wants it."""
        if self._owner is not None and change.owner != self._owner:
            return
        if self._stream_id is not None and change.stream_id != self._stream_id:
            return
        if len(self._unread) >= _MAX_UNREAD:
            self._has_overflowed = True
        else:
            self._unread.append(change)
        self._ready.set()

    async def receive(self, timeout_s: float) -> list[Change]:
        """Returns the unread events; waits for one at most `timeout_s`, then returns none."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ready.wait(), timeout_s)
        if self._is_ended:
            raise draining()
        if self._has_overflowed:
            raise unavailable(
                CommonReason.SLOW_CONSUMER,
                f"more than {_MAX_UNREAD:,} changes are unread; resume from the last token",
                1.0,
            )
        self._ready.clear()
        unread = list(self._unread)
        self._unread.clear()
        return unread
