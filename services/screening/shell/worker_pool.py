"""The engine in processes of its own: starts the foundry, shares parties among workers, replaces who died.

A worker has one party at a time, so that what waits can still go to whoever is free first; see `turns` for who is next.
Large parties never have the last worker: behind them nobody would be answered for half a second.
A party whose worker died is given to another one once; a party that ends two workers is answered UNDETERMINED.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import socket
import subprocess
import sys
import time
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar, cast

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge

from chassis.settings import PREFIX
from services.screening.core.config import ScreeningConfig
from services.screening.core.matching.screening import undetermined
from services.screening.core.model import Entry, PartyQuery, Reason, Screening
from services.screening.shell import index_server, worker_protocol
from services.screening.shell.fair_queue import FairQueue
from services.screening.shell.matcher import PARTY_SECONDS, Asker, Loaded, MatcherError

T = TypeVar("T")

_LOG = structlog.get_logger("workers")
_HUNG_S: Final = 60.0
"""Wall time after which a worker does not come back: its budget counts CPU, and the machine may be busy."""
_ATTEMPTS: Final = 2
_LARGE: Final = 1_000
"""Characters of all names of a party from which it is large: some ten times a usual party's cost and more."""
_NOTICED_S: Final = 0.02
_CALM_S: Final = 1.0
"""Between two replacements of one generation's workers: whatever kills them must not keep a core busy."""


def default_workers() -> int:
    """One for each core that we may use, at most 4: more than that want a replica more."""
    return min(len(os.sched_getaffinity(0)), 4)


@dataclass(slots=True, eq=False)
class _Asked:
    """A party on its way."""

    query: PartyQuery
    asker: Asker
    answer: asyncio.Future[Screening]
    is_large: bool
    attempts: int = 0


class WorkerPool:
    """An engine of `count` worker processes. `start` it early: the tables of names take seconds."""

    def __init__(self, config: ScreeningConfig, count: int, registry: CollectorRegistry) -> None:
        self._config, self._count = config, count
        self.deaths = Counter(
            "safeconduct_screening_process_exits",
            "Processes of the engine that ended unasked.",
            ["kind"],
            registry=registry,
        )
        self.working = Gauge(
            "safeconduct_screening_workers", "Workers that screen.", registry=registry
        )
        self.waiting = Gauge(
            "safeconduct_screening_queued_parties",
            "Parties that wait for a worker.",
            registry=registry,
        )
        self._process: subprocess.Popen[bytes] | None = None
        self._orders: socket.socket | None = None

    def start(self) -> None:
        """Starts the foundry unless it runs."""
        if self._process is not None and self._orders is not None:
            # Its socket, not its pid: between the two is a moment in which nobody reads and the process still counts.
            if not _is_closed(self._orders):
                return
            self._orders.close()
            self.deaths.labels("foundry").inc()
            _LOG.warning("foundry ended", code=self._process.wait())
        self._orders, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", index_server.__name__, str(theirs.fileno())],
                pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, env=_environment(),
            )  # fmt: skip

    def close(self) -> None:
        """Lets the foundry go, and waits until it has. Generations go when nobody holds them."""
        if self._orders is not None and self._process is not None:
            self._orders.close()
            self._process.wait()
            self._orders = self._process = None

    async def load(self, entries: Sequence[Entry], list_version_id: str) -> Loaded:
        """The index of these entries with all its workers."""
        crew = _Crew(self, self._config, tuple(entries), list_version_id)
        try:
            await crew.build()
            await crew.whole.wait()
        except BaseException:
            crew.retire()
            raise
        return _Apart(crew)

    @property
    def count(self) -> int:
        """Workers of each generation."""
        return self._count

    def order_generation(self) -> tuple[socket.socket, socket.socket]:
        """Sockets (messages, orders) of a new process that waits for what to build."""
        self.start()
        assert self._orders is not None, "the foundry was started"
        return _ordered(self._orders, index_server.GENERATION, 2)


_ONE_THREAD: Final = dict.fromkeys(
    ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "RAYON_NUM_THREADS"), "1"
)
"""Libraries that would start threads when they are imported."""


def _environment() -> dict[str, str]:
    """Ours without the settings: where the database is and who may use it is not for those who only compare names."""
    return {
        name: value for name, value in os.environ.items() if not name.startswith(PREFIX)
    } | _ONE_THREAD


def _is_closed(orders: socket.socket) -> bool:
    """Whether nobody has the other end any more. Nothing is ever said over it."""
    try:
        return orders.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True


def _ordered(orders: socket.socket, what: bytes, count: int) -> tuple[Any, ...]:
    """Our ends of `count` sockets whose other ends a new process has. Raises OSError when nobody takes the order."""
    pairs = [socket.socketpair() for _ in range(count)]
    try:
        socket.send_fds(orders, [what], [theirs.fileno() for _, theirs in pairs])
    except BaseException:
        for ours, _ in pairs:
            ours.close()
        raise
    finally:
        for _, theirs in pairs:
            theirs.close()
    return tuple(ours for ours, _ in pairs)


