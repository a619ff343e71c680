"""`make up`: runs the stack until a signal, and prints the addresses of all its parts."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Final

from rich.console import Console
from rich.table import Column, Table

from infra.local.ports import LOOPBACK
from infra.local.profiles import PRINCIPALS, write_environments, write_profiles
from infra.local.stack import Stack
from infra.progress import Progress

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Options:
    """The options of the command line."""

    root: Path
    viewer: bool
    replicas: int
    nodes: int
    services: bool


class _StopSignal(BaseException):
    """A signal asked the command to stop."""


def run(console: Console, options: Options) -> None:
    """Starts the stack, waits for a signal, stops the stack and returns."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    # The broker is polled until it answers. Until then the client logs every attempt.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    with (
        _until_signal(),
        Stack(
            options.root,
            replicas=options.replicas,
            nodes=options.nodes,
            viewer=options.viewer,
            autostart=options.services,
            keep_alive=True,
            progress=Progress(),
        ) as stack,
    ):
        write_environments(stack)
        config = write_profiles(stack)
        console.print()
        console.print(_table(stack))
        console.print(_hints(stack, config), highlight=False, soft_wrap=True)
        _report_restarts(console, stack)


@contextmanager
def _until_signal() -> Iterator[None]:
    """Ends the block at the first signal. Later signals are ignored: the stack is stopping."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        raise _StopSignal

    before = {number: signal.signal(number, stop) for number in _SIGNALS}
    try:
        yield
    except _StopSignal:
        pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _report_restarts(console: Console, stack: Stack) -> None:
    """Prints a line whenever a service was restarted. Only a signal ends the call."""
    known = {service: max(service.starts, 1) for service in stack.services}
    while True:
        time.sleep(1.0)
        for service, starts in known.items():
            if service.starts > starts:
                known[service] = service.starts
                console.print(
                    f"[yellow]![/] {service.name} {service.replica} exited with"
                    f" {service.exit_code} and was restarted; log: {_short(service.log)}"
                )


def _table(stack: Stack) -> Table:
    """Returns the table of addresses. It fits a terminal of 80 columns."""
    table = Table("part", Column("address", no_wrap=True), "", box=None, pad_edge=False)
    for service in stack.services:
        addresses = service.addresses
        table.add_row(f"{service.name} {service.replica}", addresses.grpc, "gRPC, mTLS")
        table.add_row("", addresses.health, "health")
        table.add_row("", f"http://{addresses.metrics}/metrics", "metrics")
    table.add_row("postgres", f"{LOOPBACK}:{stack.postgres.port}", "")
    for node, address in zip(stack.kafka.nodes, stack.kafka.addresses.split(","), strict=True):
        table.add_row(f"kafka {node}", address, "mTLS")
    table.add_row("spans", stack.spans.otlp_endpoint, "OTLP")
    table.add_row("", f"{stack.spans.http_address}/traces/ID", "a trace as JSON")
    if stack.viewer is not None:
        table.add_row("trace viewer", stack.viewer.page, "")
    table.add_row("certificates", _short(stack.certificates), "")
    table.add_row("logs", _short(stack.root / "logs"), "")
    return table


def _hints(stack: Stack, config: Path) -> str:
    return "\n".join(
        (
            "",
            f"Use it:    [bold]. .venv/bin/activate; export SAFECONDUCT_CONFIG={_short(config)}[/]",
            "           [bold]safeconduct --profile officer cases list[/]",
            f"Profiles:  {', '.join(PRINCIPALS)}",
            f"Variables: {_short(stack.root)}/env.PROFILE, {_short(stack.root)}/env.operator",
            "",
            "Press Ctrl-C to stop.",
        )
    )


def _short(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
