"""The processes of one index version: the index process, its workers and its delta worker.

Lost processes are replaced. A party whose worker died goes to another worker once; a party that
ends two workers is UNDETERMINED, since a third attempt would cost a third worker.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from typing import Any, Final, Protocol

import structlog
from prometheus_client import Counter, Gauge

from services.screening.core.config import ScreeningConfig
from services.screening.core.matching.screening import undetermined
from services.screening.core.model import Entry, PartyQuery, Reason, Screening
from services.screening.shell import index_server
from services.screening.shell.delta_worker import DeltaWorker
from services.screening.shell.matcher import Caller, MatcherError
from services.screening.shell.party_queue import PartyQueue, PendingParty
from services.screening.shell.process_connection import ProcessConnection
from services.screening.shell.worker_process import WorkerProcess, started
from services.screening.shell.worker_protocol import INDEX_BUILT, BuildIndex, ScreenReply, encode

_LOG = structlog.get_logger("workers")
_ATTEMPTS: Final = 2
_NOTICED_S: Final = 0.02
"""A cause that killed one worker may have killed more; the loop learns of all within this time."""
_PAUSE_S: Final = 1.0
"""Pause between two replacements, so that a cause that kills all processes costs no core."""


class Pool(Protocol):
    """The parts of the pool that the processes of an index need: index server, size and metrics."""

    count: int
    exits: Counter
    workers: Gauge
    queued: Gauge

    def order_index_process(self) -> tuple[socket.socket, socket.socket]:
        """Returns the sockets (messages, orders) of a new index process. Raises OSError."""


class IndexProcesses:
    """Builds an index in its processes and screens parties with its workers. `close` ends them."""

    def __init__(
        self, pool: Pool, config: ScreeningConfig, entries: tuple[Entry, ...], list_version_id: str
    ) -> None:
        self.entries, self.list_version_id = entries, list_version_id
        self._pool, self._config = pool, config
        self._queue = PartyQueue(pool.count)
        self._workers: set[WorkerProcess] = set()
        self._idle: list[WorkerProcess] = []
        self._orders: socket.socket | None = None
        self._index: ProcessConnection | None = None
        self._delta_worker = DeltaWorker(
            lambda: self._fork(index_server.DELTA_WORKER), pool.exits.labels("delta_worker").inc
        )
        self._is_closed = False
        self._repair: asyncio.Task[None] | None = None
        self._filled_at = 0.0

    async def build(self) -> None:
        """Starts the index process, and the workers once the index is built.

        Raises MatcherError.
        """
        request = encode(BuildIndex(self.list_version_id, self.entries, self._config))
        for _ in range(_ATTEMPTS):  # the index server may die with our order unread
            try:
                messages, self._orders = self._pool.order_index_process()
                index = self._index = await ProcessConnection.open(messages)
                index.send(request)
                built = INDEX_BUILT.decode(await index.receive())
            except (ConnectionError, BrokenPipeError):
                continue
            if built.fault:
                raise MatcherError(built.fault)
            index.when_lost = self._index_lost
            await self._fill()
            return
        raise MatcherError("the process that built the index ended")

    async def screen(self, query: PartyQuery, caller: Caller) -> Screening:
        """Returns the screening of a party. Raises MatcherError."""
        party = PendingParty(query, caller, asyncio.get_running_loop().create_future())
        self._put(party)
        self._dispatch()
        return await party.result

    async def run_function(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        """Returns `function(index, *arguments)`, called in the delta worker.

        Raises MatcherError.
        """
        return await self._delta_worker.run(function, arguments)

    def close(self) -> None:
        """Ends all processes of the index."""
        self._is_closed = True
        if self._index is not None:
            self._index.close()
        self._delta_worker.close()
        for worker in self._workers:
            worker.close()
        if self._orders is not None:
            self._orders.close()
        if self._repair is not None:
            self._repair.cancel()

    def _put(self, party: PendingParty, *, is_first: bool = False) -> None:
        self._queue.put(party, is_first=is_first)
        self._pool.queued.inc()

    def _dispatch(self) -> None:
        """Gives queued parties to idle workers."""
        while self._idle:
            large = sum(each.party is not None and each.party.is_large for each in self._workers)
            party = self._queue.take(large)
            if party is None:
                return
            self._pool.queued.dec()
            if not party.result.done():  # else its caller was cancelled
                self._idle.pop().screen(party)

    def _done(self, worker: WorkerProcess, reply: ScreenReply) -> None:
        party, worker.party = worker.party, None
        self._idle.append(worker)
        if party is not None:
            self._queue.charge(party, reply.seconds)
            if not party.result.done():
                if reply.screening is not None:
                    party.result.set_result(reply.screening)
                else:
                    party.result.set_exception(MatcherError(reply.fault))
        self._dispatch()

    def _worker_lost(self, worker: WorkerProcess) -> None:
        self._workers.discard(worker)
        self._pool.workers.dec()
        if worker in self._idle:
            self._idle.remove(worker)
        party, worker.party = worker.party, None
        if party is not None:
            self._retry(party)
        if self._is_closed:
            return
        self._pool.exits.labels("worker").inc()
        _LOG.warning("worker ended", pid=worker.pid)
        self._start_repair()
        # Not at once: a party must not go to a worker that is dead and not yet noticed.
        asyncio.get_running_loop().call_later(_NOTICED_S, self._dispatch)

    def _retry(self, party: PendingParty) -> None:
        party.attempts += 1
        if party.attempts < _ATTEMPTS:
            self._put(party, is_first=True)
        elif not party.result.done():
            failed = undetermined(self._config, Reason.ENGINE_FAILED, self.list_version_id)
            party.result.set_result(failed)

    def _index_lost(self) -> None:
        """The index process is gone, and with it the means to fork workers. The workers go on."""
        if not self._is_closed:
            self._pool.exits.labels("index").inc()
            _LOG.warning("index process ended", list_version=self.list_version_id)
            if self._orders is not None:
                self._orders.close()
            self._orders = None
            self._start_repair()

    def _start_repair(self) -> None:
        if self._repair is None or self._repair.done():
            self._repair = asyncio.ensure_future(self._replace_lost())

    async def _replace_lost(self) -> None:
        """Starts processes until the index process and all workers are there again."""
        while self._orders is None or len(self._workers) < self._pool.count:
            await asyncio.sleep(max(0.0, self._filled_at + _PAUSE_S - time.monotonic()))
            try:
                if self._orders is None:
                    await self.build()
                else:
                    await self._fill()
            except (MatcherError, OSError) as error:
                _LOG.error("processes not replaced", why=type(error).__name__)
                self._filled_at = time.monotonic()

    async def _fill(self) -> None:
        self._filled_at = time.monotonic()
        for _ in range(self._pool.count - len(self._workers)):
            connection = await self._fork(index_server.WORKER)
            try:
                pid = await started(connection)
            except ConnectionError:
                raise MatcherError("a worker ended while it started") from None
            worker = WorkerProcess(connection, pid, self._done, self._worker_lost)
            self._workers.add(worker)
            self._pool.workers.inc()
            self._idle.append(worker)
            self._dispatch()

    async def _fork(self, order: bytes) -> ProcessConnection:
        if self._orders is None:
            raise MatcherError("the process that holds the index ended")
        (end,) = send_order(self._orders, order, 1)
        return await ProcessConnection.open(end)


def send_order(orders: socket.socket, order: bytes, count: int) -> tuple[Any, ...]:
    """Orders a new process; returns our ends of its `count` sockets.

    Raises OSError if nobody reads.
    """
    pairs = [socket.socketpair() for _ in range(count)]
    try:
        socket.send_fds(orders, [order], [theirs.fileno() for _, theirs in pairs])
    except BaseException:
        for ours, _ in pairs:
            ours.close()
        raise
    finally:
        for _, theirs in pairs:
            theirs.close()
    return tuple(ours for ours, _ in pairs)
