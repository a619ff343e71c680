"""The delta worker: a process beside the workers that calls functions on their index.

Re-screening uses it to compare parties with what a list version changes, which takes seconds and
must delay neither calls nor screenings.
"""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Awaitable, Callable
from typing import Any

from services.screening.shell import worker_protocol
from services.screening.shell.matcher import MatcherError
from services.screening.shell.process_connection import ProcessConnection
from services.screening.shell.worker_process import started


class DeltaWorker:
    """Runs one function after the other.

    The process is forked at the first call, and again if it is lost. `fork` returns the connection
    of a new process; `when_lost` is called if the process ends during a call.
    """

    def __init__(
        self, fork: Callable[[], Awaitable[ProcessConnection]], when_lost: Callable[[], None]
    ) -> None:
        self._fork, self._when_lost = fork, when_lost
        self._connection: ProcessConnection | None = None
        self._lock = asyncio.Lock()

    async def run(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        """Returns `function(index, *arguments)`. Raises MatcherError."""
        async with self._lock:
            reply = await self._call(worker_protocol.frame(pickle.dumps((function, arguments))))
        is_done, result = pickle.loads(reply)  # noqa: S301 - from our own process
        if not is_done:
            raise MatcherError(result)
        return result

    async def _call(self, request: bytes) -> bytes:
        try:
            connection = self._connection
            if connection is None or connection.is_lost:
                connection = self._connection = await self._fork()
                await started(connection)
            connection.send(request)
            # Shielded: a caller that is cancelled must not leave its reply to the next caller.
            return await asyncio.shield(connection.receive())
        except ConnectionError:
            self._when_lost()
            raise MatcherError("the process ended") from None
        except asyncio.CancelledError:
            self.close()
            raise

    def close(self) -> None:
        """Ends the process, if there is one."""
        if self._connection is not None:
            self._connection.close()
