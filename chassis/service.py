"""Builds and runs a service: settings, adapters, tasks, and an orderly stop.

Each service's `__main__` calls `main`. A service starts without its database and its broker and
waits for them; health reports meanwhile why it is not ready. If a background task ends by itself,
the process drains and exits with 1, and its supervisor starts it again. SIGTERM drains and exits
with 0.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

import asyncpg
import structlog
import uvloop

from chassis.rpc.listen_addresses import require_usable
from chassis.rpc.page_tokens import PageTokens, read_keys
from chassis.rpc.server import Registration, RpcServer
from chassis.rpc.validation import Sentences
from chassis.settings import (
    PREFIX,
    MigrationSettings,
    ServiceSettings,
    load,
    old_names_in_use,
    unknown_in_use,
)
from chassis.start_fault import StartFault
from chassis.store.connections import ConnectionPool
from chassis.store.journal import Journal
from chassis.store.outbox import EVENT_OUTBOX, Outbox
from chassis.store.parked import ParkedEvents
from chassis.store.rebuild import FIRST, rebuild
from chassis.store.storage_check import (
    Revisions,
    StorageCheck,
    find_migration_fault,
    require_database,
)
from chassis.store.stream import EventTable, Stream
from chassis.streams.broker_check import report_broker_faults
from chassis.streams.consumer import Consumer
from chassis.streams.dead_letters import DeadLetterWriter
from chassis.streams.envelope import Handler
from chassis.streams.event_processor import EventProcessor, events_of, sources_of
from chassis.streams.outbox_record import Route
from chassis.streams.relay import Relay
from chassis.streams.relay_metrics import RelayMetrics
from chassis.telemetry.logging import report_unhandled
from chassis.telemetry.tracing import Telemetry, setup
from chassis.transport.brokers import client_options
from chassis.transport.renewed_tls import RenewedContext

_LOG = structlog.get_logger("service")
# With the defaults of the drain, a process ends within the 30 s that Kubernetes allows.
_TASK_END_SECONDS: Final = 8.0

T = TypeVar("T", bound=ServiceSettings)


@dataclass(frozen=True, slots=True)
class Runtime(Generic[T]):
    """The adapters from which a service is built."""

    settings: T
    telemetry: Telemetry
    pool: asyncpg.Pool
    page_tokens: PageTokens
    commit_listeners: list[Callable[[], None]] = field(default_factory=list)
    """Functions that are called after each commit, e.g. to wake a reader of the event table."""

    def journal(
        self, stream: Stream[Any, Any], event_table: EventTable[Any, Any] | None = None
    ) -> Journal[Any, Any]:
        """Returns the journal for this kind of stream."""
        return Journal(
            self.pool, stream, self.telemetry, self.notify_commit, event_table=event_table
        )

    def notify_commit(self) -> None:
        """Calls all commit listeners."""
        for listener in self.commit_listeners:
            listener()


@dataclass(frozen=True, slots=True)
class Service:
    """A built service: gRPC methods, event handlers, publication and background tasks."""

    registrations: Sequence[Registration]
    handlers: Mapping[str, Handler]
    """Handlers of consumed events, by topic."""
    route: Route
    """Returns topic and key of an event that is published."""
    package: str
    """Proto package of the published events."""
    separate_outboxes: Sequence[Outbox] = ()
    """The outboxes of `Stream.separate_outbox`, each with a relay of its own."""
    background_tasks: Sequence[Callable[[], Awaitable[None]]] = ()
    not_ready_reason: Callable[[], str | None] = lambda: None
    """Returns None if the service is ready, else the reason why not."""
    not_live_reason: Callable[[], str | None] = lambda: None
    """Returns None, or the reason why only a new start of the process may help."""
    before_consuming: Callable[[], Awaitable[None]] | None = None
    """Runs before the first event is consumed, for instance to load a list."""
    sentences: Sentences = field(default_factory=dict)
    """Sentences for rules of the contract that need this service's data (see `rpc.validation`)."""


Build = Callable[[Runtime[Any]], Service]


