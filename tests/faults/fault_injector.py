"""Injects each kind of fault into the running stack, removes it, and counts the injections."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import asyncpg
from aiokafka.errors import KafkaError
from safeconduct.applications.v1 import model_pb2
from safeconduct.client import Client, SafeconductError

from chassis.rpc.validation import MAX_REQUEST_BYTES
from infra.local.processes import Process, ProcessError
from infra.local.service import THIS_RELEASE, Release, Service
from operations.parked.events import read_parked
from operations.parked.events import retry as retry_parked
from tests.faults import cluster_changes, injected_records
from tests.faults.fault_stack import FaultStack
from tests.faults.gates import ApplicationWatch
from tests.faults.injected_records import PARTITIONS
from tests.faults.largest_request import sized_request
from tests.faults.scenario_load import PASSING
from tests.faults.schedule import REPLICAS, Fault, Injection

WRONG_ORDER_EVENTS: Final = 2
"""Events that one injection of the wrong order parks."""
PATIENCE_S: Final = 60.0
"""Time limit for the precondition of an injection, for instance a broker that accepts a record."""
_RELAYS = """
select l.pid from pg_locks l join pg_database d on d.oid = l.database
 where l.locktype = 'advisory' and l.classid = 7002 and l.granted and d.datname = $1 order by l.pid
"""


class NotDoneError(Exception):
    """The fault could not be injected this time; the message is the reason."""


class NotPossibleError(NotDoneError):
    """This machine or this cluster does not allow the fault; the message is the reason."""


@dataclass(frozen=True, slots=True)
class InjectedExit:
    """An exit that an injection may cause: process, time window and the possible exit codes."""

    process: str
    since: float
    until: float
    exits: frozenset[int]


@dataclass(frozen=True, slots=True)
class ProcessExit:
    """The exit of a supervised process: time and exit code (negative: the signal)."""

    process: str
    at: float
    exit_code: int


class ProcessExits(logging.Handler):
    """Collects every exit after which the supervisor restarted a process."""

    def __init__(self) -> None:
        super().__init__()
        self.all: list[ProcessExit] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Stores the log line `<process> ended with <code> and is started again`."""
        if isinstance(record.args, tuple) and "is started again" in str(record.msg):
            name, code, *_ = record.args
            self.all.append(ProcessExit(str(name), time.monotonic(), int(str(code))))


