"""The matcher in processes: starts the index server, and the processes of each index version."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import weakref
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge

from chassis.settings import PREFIX
from services.screening.core.config import ScreeningConfig
from services.screening.core.model import Entry, PartyQuery, Screening
from services.screening.shell import index_server
from services.screening.shell.index_processes import IndexProcesses, send_order
from services.screening.shell.matcher import Caller, LoadedIndex

T = TypeVar("T")

_LOG = structlog.get_logger("workers")
_MOST_DEFAULT_WORKERS: Final = 4
_ONE_THREAD: Final = dict.fromkeys(
    ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "RAYON_NUM_THREADS"), "1"
)
"""Libraries that would start threads when they are imported.

A process with threads must not fork.
"""


def default_workers() -> int:
    """Returns one for each available core, at most 4: for more, another replica is better."""
    return min(len(os.sched_getaffinity(0)), _MOST_DEFAULT_WORKERS)


class WorkerPool:
    """A matcher with `count` workers for each loaded index.

    Call `start` early: the index server loads its tables for seconds.
    """

    def __init__(self, config: ScreeningConfig, count: int, registry: CollectorRegistry) -> None:
        self.count = count
        self._config = config
        self.exits = Counter(
            "safeconduct_screening_process_exits",
            "Screening processes that ended unexpectedly.",
            ["kind"],
            registry=registry,
        )
        self.workers = Gauge(
            "safeconduct_screening_workers", "Workers that are running.", registry=registry
        )
        self.queued = Gauge(
            "safeconduct_screening_queued_parties",
            "Parties that wait for a worker.",
            registry=registry,
        )
        self._process: subprocess.Popen[bytes] | None = None
        self._orders: socket.socket | None = None

    def start(self) -> None:
        """Starts the index server unless it runs."""
        if self._process is not None and self._orders is not None:
            # We look at its socket, not at its pid: a process that is dying has closed the socket
            # and still has a pid.
            if not _is_closed(self._orders):
                return
            self._orders.close()
            self.exits.labels("index_server").inc()
            _LOG.warning("index server ended", code=self._process.wait())
        self._orders, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", index_server.__name__, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env=_environment(),
            )

    def close(self) -> None:
        """Ends the index server and waits for it. Loaded indexes stay until nobody holds them."""
        if self._orders is not None and self._process is not None:
            self._orders.close()
            self._process.wait()
            self._orders = self._process = None

    async def load(self, entries: Sequence[Entry], list_version_id: str) -> LoadedIndex:
        """Returns the index of these entries once all its workers run. Raises MatcherError."""
        processes = IndexProcesses(self, self._config, tuple(entries), list_version_id)
        try:
            await processes.build()
        except BaseException:
            processes.close()
            raise
        return _IndexHandle(processes)

    def order_index_process(self) -> tuple[socket.socket, socket.socket]:
        """Returns the sockets (messages, orders) of a new index process. Raises OSError."""
        self.start()
        assert self._orders is not None, "the index server was started"
        messages, orders = send_order(self._orders, index_server.INDEX_PROCESS, 2)
        return messages, orders


class _IndexHandle:
    """A loaded index. When the last reference is gone, its processes end."""

    def __init__(self, processes: IndexProcesses) -> None:
        self._processes = processes
        self.list_version_id, self.entries = processes.list_version_id, processes.entries
        loop = asyncio.get_running_loop()
        weakref.finalize(self, _close, loop, processes).atexit = False

    async def screen(self, query: PartyQuery, caller: Caller) -> Screening:
        return await self._processes.screen(query, caller)

    async def run_function(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        assert not kwargs, "arguments go by position"
        result: T = await self._processes.run_function(function, args)
        return result


def _close(loop: asyncio.AbstractEventLoop, processes: IndexProcesses) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(processes.close)


def _environment() -> dict[str, str]:
    """Returns our environment without the settings, which hold the address of the database."""
    return {
        name: value for name, value in os.environ.items() if not name.startswith(PREFIX)
    } | _ONE_THREAD


def _is_closed(orders: socket.socket) -> bool:
    """Returns True if the other end is closed. The index server never sends anything."""
    try:
        return orders.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True
