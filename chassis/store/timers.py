"""Timers: fire the streams whose `due_at` has passed, through the same journal as every command.

There is no separate table of timers: the stream's row holds `due_at`, written together with the
state. Whether a stream is due is asked and decided by one clock, the database's: the clocks of
replicas do not matter. Several replicas may fire the same stream; the version check lets one of
them win. A replica leaves the streams that a newer release has written to newer replicas.
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
    database's time at which the stream was found due: by any other clock, or by one that is set
    back in between, it might find it not due.
    """

    def __init__(self, journal: Journal[Any, Any], fire: Fire, interval_s: float = 1.0) -> None:
        self._journal, self._fire, self._interval = journal, fire, interval_s

    async def run(self) -> None:
        """Fires due streams until cancelled. While the database is away, it retries."""
        while True:
            try:
                async for stream_id, version, now in self._due_streams():
                    await self._fire_one(stream_id, version, now)
            except RpcError as error:
                _LOG.warning("timers wait for the database", reason=error.reason)
            await asyncio.sleep(self._interval)

    async def _due_streams(self) -> AsyncIterator[tuple[UUID, int, datetime]]:
        """Yields id and version of every due stream, and the time at which it was found due.

        Oldest first, each once.

        The pages continue behind the last row read, not at the oldest due stream: a hundred streams
        that cannot be fired would otherwise fill every page and starve the rest.
        """
        at, last = _BEFORE_ALL
        while True:
            rows = await self._journal.fetch(
                "select id, version, due_at, now() as now from stream"
                " where due_at <= now() and (due_at, id) > ($1, $2) and schema <= $4"
                " order by due_at, id limit $3",
                at, last, _BATCH, self._journal.schema,
            )  # fmt: skip
            for row in rows:
                yield row["id"], row["version"], row["now"]
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
