"""Fires what has come due: streams whose `due_at` has passed are given to the service, through the same journal.

It holds no list of its own: what is due stands in the stream's row, written with the state. Several replicas may fire
the same stream; the version lets one of them win.
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

Fire = Callable[[UUID, int], Awaitable[None]]


class Timers:
    """Looks every `interval_s` seconds. `fire` gets stream id and version and must tolerate having lost.

    What is due is judged by `clock`, which must be the one that `fire` decides by: what the database's clock calls due
    a moment earlier would be found not due, and that answer would be kept.
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
        """Fires until cancelled."""
        while True:
            try:
                async for stream_id, version in self._due():
                    await self._one(stream_id, version)
            except RpcError as error:
                _LOG.warning("timers wait", reason=error.reason)
            await asyncio.sleep(self._interval)

    async def _due(self) -> AsyncIterator[tuple[UUID, int]]:
        """All that is due now, oldest first, each once: what cannot be fired does not keep the rest from its turn."""
        now, (at, last) = self._clock(), _BEFORE_ALL
        while True:
            rows = await self._journal.fetch(
                "select id, version, due_at from stream where due_at <= $1 and (due_at, id) > ($2, $3)"
                " order by due_at, id limit $4",
                now, at, last, _BATCH,
            )  # fmt: skip
            for row in rows:
                yield row["id"], row["version"]
            if len(rows) < _BATCH:
                return
            at, last = rows[-1]["due_at"], rows[-1]["id"]

    async def _one(self, stream_id: UUID, version: int) -> None:
        try:
            await self._fire(stream_id, version)
        except RpcError as error:
            if error.reason == CommonReason.STORAGE_UNAVAILABLE:
                raise
            _LOG.warning("timer refused", stream_id=str(stream_id), reason=error.reason)
        except Exception:  # noqa: BLE001 - one stream's defect must not stop the others' timers
            _LOG.exception("timer failed", stream_id=str(stream_id))
