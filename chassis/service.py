"""Composes a service and runs it: settings, adapters, tasks, an orderly end. Every service's `__main__` calls `main`.

A service starts without its database and its broker and waits for them; what it cannot do meanwhile it says in its
readiness. Any task that ends by itself is a doubt: the process drains and exits 1, and whoever supervises it starts it
again. SIGTERM drains and exits 0.
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
from importlib.metadata import version
from pathlib import Path
from typing import Any, Generic, TypeVar

import asyncpg
import structlog
import uvloop

from chassis.rpc.errors import is_storage_fault
from chassis.rpc.page_tokens import PageTokens
from chassis.rpc.server import Registration, RpcServer
from chassis.rpc.validation import Sentences
from chassis.settings import MigrationSettings, ServiceSettings, load, old_names_in_use
from chassis.store.journal import Journal
from chassis.store.stream import Stream
from chassis.streams.consumer import Consumer
from chassis.streams.dead_letters import DeadLetterWriter
from chassis.streams.envelope import Handler
from chassis.streams.outbox_record import Route
from chassis.streams.relay import Relay
from chassis.telemetry.tracing import Telemetry, report_unhandled, setup

_LOG = structlog.get_logger("service")
# Eight connections give all the throughput a replica can use; more only add waiting (measured).
_POOL = 8
_END_S = 25.0

T = TypeVar("T", bound=ServiceSettings)


@dataclass(frozen=True, slots=True)
class Runtime(Generic[T]):
    """What a service is built from."""

    settings: T
    telemetry: Telemetry
    pool: asyncpg.Pool
    tokens: PageTokens
    wakes: list[Callable[[], None]] = field(default_factory=list)

    def journal(self, stream: Stream[Any, Any]) -> Journal[Any, Any]:
        """The journal of this service's streams."""
        return Journal(self.pool, stream, self.telemetry, self.wake)

    def wake(self) -> None:
        """Something was committed: whoever waits for it looks now."""
        for wake in self.wakes:
            wake()


@dataclass(frozen=True, slots=True)
class Service:
    """A service, built: what it serves, what it hears, what it tells, and what else it runs."""

    registrations: Sequence[Registration]
    handlers: Mapping[str, Handler]
    route: Route
    package: str
    runs: Sequence[Callable[[], Awaitable[None]]] = ()
    ready: Callable[[], str | None] = lambda: None
    """None, or why the service cannot do its work yet."""
    before_hearing: Callable[[], Awaitable[None]] | None = None
    """What must be done before the first fact is heard, for instance loading a list."""
    sentences: Sentences = field(default_factory=dict)
    """Sentences for rules of the contract that need this service's data (see `rpc.validation`)."""


Build = Callable[[Runtime[Any]], Service]


def main(name: str, settings: type[ServiceSettings], build: Build, migrations: Path) -> None:
    """The command of a service: `serve` or `migrate`. Never returns."""
    parser = argparse.ArgumentParser(
        prog=f"python -m services.{name}",
        description=f"The {name} service. It is configured by SAFECONDUCT_ variables only; wrong ones are all named.",
        epilog=f"example: python -m services.{name} serve",
    )
    parser.add_argument(
        "command", choices=["serve", "migrate"], help="run the service, or apply its migrations"
    )
    if parser.parse_args().command == "migrate":
        sys.exit(_migrate(migrations))
    given = load(settings)
    otlp_endpoint = str(given.otlp_endpoint) if given.otlp_endpoint else None
    telemetry = setup(name, version("safeconduct-services"), otlp_endpoint, given.log_level)
    for each in old_names_in_use(settings):
        _LOG.warning("setting_renamed", old=each.old, new=each.new, detail=each.warning)
    code = 1
    try:
        # Never closed: that waits for every task, and a consumer with a stuck handler swallows its cancellation.
        code = asyncio.Runner(loop_factory=uvloop.new_event_loop).run(
            _serve(name, given, telemetry, build)
        )
    except Exception:  # noqa: BLE001 - os._exit would end the process before the interpreter could say it
        _LOG.critical("the service could not start", exc_info=True)
    finally:
        telemetry.flush()
        sys.stdout.flush()
        # Threads of the consumer may outlive their loop; nothing is left to save.
        os._exit(code)