@dataclass(slots=True)
class FaultInjector:
    """Injects faults into one stack. The method of a fault returns when the fault is over."""

    stack: FaultStack
    rng: random.Random
    watches: Sequence[ApplicationWatch]
    gate: Process
    """A gate in a process of its own."""
    client: Client
    """A partner."""
    details: model_pb2.ApplicationDetails
    """An application that is made larger."""
    done: Counter[Fault] = field(default_factory=Counter)
    impossible: dict[Fault, str] = field(default_factory=dict)
    """Faults that this machine or this cluster does not allow, with the reason."""
    failed: dict[Fault, str] = field(default_factory=dict)
    """Faults whose last injection failed, with the reason."""
    injected_exits: list[InjectedExit] = field(default_factory=list)
    copies: int = 0
    _moved: set[tuple[str, int]] = field(default_factory=set)
    """Partitions that lie on one node."""
    _replacing: dict[str, asyncio.Lock] = field(default_factory=dict)

    async def inject(self, injection: Injection) -> None:
        """Injects one fault and waits until it is over."""
        try:
            await self._methods()[injection.fault](injection)
        except NotPossibleError as error:
            self.impossible[injection.fault] = str(error)
        except NotDoneError as error:
            self.failed[injection.fault] = str(error)
        else:
            self.done[injection.fault] += 1

    def _methods(self) -> Mapping[Fault, Callable[[Injection], Awaitable[None]]]:
        return {
            Fault.SERVICE_SIGKILL: self._service_killed,
            Fault.SERVICE_SIGTERM: self._service_asked,
            Fault.SERVICE_SIGSTOP: self._service_stopped,
            Fault.SLOW_REPLICA: self._service_stopped,
            Fault.RELAY_CUT: self._relay_cut,
            Fault.RELAY_STALLED: self._relay_stalled,
            Fault.BROKER_SIGKILL: lambda injection: self._nodes_hit(injection, signal.SIGKILL),
            Fault.BROKER_SIGTERM: lambda injection: self._nodes_hit(injection, signal.SIGTERM),
            Fault.BROKER_SIGSTOP: self._nodes_stopped,
            Fault.CLUSTER_SIGKILL: lambda injection: self._nodes_hit(injection, signal.SIGKILL),
            Fault.CLUSTER_SIGTERM: lambda injection: self._nodes_hit(injection, signal.SIGTERM),
            Fault.CLUSTER_SIGSTOP: self._nodes_stopped,
            Fault.POSTGRES_SIGKILL: lambda _: self._postgres_hit(signal.SIGKILL),
            Fault.POSTGRES_RESTART: lambda _: self._postgres_hit(signal.SIGINT),
            Fault.POSTGRES_SIGSTOP: self._postgres_stopped,
            Fault.DUPLICATED: lambda _: self._sent_again(shuffled=False),
            Fault.REORDERED: lambda _: self._sent_again(shuffled=True),
            Fault.UNDECODABLE: lambda _: self._poisoned(injected_records.poison),
            Fault.FAILING: lambda _: self._poisoned(injected_records.failing),
            Fault.FULL_DISK: self._disk_filled,
            Fault.SLOW_WATCH: self._watch_slowed,
            Fault.CLOCK_JUMP: self._clock_moved,
            Fault.CLOCK_BACK: self._clock_moved,
            Fault.GATE_SIGSTOP: self._gate_stopped,
            Fault.REPLICA_WITHOUT_KAFKA: self._replica_cut_off,
            Fault.PARTITION_WITHOUT_LEADER: self._partition_without_leader,
            Fault.TOPIC_RECREATED: self._topic_recreated,
            Fault.MIXED_RELEASES: self._other_release,
            Fault.BROKEN_HANDLER: self._broken_handler,
            Fault.LARGEST_RECORD: self._largest_request,
            Fault.UNKNOWN_TYPE: lambda _: self._poisoned(injected_records.unknown_type),
            Fault.WRONG_ORDER: self._wrong_order,
        }

    def heal(self) -> None:
        """Removes every fault that may still be in force."""
        for service in self.stack.services:
            service.kill(signal.SIGCONT)
        for node in self.stack.kafka.nodes:
            self.stack.kafka.kill(node, signal.SIGCONT)
        for name in self.stack.service_names:
            self.stack.proxies.restore(self.stack.proxy_ports(name))
        self.gate.kill(signal.SIGCONT)
        _signal_all(_family(self.stack.postgres.pid), signal.SIGCONT)
        self._ballast.unlink(missing_ok=True)
        for name in self.stack.service_names:
            if not self.stack.clock_fault:
                self.stack.set_clock(name, 0)
        for watch in self.watches:
            watch.read_on()

    async def _service_killed(self, injection: Injection) -> None:
        service = self._service(injection.target)
        self._expect_exit(injection.target, 5, -signal.SIGKILL)
        await asyncio.to_thread(service.kill, signal.SIGKILL)

    async def _service_asked(self, injection: Injection) -> None:
        # A replica that is still importing has no signal handler and dies of the signal. A drain
        # takes up to 30 s.
        self._expect_exit(injection.target, 60, 0, -signal.SIGTERM)
        self._service(injection.target).kill(signal.SIGTERM)

    async def _service_stopped(self, injection: Injection) -> None:
        service = self._service(injection.target)
        service.kill(signal.SIGSTOP)
        await asyncio.sleep(injection.hold_s)
        service.kill(signal.SIGCONT)

    async def _relay_cut(self, injection: Injection) -> None:
        async def cut(pid: int, connection: asyncpg.Connection) -> None:
            await connection.execute("select pg_terminate_backend($1)", pid)

        await self._relay(injection.target, cut)

    async def _relay_stalled(self, injection: Injection) -> None:
        """Stops the relay's database session: the relay keeps its shards and gets no answer."""

        async def stall(pid: int, connection: asyncpg.Connection) -> None:
            if pid not in _family(self.stack.postgres.pid):
                raise NotDoneError("the session had just ended")
            os.kill(pid, signal.SIGSTOP)
            try:
                await asyncio.sleep(injection.hold_s)
            finally:
                if pid in _family(self.stack.postgres.pid) or _is_postgres(pid):
                    os.kill(pid, signal.SIGCONT)

        # While one session hangs, the server can neither stop nor start again.
        self._expect_exit("postgres", injection.hold_s + 20, 1)
        await self._relay(injection.target, stall)

    async def _relay(
        self, database: str, injector: Callable[[int, asyncpg.Connection], Awaitable[None]]
    ) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            with contextlib.suppress(
                OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError
            ):
                connection = await asyncpg.connect(
                    self.stack.postgres.dsn(), timeout=5, command_timeout=5
                )
                try:
                    found = [row["pid"] for row in await connection.fetch(_RELAYS, database)]
                    if found:
                        await injector(self.rng.choice(found), connection)
                        return
                finally:
                    connection.terminate()
            if time.monotonic() > deadline:
                raise NotDoneError(
                    f"no relay of {database} was connected within {PATIENCE_S:.0f} s"
                )
            await asyncio.sleep(0.2)

    async def _nodes_hit(self, injection: Injection, number: signal.Signals) -> None:
        for node in self._nodes(injection):
            # A restarted node may find its folder locked by its predecessor and exit again.
            self._expect_exit(f"kafka-{node}", 60, -number, 143, 1)
        await asyncio.gather(
            *(
                asyncio.to_thread(self.stack.kafka.kill, node, number)
                for node in self._nodes(injection)
            )
        )

    async def _nodes_stopped(self, injection: Injection) -> None:
        for node in self._nodes(injection):
            self.stack.kafka.kill(node, signal.SIGSTOP)
        await asyncio.sleep(injection.hold_s)
        for node in self._nodes(injection):
            self.stack.kafka.kill(node, signal.SIGCONT)

    def _nodes(self, injection: Injection) -> Sequence[int]:
        return (int(injection.target),) if injection.target else self.stack.kafka.nodes

    async def _postgres_hit(self, number: signal.Signals) -> None:
        self._expect_exit("postgres", 30, -number, 0, 1)
        await asyncio.to_thread(self.stack.postgres.kill, number)

    async def _postgres_stopped(self, injection: Injection) -> None:
        """Stops the whole server with every session."""
        stopped = _family(self.stack.postgres.pid)
        _signal_all(stopped, signal.SIGSTOP)
        await asyncio.sleep(injection.hold_s)
        _signal_all([pid for pid in stopped if _is_postgres(pid)], signal.SIGCONT)

    async def _sent_again(self, *, shuffled: bool) -> None:
        self.copies += await self._persistently(
            lambda: injected_records.send_again(
                self.stack.kafka.bootstrap, self.rng if shuffled else None
            )
        )

    async def _poisoned(self, put: Callable[[str, random.Random], Awaitable[None]]) -> None:
        await self._persistently(lambda: put(self.stack.kafka.bootstrap, self.rng))

    async def _persistently(
        self, work: Callable[[], Awaitable[injected_records.T]]
    ) -> injected_records.T:
        """Returns the result of `work`, retried until broker, database and service take it."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                return await work()
            except (KafkaError, OSError, asyncpg.PostgresError, SafeconductError) as error:
                if isinstance(error, SafeconductError) and error.code not in PASSING:
                    raise
                if time.monotonic() > deadline:
                    raise NotDoneError(f"it was not taken: {type(error).__name__}") from error
                await asyncio.sleep(0.5)

    async def _disk_filled(self, injection: Injection) -> None:
        if self.stack.disk_fault:
            raise NotPossibleError(self.stack.disk_fault)
        # Without space for its WAL, PostgreSQL stops and cannot start again before there is space.
        self._expect_exit("postgres", injection.hold_s + 30, -signal.SIGABRT, 0, 1)
        await asyncio.to_thread(self._fill)
        await asyncio.sleep(injection.hold_s)
        self._ballast.unlink(missing_ok=True)

    def _fill(self) -> None:
        block = bytes(1 << 20)
        with contextlib.suppress(OSError), self._ballast.open("wb", buffering=0) as ballast:
            while True:
                ballast.write(block)

    @property
    def _ballast(self) -> Path:
        return self.stack.disk / "ballast"

    async def _watch_slowed(self, injection: Injection) -> None:
        for watch in self.watches:
            watch.stop_reading()
        await asyncio.sleep(injection.hold_s)
        for watch in self.watches:
            watch.read_on()

    async def _clock_moved(self, injection: Injection) -> None:
        if self.stack.clock_fault:
            raise NotPossibleError(self.stack.clock_fault)
        process, seconds = injection.target.split()
        name = process.rpartition("-")[0]
        if injection.fault is Fault.CLOCK_BACK:
            # Forward first, so that timers fire, and then back over the same time.
            self.stack.set_clock(name, -int(seconds))
            await asyncio.sleep(injection.hold_s / 2)
        self.stack.set_clock(name, int(seconds))
        await asyncio.sleep(injection.hold_s)
        self.stack.set_clock(name, 0)

    async def _gate_stopped(self, injection: Injection) -> None:
        self.gate.kill(signal.SIGSTOP)
        try:
            await asyncio.sleep(injection.hold_s)
        finally:
            self.gate.kill(signal.SIGCONT)

    async def _replica_cut_off(self, injection: Injection) -> None:
        """Cuts the second replica of a service from the cluster; the database stays reachable."""
        ports = self.stack.proxy_ports(injection.target)
        self.stack.proxies.cut(ports)
        try:
            await asyncio.sleep(injection.hold_s)
        finally:
            self.stack.proxies.restore(ports)

    async def _partition_without_leader(self, injection: Injection) -> None:
        if len(self.stack.kafka.nodes) < 3:
            raise NotPossibleError("it needs three Kafka nodes: one that stops, two that go on")
        bootstrap, nodes = self.stack.kafka.bootstrap, self.stack.kafka.nodes
        topic, partition = self.rng.choice(injected_records.FACTS), self.rng.randrange(PARTITIONS)
        node = await self._persistently(
            lambda: cluster_changes.leader(bootstrap, topic, partition, nodes)
        )
        self._moved.add((topic, partition))
        try:
            await self._persistently(
                lambda: cluster_changes.place(bootstrap, topic, partition, [node])
            )
            self.stack.kafka.kill(node, signal.SIGSTOP)
            await asyncio.sleep(injection.hold_s)
        finally:
            self.stack.kafka.kill(node, signal.SIGCONT)
            await self.replicate_partitions()

    async def replicate_partitions(self) -> None:
        """Gives each moved partition its replicas on all nodes back."""
        bootstrap, nodes = self.stack.kafka.bootstrap, self.stack.kafka.nodes
        for topic, partition in tuple(self._moved):
            await self._persistently(
                lambda topic=topic, partition=partition: cluster_changes.place(
                    bootstrap, topic, partition, nodes
                )
            )
            self._moved.discard((topic, partition))

    async def _other_release(self, injection: Injection) -> None:
        if self.stack.other_release is None:
            raise NotPossibleError("the run was started without another release")
        await self._replaced(injection.target, self.stack.other_release, injection.hold_s)

    async def _broken_handler(self, injection: Injection) -> None:
        """Runs both replicas of applications with a handler that fails on every screening."""
        if self.stack.broken_release is None:
            raise NotPossibleError("the run was started without a broken release")
        broken = self.stack.broken_release
        await asyncio.gather(
            *(
                self._replaced(f"applications-{replica}", broken, injection.hold_s)
                for replica in range(1, REPLICAS + 1)
            )
        )

    async def _largest_request(self, _: Injection) -> None:
        """Submits a request of the largest size, and one that has one byte more."""
        fits = sized_request(self.details, MAX_REQUEST_BYTES)
        await self._persistently(
            lambda: self.client.applications.submit(fits.details, request_id=fits.request_id)
        )
        over = sized_request(self.details, MAX_REQUEST_BYTES + 1)
        try:
            await self._persistently(
                lambda: self.client.applications.submit(over.details, request_id=over.request_id)
            )
        except SafeconductError as error:
            if error.reason == "MESSAGE_TOO_LARGE":
                return
            raise NotDoneError(f"one byte more was refused as {error.reason}") from error
        raise NotDoneError("one byte more was accepted")

    async def _wrong_order(self, _: Injection) -> None:
        """Publishes a later event before an earlier one, and has both tried the later one first."""
        bootstrap = self.stack.kafka.bootstrap
        stream = await self._persistently(lambda: injected_records.wrong_order(bootstrap, self.rng))
        databases = {"applications": self.stack.database("applications").operator_dsn}

        async def retry() -> None:
            parked = [
                each.id for each in await read_parked(databases) if each.event.stream_id == stream
            ]
            if len(parked) < WRONG_ORDER_EVENTS:
                raise OSError("not parked yet")
            for name in reversed(parked):
                await retry_parked(databases, [name])

        await self._persistently(retry)

    async def _replaced(self, target: str, release: Release, hold_s: float) -> None:
        """Runs a replica of another release for a while, and then this one's again."""
        service = self._service(target)
        lock = self._replacing.setdefault(target, asyncio.Lock())
        async with lock:
            self._expect_exit(target, hold_s + 2 * PATIENCE_S, 0, -signal.SIGTERM)
            try:
                await asyncio.to_thread(_replace, service, release)
                await asyncio.sleep(hold_s)
            finally:
                await asyncio.to_thread(_replace, service, THIS_RELEASE)

    async def _topic_recreated(self, _: Injection) -> None:
        await self._persistently(
            lambda: cluster_changes.recreate(
                self.stack.kafka.bootstrap, injected_records.STANDING, self.stack.kafka.replication
            )
        )

    def _service(self, target: str) -> Service:
        name, _, replica = target.rpartition("-")
        return self.stack.service(name, int(replica))

    def _expect_exit(self, process: str, seconds: float, *exits: int) -> None:
        now = time.monotonic()
        self.injected_exits.append(InjectedExit(process, now, now + seconds, frozenset(exits)))


def _replace(service: Service, release: Release) -> None:
    # It need not become ready: another fault may keep it from that, and a broken one never is.
    with contextlib.suppress(ProcessError):
        service.restart(release, seconds=PATIENCE_S / 2)


def _family(pid: int | None) -> list[int]:
    """Returns the process id and those of its children, the process first."""
    if pid is None:
        return []
    with contextlib.suppress(OSError):
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
        return [pid, *map(int, children)]
    return []


def _signal_all(pids: Sequence[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _is_postgres(pid: int) -> bool:
    """Returns whether the process id still belongs to PostgreSQL; the kernel reuses ids."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text(encoding="ascii").strip() == "postgres"
    return False