class _Apart:
    """The handle of a generation: when nobody holds it any more, its processes end."""

    def __init__(self, crew: _Crew) -> None:
        self._crew = crew
        self.list_version_id, self.entries = crew.list_version_id, crew.entries
        loop = asyncio.get_running_loop()
        weakref.finalize(self, _retire, loop, crew).atexit = False

    async def screen(self, query: PartyQuery, asker: Asker) -> Screening:
        return await self._crew.screen(query, asker)

    async def apart(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        assert not kwargs, "arguments go by position"
        answer: T = await self._crew.apart(function, args)
        return answer


def _retire(loop: asyncio.AbstractEventLoop, crew: _Crew) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(crew.retire)


class _Crew:
    """The processes of one generation and what waits for them."""

    def __init__(
        self,
        engine: WorkerPool,
        config: ScreeningConfig,
        entries: tuple[Entry, ...],
        list_version_id: str,
    ) -> None:
        self.entries, self.list_version_id = entries, list_version_id
        self.whole = asyncio.Event()
        self._engine, self._config = engine, config
        self._usual: FairQueue[_Asked] = FairQueue()
        self._large: FairQueue[_Asked] = FairQueue()
        self._workers: set[_Worker] = set()
        self._idle: list[_Worker] = []
        self._orders: socket.socket | None = None
        self._messages: _Line | None = None
        self._clerk: _Line | None = None
        self._at_clerk = asyncio.Lock()
        self._is_retired = False
        self._mending: asyncio.Task[None] | None = None
        self._filled_at = 0.0

    async def build(self) -> None:
        """A process that holds the index, and its workers. Raises MatcherError."""
        cast = worker_protocol.frame(
            worker_protocol.Cast(self.list_version_id, self.entries, self._config)
        )
        for _ in range(_ATTEMPTS):  # the foundry may end with our order unread
            try:
                messages, self._orders = self._engine.order_generation()
                line = self._messages = await _Line.over(messages)
                line.send(cast)
                ready = worker_protocol.READY.decode(await line.receive())
            except (ConnectionError, BrokenPipeError):
                continue
            if ready.fault:
                raise MatcherError(ready.fault)
            line.when_lost = self._lost
            await self._fill()
            return
        raise MatcherError("the process that built the index ended")

    async def screen(self, query: PartyQuery, asker: Asker) -> Screening:
        is_large = sum(map(len, query.names)) >= _LARGE
        asked = _Asked(query, asker, asyncio.get_running_loop().create_future(), is_large)
        self._put(asked)
        self._pump()
        return await asked.answer

    async def apart(self, function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        async with self._at_clerk:
            clerk = self._clerk
            if clerk is None or clerk.is_lost:
                (ours,) = self._order(index_server.CLERK)
                clerk = self._clerk = await _Line.over(ours)
                await clerk.receive()
            clerk.send(worker_protocol.framed(pickle.dumps((function, args))))
            try:
                # Shielded: whoever gives up must not leave an answer for the next one.
                is_well, said = pickle.loads(await asyncio.shield(clerk.receive()))  # noqa: S301 - our own process
            except ConnectionError:
                self._engine.deaths.labels("clerk").inc()
                raise MatcherError("the process ended") from None
            except asyncio.CancelledError:
                clerk.close()
                raise
        if not is_well:
            raise MatcherError(said)
        return said

    def retire(self) -> None:
        """Ends all processes of the generation."""
        self._is_retired = True
        for line in (self._messages, self._clerk, *(worker.line for worker in self._workers)):
            if line is not None:
                line.close()
        if self._orders is not None:
            self._orders.close()
        if self._mending is not None:
            self._mending.cancel()

    def answered(self, worker: _Worker, answer: worker_protocol.Answer) -> None:
        """A worker is done."""
        asked = worker.asked
        worker.asked = None
        self._idle.append(worker)
        if asked is not None:
            self._turns_of(asked).charge(asked.asker.caller, answer.seconds)
            if not asked.answer.done():
                if answer.screening is not None:
                    asked.answer.set_result(answer.screening)
                else:
                    asked.answer.set_exception(MatcherError(answer.fault))
        self._pump()

    def died(self, worker: _Worker) -> None:
        """A worker is gone; another one takes its place, and its party."""
        self._workers.discard(worker)
        self._engine.working.dec()
        if worker in self._idle:
            self._idle.remove(worker)
        asked, worker.asked = worker.asked, None
        if asked is not None:
            asked.attempts += 1
            if asked.attempts < _ATTEMPTS:
                self._put(asked, is_first=True)
            elif not asked.answer.done():
                failed = undetermined(self._config, Reason.ENGINE_FAILED, self.list_version_id)
                asked.answer.set_result(failed)
        if self._is_retired:
            return
        self._engine.deaths.labels("worker").inc()
        _LOG.warning("worker ended", pid=worker.pid)
        self._mend()
        # Not at once: what ended one may have ended others, who would be given a party before that is noticed.
        asyncio.get_running_loop().call_later(_NOTICED_S, self._pump)

    def _lost(self) -> None:
        """The process that could fork workers is gone. The workers are not."""
        if not self._is_retired:
            self._engine.deaths.labels("generation").inc()
            _LOG.warning("generation ended", list_version=self.list_version_id)
            if self._orders is not None:
                self._orders.close()
            self._orders = None
            self._mend()

    def _mend(self) -> None:
        if self._mending is None or self._mending.done():
            self._mending = asyncio.ensure_future(self._mended())

    async def _mended(self) -> None:
        """Until all are there again."""
        while self._orders is None or len(self._workers) < self._engine.count:
            await asyncio.sleep(max(0.0, self._filled_at + _CALM_S - time.monotonic()))
            try:
                if self._orders is None:
                    await self.build()
                else:
                    await self._fill()
            except (MatcherError, OSError) as error:
                _LOG.error("not mended", why=type(error).__name__)
                self._filled_at = time.monotonic()

    async def _fill(self) -> None:
        self._filled_at = time.monotonic()
        for _ in range(self._engine.count - len(self._workers)):
            (ours,) = self._order(index_server.WORKER)
            line = await _Line.over(ours)
            try:
                hello = worker_protocol.HELLO.decode(await line.receive())
            except ConnectionError:
                raise MatcherError("a worker ended before it began") from None
            worker = _Worker(self, line, hello.pid)
            self._workers.add(worker)
            self._engine.working.inc()
            self._idle.append(worker)
            self._pump()
        self.whole.set()

    def _order(self, what: bytes) -> tuple[socket.socket, ...]:
        if self._orders is None:
            raise MatcherError("the process that holds the index ended")
        return _ordered(self._orders, what, 1)

    def _pump(self) -> None:
        """Gives what waits to who is free."""
        while self._idle and (turns := self._next()) is not None:
            asked = turns.take()
            self._engine.waiting.dec()
            if not asked.answer.done():
                self._idle.pop().give(asked)

    def _next(self) -> FairQueue[_Asked] | None:
        """Large parties have one worker for sure, and all but one at most."""
        large = sum(worker.asked is not None and worker.asked.is_large for worker in self._workers)
        if self._large and (not large or (not self._usual and large < self._engine.count - 1)):
            return self._large
        return self._usual or None

    def _put(self, asked: _Asked, *, is_first: bool = False) -> None:
        self._turns_of(asked).put(asked.asker.caller, asked.asker.stream, asked, is_first=is_first)
        self._engine.waiting.inc()

    def _turns_of(self, asked: _Asked) -> FairQueue[_Asked]:
        return self._large if asked.is_large else self._usual


class _Worker:
    """A worker process as its crew sees it."""

    def __init__(self, crew: _Crew, line: _Line, pid: int) -> None:
        self.line, self.pid = line, pid
        self.asked: _Asked | None = None
        self._crew = crew
        self._patience: asyncio.TimerHandle | None = None
        line.when_received, line.when_lost = self._received, self._lost

    def give(self, asked: _Asked) -> None:
        """A party to screen."""
        self.asked = asked
        self._patience = asyncio.get_running_loop().call_later(_HUNG_S, self._kill)
        self.line.send(worker_protocol.frame(worker_protocol.Ask(asked.query, PARTY_SECONDS)))

    def _received(self, body: bytes) -> None:
        self._calm()
        self._crew.answered(self, worker_protocol.ANSWER.decode(body))

    def _lost(self) -> None:
        self._calm()
        self._crew.died(self)

    def _kill(self) -> None:
        _LOG.error("worker hangs", pid=self.pid)
        os.kill(self.pid, signal.SIGKILL)

    def _calm(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None


class _Line(asyncio.Protocol):
    """Frames to and from one process."""

    def __init__(self) -> None:
        self.is_lost = False
        self.when_received: Callable[[bytes], None] = self._keep
        self.when_lost: Callable[[], None] = lambda: None
        self._frames = worker_protocol.Frames()
        self._kept: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._transport: asyncio.Transport | None = None

    @classmethod
    async def over(cls, ours: socket.socket) -> _Line:
        """The line over our end of a socket."""
        _, line = await asyncio.get_running_loop().create_unix_connection(cls, sock=ours)
        return line

    def send(self, data: bytes) -> None:
        """Sends a frame; to a process that is gone, nothing."""
        if self._transport is not None and not self.is_lost:
            self._transport.write(data)

    async def receive(self) -> bytes:
        """The next frame, as long as nobody else takes them. Raises ConnectionError when the process is gone."""
        body = None if self.is_lost and self._kept.empty() else await self._kept.get()
        if body is None:
            raise ConnectionResetError
        return body

    def close(self) -> None:
        """The process is not needed any more."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by its class

    def data_received(self, data: bytes) -> None:
        for body in self._frames.add(data):
            self.when_received(body)

    def connection_lost(self, error: Exception | None) -> None:
        self.is_lost = True
        self._kept.put_nowait(None)
        self.when_lost()

    def _keep(self, body: bytes) -> None:
        self._kept.put_nowait(body)