def main(
    name: str,
    settings: type[ServiceSettings],
    build: Build,
    migrations: Path,
    streams: Sequence[Stream[Any, Any]],
) -> None:
    """Runs the command of a service: `serve`, `migrate` or `rebuild`. Ends the process."""
    parser = argparse.ArgumentParser(
        prog=f"python -m services.{name}",
        description=f"The {name} service. Settings are environment variables (SAFECONDUCT_...). "
        "Missing or invalid ones are all reported at once.",
        epilog=f"example: python -m services.{name} serve",
    )
    parser.add_argument(
        "command",
        choices=["serve", "migrate", "rebuild"],
        help="run the service; apply its migrations; or fold all its streams again from their"
        " events, compare the rows of this release and rewrite those of older ones",
    )
    parser.add_argument(
        "--after", type=UUID, default=FIRST, metavar="ID", help="rebuild: continue behind this id"
    )
    arguments = parser.parse_args()
    if arguments.command != "serve":
        try:
            if arguments.command == "migrate":
                sys.exit(_migrate(migrations))
            sys.exit(asyncio.run(_rebuild(Revisions.read(migrations), streams, arguments.after)))
        except StartFault as fault:
            print(fault, file=sys.stderr)
            sys.exit(fault.exit_code)
    given = load(settings, MigrationSettings)
    otlp_endpoint = str(given.otlp_endpoint) if given.otlp_endpoint else None
    telemetry = setup(name, version("safeconduct-services"), otlp_endpoint, given.log_level)
    for each in old_names_in_use(settings):
        _LOG.warning("setting_renamed", old=each.old, new=each.new, detail=each.warning)
    for unknown in unknown_in_use(settings, MigrationSettings):
        _LOG.warning("setting_unknown", name=unknown.name, detail=unknown.text)
    if given.partners_file is None:
        _LOG.warning(
            "partners_file_missing",
            detail="SAFECONDUCT_PARTNERS_FILE is not set: every partner with a certificate of the"
            " trust domain may call; the next release will not start without it",
        )
    code = 1
    try:
        # The runner is never closed. Closing waits for every task, and a consumer whose handler is
        # stuck swallows its cancellation.
        code = asyncio.Runner(loop_factory=uvloop.new_event_loop).run(
            _serve(name, given, telemetry, build, Revisions.read(migrations))
        )
    except StartFault as fault:
        code = fault.report()
    except Exception:  # noqa: BLE001 - os._exit leaves no time for the interpreter's own report
        _LOG.critical("the service could not start", exc_info=True)
    finally:
        telemetry.flush()
        sys.stdout.flush()
        # Threads of the consumer may outlive their loop. There is nothing left to save.
        os._exit(code)


def _migrate(migrations: Path) -> int:
    # Only this command needs Alembic. The image of a service leaves it out.
    from chassis.store.migrations import migrate

    given = load(MigrationSettings)
    asyncio.run(_require_owner(given))
    applied = migrate(
        str(given.database_owner_url), given.database_app_role, migrations, given.database_tls
    )
    print(
        f"applied {len(applied)} migration(s)" + "".join(f"\n  {revision}" for revision in applied)
    )
    return 0


async def _require_owner(settings: MigrationSettings) -> None:
    tls = settings.database_tls
    connect = partial(
        asyncpg.connect,
        str(settings.database_owner_url),
        ssl=RenewedContext(tls) if tls else None,
        timeout=10,
    )
    await require_database(connect, f"{PREFIX}DATABASE_OWNER_URL")


async def _rebuild(revisions: Revisions, streams: Sequence[Stream[Any, Any]], after: UUID) -> int:
    """Returns the exit code: 1 if a row is not as its events fold, or nothing could be done."""
    given = load(MigrationSettings)
    await _require_owner(given)
    tls = given.database_tls
    connection = await asyncpg.connect(
        str(given.database_owner_url), ssl=RenewedContext(tls) if tls else None
    )
    try:
        fault = await find_migration_fault(connection, revisions)
        if fault is not None:
            print(fault)
            return 1
        report = await rebuild(connection, streams, after, partial(print, flush=True))
    finally:
        await connection.close()
    print(
        f"{report.streams} streams: {report.equal} equal, {report.rewritten} rewritten, "
        f"{report.changed} changed meanwhile, {report.newer} of a later release, "
        f"{len(report.differences)} different"
    )
    return 1 if report.differences else 0


