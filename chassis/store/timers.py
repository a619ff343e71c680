"""Timers: fire the streams whose `due_at` has passed, through the same journal as every command.

There is no separate table of timers: the stream's row holds `due_at`, written together with the
state. Several replicas may fire the same stream; the version check lets one of them win. A replica
leaves the streams that a newer release has written to newer replicas.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import structlog

from chassis.rpc.errors import CommonReason, RpcError
from chassis.store.journal import Journal

_LOG = structlog.get_logger("timers")
_BATCH = 100
_BEFORE_ALL = datetime.min.replace(tzinfo=UTC), UUID(int=0)

Fire = Callable[[UUID, int, datetime], Awaitable[None]]


class Timers:
    """Looks for due streams every `interval_s` seconds and calls `fire(stream_id, version, now)`.

    `fire` must accept that another replica has fired the stream already. It decides by `now`, the
    time at which the streams were found due: a clock that is set back in between would otherwise
    make it find them not due. `now` is read from `clock` once a round.
    """

    def __init__(
        self,
        journal: Journal[Any, Any],
        fire: Fire,
        interval_s: float = 1.0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._journal, self._fire, self._interval, self._clock = journal, fire, interval_s, clock

    async def run(self) -> None:
        """Fires due streams until cancelled. While the database is away, it retries."""
        while True:
            try:
                now = self._clock()
                async for stream_id, version in self._due_streams(now):
                    await self._fire_one(stream_id, version, now)
            except RpcError as error:
                _LOG.warning("timers wait for the database", reason=error.reason)
            await asyncio.sleep(self._interval)

    async def _due_streams(self, now: datetime) -> AsyncIterator[tuple[UUID, int]]:
        """Yields id and version of every stream that is due at `now`, oldest first, each once.

        The pages continue behind the last row read, not at the oldest due stream: a hundred streams
        that cannot be fired would otherwise fill every page and starve the rest.
        """
        at, last = _BEFORE_ALL
        while True:
            rows = await self._journal.fetch(
                "select id, version, due_at from stream"
                " where due_at <= $1 and (due_at, id) > ($2, $3) and schema <= $5"
                " order by due_at, id limit $4",
                now, at, last, _BATCH, self._journal.schema,
            )  # fmt: skip
            for row in rows:
                yield row["id"], row["version"]
            if len(rows) < _BATCH:
                return
            at, last = rows[-1]["due_at"], rows[-1]["id"]

    async def _fire_one(self, stream_id: UUID, version: int, now: datetime) -> None:
        try:
            await self._fire(stream_id, version, now)
        except RpcError as error:
            if error.reason == CommonReason.STORAGE_UNAVAILABLE:
                raise
            _LOG.warning("timer refused", stream_id=str(stream_id), reason=error.reason)
        except Exception:  # noqa: BLE001 - a defect in one stream must not stop the other timers
            _LOG.exception("timer failed", stream_id=str(stream_id))