def _migrate(migrations: Path) -> int:
    # Imported here: only this command needs Alembic, and a service's image leaves it out.
    from chassis.store.migrations import migrate

    given = load(MigrationSettings)
    applied = migrate(str(given.database_owner_url), given.database_app_role, migrations)
    print(
        f"applied {len(applied)} migration(s)" + "".join(f"\n  {revision}" for revision in applied)
    )
    return 0


async def _serve(name: str, settings: ServiceSettings, telemetry: Telemetry, build: Build) -> int:
    asyncio.get_running_loop().set_exception_handler(report_unhandled)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    database_url = str(settings.database_url)
    pool = await asyncpg.create_pool(
        database_url, min_size=0, max_size=_POOL, timeout=5, command_timeout=5, reset=_keep
    )
    runtime = Runtime(
        settings, telemetry, pool, PageTokens(settings.page_token_keys_file.read_bytes())
    )
    service = build(runtime)
    storage = _Storage(pool)
    group = f"safeconduct.{name}"
    letters = DeadLetterWriter(settings.kafka_bootstrap_servers, group)
    relay = Relay(
        database_url,
        settings.kafka_bootstrap_servers,
        f"/{name}",
        service.package,
        service.route,
        telemetry,
    )
    runtime.wakes.append(relay.wake)
    consumer = Consumer(
        group, settings.kafka_bootstrap_servers, service.handlers, letters, telemetry
    )

    async def hear() -> None:
        if service.before_hearing is not None:
            await service.before_hearing()
        await consumer.run()

    server = RpcServer(
        settings,
        telemetry,
        service.registrations,
        lambda: storage.fault or service.ready(),
        sentences=service.sentences,
    )
    await server.start()
    _calm_collector()
    ending = asyncio.ensure_future(stop.wait())
    watching = asyncio.ensure_future(storage.run())
    seen = asyncio.ensure_future(storage.seen.wait())
    await asyncio.wait({ending, seen, watching}, return_when=asyncio.FIRST_COMPLETED)
    tasks = {watching}
    if seen.done() and not stop.is_set():
        tasks |= {asyncio.ensure_future(run()) for run in (relay.run, hear, *service.runs)}
    await asyncio.wait({ending, *tasks}, return_when=asyncio.FIRST_COMPLETED)
    failed = [task for task in tasks if task.done()]
    for task in failed:
        error = task.exception() if not task.cancelled() else None
        _LOG.critical("a task ended by itself", exc_info=error)
    await server.drain()
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks, timeout=_END_S)
    pool.terminate()
    return 1 if failed else 0


def _calm_collector() -> None:
    """What was made until now lives as long as the process: never walk it again, and look for cycles less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


async def _keep(connection: asyncpg.Connection) -> None:
    """Nothing is set on pooled connections, so nothing need be reset: one round trip less a command."""


class _Storage:
    """Whether the database is there and migrated."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self.fault: str | None = "the database has not answered yet"
        self.seen = asyncio.Event()

    async def run(self) -> None:
        while True:
            try:
                # The idempotency table is missing in a database that only an older release migrated.
                await self._pool.fetchrow(
                    "select (select 1 from stream limit 1), (select 1 from idempotency limit 1)"
                )
                self.fault = None
                self.seen.set()
            except asyncpg.UndefinedTableError:
                self.fault = "the database is not migrated"
            except Exception as error:
                if not is_storage_fault(error):
                    raise
                self.fault = "the database does not answer"
            await asyncio.sleep(0.5 if self.fault else 2.0)