async def _serve(
    name: str,
    settings: ServiceSettings,
    telemetry: Telemetry,
    build: Build,
    revisions: Revisions,
) -> int:
    """Runs until SIGTERM, SIGINT or the end of a background task. Returns the exit code."""
    asyncio.get_running_loop().set_exception_handler(report_unhandled)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    require_usable(settings.listen_addresses)
    database_url = str(settings.database_url)
    tls = settings.database_tls
    database_tls = RenewedContext(tls) if tls else None
    brokers = settings.kafka
    pool = await ConnectionPool(database_url, ssl=database_tls, timeout=5, command_timeout=5)
    page_tokens = PageTokens(read_keys(settings.page_token_keys_file.read_bytes()))
    runtime = Runtime(settings, telemetry, pool, page_tokens)
    service = build(runtime)
    connect = partial(
        asyncpg.connect,
        database_url,
        ssl=database_tls,
        timeout=5,
        command_timeout=5,
        statement_cache_size=0,
    )
    storage = StorageCheck(pool, revisions, connect)
    group = f"safeconduct.{name}"
    relay_metrics = RelayMetrics(telemetry.registry)
    relays = [
        Relay(
            database_url,
            brokers,
            f"/{name}",
            service.package,
            service.route,
            telemetry,
            relay_metrics,
            outbox,
            database_tls,
        )
        for outbox in (EVENT_OUTBOX, *service.separate_outboxes)
    ]
    runtime.commit_listeners.extend(relay.wake for relay in relays)
    processor = EventProcessor(
        group,
        service.handlers,
        DeadLetterWriter(brokers, group),
        ParkedEvents(pool),
        telemetry,
        events_of(service.handlers),
        sources_of(service.handlers),
    )
    consumer = Consumer(brokers, processor, telemetry)

    async def consume() -> None:
        if service.before_consuming is not None:
            await service.before_consuming()
        async with asyncio.TaskGroup() as tasks:
            retrying = tasks.create_task(processor.retry_parked())
            await consumer.run()
            retrying.cancel()

    server = RpcServer(
        settings,
        telemetry,
        service.registrations,
        lambda: storage.fault or processor.not_ready_reason or service.not_ready_reason(),
        not_live_reason=service.not_live_reason,
        sentences=service.sentences,
    )
    await server.start()
    _relax_garbage_collector()
    stopping = asyncio.ensure_future(stop.wait())
    tasks: set[asyncio.Task[Any]] = {
        asyncio.ensure_future(storage.run()),
        asyncio.ensure_future(report_broker_faults(partial(client_options, brokers))),
    }
    usable = asyncio.ensure_future(storage.usable.wait())
    await asyncio.wait({stopping, usable, *tasks}, return_when=asyncio.FIRST_COMPLETED)
    if usable.done() and not stop.is_set():
        started = (*(relay.run for relay in relays), consume, *service.background_tasks)
        tasks |= {asyncio.ensure_future(run()) for run in started}
    await asyncio.wait({stopping, *tasks}, return_when=asyncio.FIRST_COMPLETED)
    code = max([_report_end(task) for task in tasks if task.done()], default=0)
    await server.drain()
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks, timeout=_TASK_END_SECONDS)
    pool.terminate()
    return code


def _report_end(task: asyncio.Task[Any]) -> int:
    """Logs why a task ended by itself; returns the exit code of the process."""
    error = task.exception() if not task.cancelled() else None
    if isinstance(error, StartFault):
        return error.report()
    _LOG.critical("a task ended by itself", exc_info=error)
    return 1


def _relax_garbage_collector() -> None:
    """Excludes all present objects from collection, and makes collections rarer.

    They live as long as the process, so that walking them again only costs time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
