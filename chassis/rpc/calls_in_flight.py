"""Calls that a server runs now, so that a stopping server can end them with a reason.

gRPC has no such step. Its `stop` ends calls that wait in its queue (the event loop was busy) as
CANCELLED, which looks like a cancellation by the client, and calls that still run after the grace
as UNAVAILABLE without a reason. So we refuse new calls until the queue is empty, and after the
grace we cancel the handlers before gRPC does. Both kinds end with DRAINING.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from chassis.rpc.errors import draining

_TICK_SECONDS: Final = 0.02
_QUIET_TICKS: Final = 5
_MOST_TICKS: Final = 100


class CallsInFlight:
    """The tasks of the running calls of one server, one task a call."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._cancelled: set[asyncio.Task[Any]] = set()
        self._is_refusing = False
        self._refused = 0

    def add(self, task: asyncio.Task[Any]) -> None:
        """Registers a call. Raises RpcError DRAINING if the server no longer takes new ones."""
        if self._is_refusing:
            self._refused += 1
            raise draining()
        self._tasks.add(task)

    def remove(self, task: asyncio.Task[Any]) -> None:
        """Unregisters a call that ended. It may never have been registered."""
        self._tasks.discard(task)
        self._cancelled.discard(task)

    def is_cancelled_by_us(self, task: asyncio.Task[Any]) -> bool:
        """Returns whether `cancel_all` cancelled the task, and not the client."""
        return task in self._cancelled

    def refuse_new(self) -> None:
        """Refuses every call that begins from now on."""
        self._is_refusing = True

    async def wait_until_none_is_refused(self) -> None:
        """Returns when no new call has come for 0.1 s, which means that gRPC's queue is empty.

        Returns after 2 s at the latest (longer if the loop is busy), because a client may go on.
        """
        quiet_ticks = 0
        for _ in range(_MOST_TICKS):
            before = self._refused
            # Several short waits: after one long one, a busy loop may not have looked at its
            # sockets.
            await asyncio.sleep(_TICK_SECONDS)
            quiet_ticks = quiet_ticks + 1 if self._refused == before else 0
            if quiet_ticks == _QUIET_TICKS:
                return

    def cancel_all(self) -> None:
        """Cancels the handlers of all running calls."""
        for task in self._tasks:
            self._cancelled.add(task)
            task.cancel()
