"""One run: stack, load, faults, recovery and checks; `build/faults.json` is the report."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import random
import shutil
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import asyncpg
from aiokafka.errors import KafkaError
from rich.console import Console
from rich.table import Table
from safeconduct import conduct
from safeconduct.channel import Credentials, Endpoints
from safeconduct.client import Client
from safeconduct.gate import Gate

from chassis.store.parked import UNKNOWN_TYPE
from infra.cache import CHECKOUT
from infra.local.processes import Command, Process, ProcessError
from infra.local.stack import SERVICES
from infra.progress import SILENT, Progress
from infra.scenario.examples import read_examples
from operations.parked.events import drop, read_parked, retry
from tests.faults import collect_evidence
from tests.faults.fault_injector import FaultInjector, ProcessExits
from tests.faults.fault_stack import FaultStack, fault_stack
from tests.faults.gates import ApplicationWatch, GatePolling, allowed_by_process
from tests.faults.injected_records import INJECTED_STREAMS
from tests.faults.invariants import Evidence, check
from tests.faults.scenario_load import Clients, Load, mixed
from tests.faults.schedule import Fault, Injection, schedule

PARTNERS: Final = ("example-1", "example-2")
GATES: Final = 2
"""Gates of each partner; each one connects to another replica first."""
SHORTEST_S: Final = 40.0
QUIET_S: Final = 3.0
DEADLINE_S: Final = 30.0
GATE_PROCESS: Final = "gate/example-1/gate-3"
"""The gate that has a process of its own."""
OLDER_BASE: Final = "a database from an older base is noticed, and no gate allows by it"
BASE_NOTICED_S: Final = 150.0
"""The longest lease of the examples, 60 s, and time to notice the older base."""
_UNBOUNDED: Final = 100_000


@dataclass(frozen=True, slots=True)
class RunOptions:
    """Options of a run."""

    seed: int
    applications: int
    nodes: int = 1
    rate: float = 10.0
    settle_s: float = 240.0
    """Time limit for scenarios and queues after recovery."""
    only: frozenset[Fault] | None = None
    """Injects only these kinds, to investigate one of them."""
    is_open_ended: bool = False
    """Ends the load when `during` is over, however many applications that takes."""

    @property
    def seconds(self) -> float:
        """Duration of the load."""
        return max(self.applications / self.rate, SHORTEST_S)


@dataclass(slots=True)
class Report:
    """Result of a run."""

    options: RunOptions
    faults: dict[str, int] = field(default_factory=dict)
    impossible: dict[str, str] = field(default_factory=dict)
    """Kinds that this machine or cluster does not allow, with the reason."""
    failed: dict[str, str] = field(default_factory=dict)
    """Kinds that were not injected although the machine allows them, with the reason."""
    checked: dict[str, list[str]] = field(default_factory=dict)
    measured: dict[str, Any] = field(default_factory=dict)

    @property
    def violations(self) -> list[str]:
        """All violations; a kind of fault that should have been injected and was not is one."""
        missing = [
            f"fault not injected: {name}: {self.failed.get(name, 'it was not scheduled')}"
            for name, count in self.faults.items()
            if not count
            and name not in self.impossible
            and (self.options.only is None or name in self.options.only)
        ]
        broken = [f"{name}: {text}" for name, found in self.checked.items() for text in found]
        return [*broken, *missing]

    def as_json(self) -> dict[str, Any]:
        """Returns the report as JSON values."""
        return {
            "seed": self.options.seed,
            "applications": self.options.applications,
            "nodes": self.options.nodes,
            "faults": self.faults,
            "impossible": self.impossible,
            "failed": self.failed,
            "invariants": {name: len(found) for name, found in self.checked.items()},
            "measured": self.measured,
            "violations": self.violations,
        }


During = Callable[[FaultStack, Callable[[str], None]], Awaitable[None]]
"""Runs beside the load, for instance to replace replicas. Reports progress by the function."""


async def _nothing_more(stack: FaultStack, report: Callable[[str], None]) -> None:
    """The default of `during`."""


def run(
    options: RunOptions,
    root: Path,
    console: Console,
    *,
    during: During = _nothing_more,
    prepare: Callable[[FaultStack], None] = lambda _: None,
    stack_type: type[FaultStack] = FaultStack,
) -> Report:
    """Executes a run on a stack below `root`, which is emptied first."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    shutil.rmtree(root, ignore_errors=True)
    process_exits = ProcessExits()
    logger = logging.getLogger("infra.local.processes")
    logger.addHandler(process_exits)
    logger.propagate = False

    progress = SILENT if console.quiet else Progress()
    try:
        with fault_stack(root, stack_type, nodes=options.nodes, progress=progress) as stack:
            prepare(stack)
            return asyncio.run(_Run(options, stack, console, process_exits, during).whole())
    finally:
        logger.removeHandler(process_exits)


