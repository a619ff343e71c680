"""One worker process as the service sees it: it screens one party at a time."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from typing import Final

import structlog

from services.screening.shell.matcher import PARTY_SECONDS
from services.screening.shell.party_queue import PendingParty
from services.screening.shell.process_connection import ProcessConnection
from services.screening.shell.worker_protocol import (
    SCREEN_REPLY,
    WORKER_STARTED,
    ScreenReply,
    ScreenRequest,
    encode,
)

_LOG = structlog.get_logger("workers")
_HUNG_S: Final = 60.0
"""Wall time after which a worker is killed. Its budget counts CPU, and the machine may be busy."""


class WorkerProcess:
    """A connected worker.

    `when_done` is called with the worker and its reply, `when_lost` with the worker once its
    process is gone.
    """

    def __init__(
        self,
        connection: ProcessConnection,
        pid: int,
        when_done: Callable[[WorkerProcess, ScreenReply], None],
        when_lost: Callable[[WorkerProcess], None],
    ) -> None:
        self.pid = pid
        self.party: PendingParty | None = None
        self._connection, self._when_done, self._when_lost = connection, when_done, when_lost
        self._watchdog: asyncio.TimerHandle | None = None
        connection.when_received, connection.when_lost = self._received, self._lost

    def screen(self, party: PendingParty) -> None:
        """Sends a party to the worker, and kills the worker if it does not reply in time."""
        self.party = party
        self._watchdog = asyncio.get_running_loop().call_later(_HUNG_S, self._kill)
        self._connection.send(encode(ScreenRequest(party.query, PARTY_SECONDS)))

    def close(self) -> None:
        """Ends the process."""
        self._connection.close()

    def _received(self, body: bytes) -> None:
        self._stop_watchdog()
        self._when_done(self, SCREEN_REPLY.decode(body))

    def _lost(self) -> None:
        self._stop_watchdog()
        self._when_lost(self)

    def _kill(self) -> None:
        _LOG.error("worker hangs", pid=self.pid)
        os.kill(self.pid, signal.SIGKILL)

    def _stop_watchdog(self) -> None:
        if self._watchdog is not None:
            self._watchdog.cancel()
            self._watchdog = None


async def started(connection: ProcessConnection) -> int:
    """Waits until a process has started; returns its pid. Raises ConnectionError if it ended."""
    return WORKER_STARTED.decode(await connection.receive()).pid
