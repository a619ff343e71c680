"""Fires what has come due: streams whose `due_at` has passed are given to the service, through the same journal.

It holds no list of its own: what is due stands in the stream's row, written with the state. Several replicas may fire
the same stream; the version lets one of them win.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import structlog

from chassis.journal import Journal
from chassis.refusal import Refused

_LOG = structlog.get_logger("timers")
_BATCH = 100

Fire = Callable[[UUID, int], Awaitable[None]]


class Timers:
    """Looks every `interval_s` seconds. `fire` gets stream id and version and must tolerate having lost."""

    def __init__(self, journal: Journal[object, object], fire: Fire, interval_s: float = 1.0) -> None:
        self._journal, self._fire, self._interval = journal, fire, interval_s

    async def run(self) -> None:
        """Fires until cancelled."""
        while True:
            try:
                due = await self._journal.fetch(
                    "select id, version from stream where due_at <= now() order by due_at limit $1", _BATCH
                )
                for row in due:
                    await self._fire(row["id"], row["version"])
            except Refused as error:
                due = []
                _LOG.warning("timers wait", reason=error.reason)
            except Exception:  # noqa: BLE001 - one stream's defect must not stop the others' timers
                due = []
                _LOG.exception("timer failed")
            if len(due) < _BATCH:
                await asyncio.sleep(self._interval)