class _Run:
    """A run in progress."""

    def __init__(
        self,
        options: RunOptions,
        stack: FaultStack,
        console: Console,
        process_exits: ProcessExits,
        during: During,
    ) -> None:
        self._options, self._stack, self._console = options, stack, console
        self._deaths, self._during = process_exits, during
        self._began = time.monotonic()
        self._over = float("inf")

    async def whole(self) -> Report:
        """Runs load, faults, recovery and checks."""
        examples, key = read_examples(self._stack.root)
        if self._returns_to_base:
            await asyncio.to_thread(self._stack.take_base)
        async with AsyncExitStack() as undo:
            client_sets = [await self._clients_of(partner, undo) for partner in PARTNERS]
            watches = [
                ApplicationWatch(await self._client(f"partner/{partner}", undo))
                for partner in PARTNERS
            ]
            gates = await self._gates(undo)
            load = Load(
                client_sets, examples, conduct.load_key(key), lambda: time.monotonic() > self._over
            )
            watch = GatePolling(gates, lambda: load.records, dict(examples))
            served = collect_evidence.Served(self._stack)
            gate = self._gate_process()
            gate.start()
            undo.callback(gate.stop)
            injector = FaultInjector(
                self._stack,
                random.Random(self._options.seed),
                watches,
                gate,
                client_sets[0].partner,
                examples["hospital-hosted-access"],
            )
            beside = [
                asyncio.ensure_future(work())
                for work in (*(f.run for f in watches), watch.run, served.run)
            ]
            undo.push_async_callback(_cancelled, beside)
            await asyncio.sleep(
                0.5
            )  # The watches start before the first application, so that they deliver every event.
            await self._loaded(load, injector)
            await self._settled(load, injector, watches, beside)
            await asyncio.to_thread(gate.stop)
            evidence = await self._evidence(load, injector, watch, served, watches)
            checked = check(evidence)
            if unfinished := [repr(task.exception()) for task in beside if task.done()]:
                checked["every watch of the run lasted"] = unfinished
            if self._returns_to_base:
                checked[OLDER_BASE] = await self._return_to_base(watch, load)
                injector.done[Fault.OLDER_BASE] += 1
            report = Report(self._options, *_counted(injector), checked)
            report.measured = _measured(self, load, injector, watch, watches, evidence)
            report.measured["writes_refused_by_the_full_disk"] = _times(
                self._stack.postgres.log, "No space left on device"
            )
        return report

    @property
    def _returns_to_base(self) -> bool:
        return self._options.only is None or Fault.OLDER_BASE in self._options.only

    async def _return_to_base(self, watch: GatePolling, load: Load) -> list[str]:
        """Gives PostgreSQL the files of the beginning; returns what did not notice it in time."""
        self._report("postgres starts from the base that was taken before the load")
        await asyncio.to_thread(self._stack.return_to_base)
        replicas = [each for each in self._stack.services if each.name == "enforcement"]
        licensed = [each for each in load.records if each.license_id]
        deadline = time.monotonic() + BASE_NOTICED_S
        while True:
            ready = [f"{each.name}-{each.replica}" for each in replicas if each.is_ready]
            allowed = [each for each in licensed if "ALLOWED" in watch.verdicts_of(each)]
            if not ready and not allowed:
                return []
            if time.monotonic() > deadline:
                return [f"{name} is still ready" for name in ready] + [
                    f"gates still allow {len(allowed)} licenses"
                ] * bool(allowed)
            await asyncio.sleep(1)

    async def _loaded(self, load: Load, injector: FaultInjector) -> None:
        options = self._options
        strokes = schedule(options.seed, options.seconds, options.nodes)
        if options.only is not None:
            strokes = tuple(injection for injection in strokes if injection.fault in options.only)
        rate = options.applications / options.seconds
        self._began = time.monotonic()
        self._report(
            f"{options.applications} applications at {rate:.1f}/s, {len(strokes)} faults"
            f" in {options.seconds:.0f} s"
        )
        count = _UNBOUNDED if options.is_open_ended else options.applications
        self._telling = asyncio.ensure_future(load.run(mixed(options.seed, count), rate))
        await asyncio.gather(
            self._during(self._stack, self._report),
            *(self._struck(injector, injection) for injection in strokes),
        )
        await self._inject_missing(injector, strokes)
        if options.is_open_ended:
            load.stop()
        else:
            await asyncio.sleep(max(0.0, self._began + options.seconds - time.monotonic()))

    async def _inject_missing(self, injector: FaultInjector, strokes: Sequence[Injection]) -> None:
        """Injects once more each kind that failed every time, while the load still goes on."""
        for injection in strokes:
            if not injector.done[injection.fault] and injection.fault in injector.failed:
                self._report(f"{injection.fault} {injection.target} again")
                await injector.inject(injection)

    async def _struck(self, injector: FaultInjector, injection: Injection) -> None:
        await asyncio.sleep(max(0.0, self._began + injection.at_s - time.monotonic()))
        self._report(
            f"{injection.fault} {injection.target}"
            + (f" for {injection.hold_s:.1f} s" if injection.hold_s else "")
        )
        await injector.inject(injection)

    async def _settled(
        self,
        load: Load,
        injector: FaultInjector,
        watches: Sequence[ApplicationWatch],
        beside: Sequence[asyncio.Future[None]],
    ) -> None:
        """Removes all faults; waits until scenarios and queues are idle or time is up."""
        injector.heal()
        await injector.replicate_partitions()
        self._over = time.monotonic() + self._options.settle_s
        self._report("healed; waiting until all is quiet")
        for service in self._stack.services:
            left = max(1.0, self._over - time.monotonic())
            with contextlib.suppress(ProcessError):  # its unfinished work shows in the invariants
                await asyncio.to_thread(service.wait_ready, left)
        # Scenarios may wait for parked events, and an event may be parked after the first look.
        await self._handle_parked()
        await asyncio.wait({self._telling}, timeout=self._options.settle_s)
        ended = sum(record.is_done for record in load.records)
        self._report(f"{ended} of {len(load.records)} scenarios ended")
        await self._handle_parked()
        last, since = None, time.monotonic()
        while time.monotonic() < self._over and time.monotonic() - since < QUIET_S:
            now = await self._waiting(watches)
            is_quiet = now is not None and now == last and not any(now[0].values())
            # A slow service may park an event after both looks.
            if not is_quiet or await self._drop_unknown_types():
                last, since = now, time.monotonic()
            await asyncio.sleep(0.5)
        self._telling.cancel()
        await asyncio.gather(self._telling, return_exceptions=True)
        self._report("quiet" if time.monotonic() < self._over else "not quiet in time")

    async def _handle_parked(self) -> None:
        """Does as an operator: drops the unknown types, and has all other parked events tried."""
        dropped = await self._drop_unknown_types()
        parked = await read_parked(self._databases)
        self._report(f"{dropped + len(parked)} events are parked")
        await retry(self._databases, [each.id for each in parked])

    async def _drop_unknown_types(self) -> int:
        """Drops the injected events of a type that no release knows; returns their number."""
        unknown = [
            each.id
            for each in await read_parked(self._databases)
            if str(each.event.stream_id).startswith(INJECTED_STREAMS)
            and each.event.reason == UNKNOWN_TYPE
        ]
        for name in unknown:
            await drop(self._databases, name, "faults", "no release knows this type")
        return len(unknown)

    @property
    def _databases(self) -> dict[str, str]:
        return {name: self._stack.database(name).operator_dsn for name in SERVICES}

    async def _waiting(
        self, watches: Sequence[ApplicationWatch]
    ) -> tuple[dict[str, int], int] | None:
        """Returns the waiting work and the deliveries so far; None if a part does not answer."""
        try:
            left = {name: await collect_evidence.outbox(self._stack, name) for name in SERVICES}
            left |= await collect_evidence.lag(self._stack.kafka.bootstrap)
            left |= {
                f"parked by {name}": await collect_evidence.parked_of_services(self._stack, name)
                for name in SERVICES
            }
        except (KafkaError, OSError, asyncpg.PostgresError, TimeoutError):
            return None
        return left, sum(len(published) for watch in watches for published in watch.seen.values())

    async def _evidence(
        self,
        load: Load,
        injector: FaultInjector,
        watch: GatePolling,
        served: collect_evidence.Served,
        watches: Sequence[ApplicationWatch],
    ) -> Evidence:
        stack, bootstrap = self._stack, self._stack.kafka.bootstrap
        found = {name: await collect_evidence.streams(stack, name) for name in SERVICES}
        read = await collect_evidence.topics(bootstrap)
        await asyncio.to_thread(served.look)
        return Evidence(
            records=tuple(load.records),
            streams=tuple(stream for name in SERVICES for stream in found[name][0]),
            screenings=collect_evidence.screenings(found["screening"][1]),
            published=collect_evidence.published(read),
            recalled=await collect_evidence.recalled(stack, read),
            outbox={
                f"outbox of {name}": await collect_evidence.outbox(stack, name) for name in SERVICES
            },
            lag=await collect_evidence.lag(bootstrap),
            dead_letters=collect_evidence.dead_letters(read),
            poisons=collect_evidence.poisons(read),
            parked=[
                each for name in SERVICES for each in await collect_evidence.parked(stack, name)
            ],
            refused=collect_evidence.refused(read),
            orders=await collect_evidence.orders(stack, found["enforcement"][0]),
            allowed=(*watch.allowed(), *allowed_by_process(GATE_PROCESS, self._allowed_file)),
            last_words={
                each.license_id: frozenset(watch.verdicts_of(each))
                for each in load.records
                if each.license_id
            },
            served=dict(served.counts),
            process_exits=tuple(self._deaths.all),
            injected_exits=tuple(injector.injected_exits),
            is_standing_topic_new=injector.done[Fault.TOPIC_RECREATED] > 0,
            followed={key: published for watch in watches for key, published in watch.seen.items()},
        )

    async def _clients_of(self, partner: str, undo: AsyncExitStack) -> Clients:
        return Clients(
            partner,
            await self._client(f"partner/{partner}", undo),
            await self._client(f"gate/{partner}/gate-1", undo),
            (
                await self._client("officer/licensing-1", undo),
                await self._client("officer/licensing-2", undo),
            ),
            (
                await self._client("officer/enforcement-1", undo),
                await self._client("officer/enforcement-2", undo),
            ),
        )

    @property
    def _allowed_file(self) -> Path:
        return self._stack.root / "gate-process.json"

    def _gate_process(self) -> Process:
        """Returns a gate of the first partner in a process of its own."""
        env = {**os.environ, **self._stack.client_env(GATE_PROCESS)}
        env["SAFECONDUCT_ENFORCEMENT"] = ",".join(self._stack.addresses("enforcement"))
        command = Command(
            argv=[sys.executable, "-m", "tests.faults.gate_process", str(self._allowed_file)],
            env=env,
            log=self._stack.root / "logs" / "gate-process.log",
            cwd=CHECKOUT,
        )
        return Process("gate-process", command)

    async def _client(self, principal: str, undo: AsyncExitStack) -> Client:
        endpoints = Endpoints(**{name: ",".join(self._stack.addresses(name)) for name in SERVICES})
        credentials = Credentials.from_env(self._stack.client_env(principal))
        return await undo.enter_async_context(Client(endpoints, credentials, deadline=DEADLINE_S))

    async def _gates(self, undo: AsyncExitStack) -> dict[str, tuple[str, Gate]]:
        gates: dict[str, tuple[str, Gate]] = {}
        for partner in PARTNERS:
            for number in range(GATES):
                addresses = self._stack.addresses("enforcement")
                turned = (
                    *addresses[number % len(addresses) :],
                    *addresses[: number % len(addresses)],
                )
                name = f"gate/{partner}/gate-{number + 1}"
                credentials = Credentials.from_env(self._stack.client_env(name))
                gates[name] = (
                    partner,
                    await undo.enter_async_context(Gate(turned, credentials, wall_clock=_later)),
                )
        for _, gate in gates.values():
            await gate.ready(60)
        return gates

    def _report(self, what: str) -> None:
        self._console.print(f"  {time.monotonic() - self._began:7.1f} s  {what}", highlight=False)

    @property
    def age(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self._began


def _counted(injector: FaultInjector) -> tuple[dict[str, int], dict[str, str], dict[str, str]]:
    return (
        {str(fault): injector.done[fault] for fault in Fault},
        {str(fault): why for fault, why in injector.impossible.items()},
        {str(fault): why for fault, why in injector.failed.items()},
    )


def _measured(
    run: _Run,
    load: Load,
    injector: FaultInjector,
    watch: GatePolling,
    watches: Sequence[ApplicationWatch],
    evidence: Evidence,
) -> dict[str, Any]:
    committed = {order.license_id: order.committed_ns for order in evidence.orders}
    late = [
        (each.last_ns - committed[each.license_id]) / 1e9
        for each in watch.allowed()
        if each.license_id in committed
    ]
    return {
        "seconds": round(run.age, 1),
        "passing_errors": dict(load.errors.most_common()),
        "records_sent_again": injector.copies,
        "records": len(evidence.published),
        "events": sum(len(stream.events) for stream in evidence.streams),
        "copies_on_topics": len(evidence.published)
        - len({each.event_id for each in evidence.published}),
        "dead_letters": len(evidence.dead_letters),
        "parked_events": len(evidence.parked),
        "gate_checks": watch.asked,
        "longest_allowed_after_order_s": round(max(late, default=0.0), 3),
        "orders": len(committed),
        "deaths": len(evidence.process_exits),
        "watches_behind": sum(watch.lost for watch in watches),
    }


def _times(log: Path, words: str) -> int:
    return log.read_text(encoding="utf-8", errors="replace").count(words)


def _later() -> datetime:
    """Returns the time in one hour: by then a license from a clock that was ahead is valid."""
    return datetime.now(UTC) + timedelta(hours=1)


async def _cancelled(tasks: Sequence[asyncio.Future[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def write(report: Report, file: Path) -> None:
    """Writes the report as JSON."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(
        json.dumps(report.as_json(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )


def show(report: Report, console: Console) -> None:
    """Prints two tables: injections and invariants."""
    faults = Table(
        "fault", "times", title=f"seed {report.options.seed}", title_justify="left", show_edge=False
    )
    whys = {**report.failed, **report.impossible}
    for name, count in report.faults.items():
        faults.add_row(name, f"{count}" if count or not (why := whys.get(name)) else f"0: {why}")
    console.print(faults)
    checked = Table("invariant", "violations", show_edge=False)
    for name, found in report.checked.items():
        checked.add_row(name, f"[red]{len(found)}[/]" if found else "0")
    console.print(checked)
    for text in report.violations[:40]:
        console.print(f"[red]![/] {text}", highlight=False, soft_wrap=True, markup=True)
    for name, value in report.measured.items():
        console.print(f"  {name}: {value}", highlight=False, soft_wrap=True)
