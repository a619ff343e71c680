"""Calls that a server runs now, so that a stopping server can end them with a reason.

gRPC has no such step. Its `stop` ends calls that wait in its queue (the event loop was busy) as
CANCELLED, which looks like a cancellation by the client, and calls that still run after the grace
as UNAVAILABLE without a reason. So we refuse new calls until the queue is empty, and after the
grace we cancel the handlers before gRPC does. Both kinds end with DRAINING.

A call that waits for its client gets less time than a call that works. Otherwise a client that is
dead or paused (it neither reads nor sends) would hold the stop for the whole grace.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, TypeAlias

from chassis.rpc.errors import draining

_TICK_SECONDS: Final = 0.02
_QUIET_TICKS: Final = 5
_MOST_TICKS: Final = 100
_LOOK_SECONDS: Final = 0.1


Call: TypeAlias = asyncio.Task[Any]


class CallsInFlight:
    """The tasks of the running calls of one server, one task a call."""

    def __init__(self) -> None:
        self._tasks: set[Call] = set()
        self._waiting: dict[object, tuple[Call, float]] = {}
        self._cancelled: set[Call] = set()
        self._ended = asyncio.Event()
        self._is_refusing = False
        self._refused = 0

    def add(self, task: Call) -> None:
        """Registers a call. Raises RpcError DRAINING if the server no longer takes new ones."""
        if self._is_refusing:
            self._refused += 1
            raise draining()
        self._tasks.add(task)

    def remove(self, task: Call) -> None:
        """Unregisters a call that ended. It may never have been registered."""
        self._tasks.discard(task)
        self._cancelled.discard(task)
        self._ended.set()

    @contextmanager
    def waiting_for_client(self, task: Call) -> Iterator[None]:
        """Marks the call as waiting for its client, to send a message or to read one."""
        key = object()
        self._waiting[key] = task, asyncio.get_running_loop().time()
        try:
            yield
        finally:
            del self._waiting[key]

    def is_cancelled_by_us(self, task: Call) -> bool:
        """Returns whether `finish` cancelled the task, and not the client."""
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

    async def finish(self, *, client_s: float, grace_s: float) -> None:
        """Waits until all calls have ended. Cancels those that take too long.

        `client_s`: seconds for which a call may wait for its client. `grace_s`: seconds for all
        calls.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        while self._tasks and loop.time() < began + grace_s:
            overdue = loop.time() - client_s
            for task, since in tuple(self._waiting.values()):
                if max(since, began) < overdue:
                    self._cancel(task)
            self._ended.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), _LOOK_SECONDS)
        for task in tuple(self._tasks):
            self._cancel(task)

    def _cancel(self, task: Call) -> None:
        if task in self._tasks:
            # From now on nobody waits for it: its DRAINING may not reach a client that does not
            # read. The stop of the server ends the connection.
            self._tasks.remove(task)
            self._cancelled.add(task)
            task.cancel()
