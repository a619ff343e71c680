"""`make up`: a stack that stays up until it is asked to stop, and says what runs where."""

from __future__ import annotations

import logging
import shlex
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Final

from rich.console import Console
from rich.status import Status
from rich.table import Column, Table

from infra.local.stack import Stack

PRINCIPALS: Final[Mapping[str, str]] = {
    "partner": "partner/example-1",
    "partner-2": "partner/example-2",
    "gate": "gate/example-1/gate-1",
    "officer": "officer/licensing-1",
    "officer-2": "officer/licensing-2",
    "officer-3": "officer/licensing-3",
    "enforcement": "officer/enforcement-1",
    "enforcement-2": "officer/enforcement-2",
}
"""Whose environment is written to `env.<name>`; `env` alone is the partner's."""
OPERATOR: Final = "officer/licensing-1"
"""As whom an operator asks the services for what belongs into a case file; the rest comes from the databases."""

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for on the command line."""

    root: Path
    viewer: bool
    replicas: int
    nodes: int
    services: bool


class _StopError(BaseException):
    """We were asked to stop."""


def run(console: Console, wish: Wish) -> None:
    """Bring the stack up, wait to be asked to stop, take it down. Returns when all is down."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("aiokafka").setLevel(
        logging.CRITICAL
    )  # we ask until the broker answers; its silence is no news
    with (
        _interruptible(),
        Status("", console=console) as status,
        Stack(
            wish.root,
            replicas=wish.replicas,
            nodes=wish.nodes,
            viewer=wish.viewer,
            autostart=wish.services,
            keep_alive=True,
            progress=_Progress(console, status),
        ) as stack,
    ):
        write_environments(stack)
        status.stop()
        console.print(_table(stack))
        console.print(_hints(stack), highlight=False, soft_wrap=True)
        _watch(console, stack)


class _Progress:
    """One line for every step done, a spinner for the one under way."""

    def __init__(self, console: Console, status: Status) -> None:
        self._console = console
        self._status = status

    def __call__(self, name: str, seconds: float | None) -> None:
        if seconds is None:
            self._status.update(name)
            self._status.start()
        else:
            self._console.print(f"[green]✓[/] {name:<28} {seconds:6.2f} s", highlight=False)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Within, the first of the signals ends the block; those that follow are ignored, since it is already ending."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        raise _StopError

    before = {number: signal.signal(number, stop) for number in _SIGNALS}
    try:
        yield
    except _StopError:
        pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _watch(console: Console, stack: Stack) -> None:
    """Say whenever a service had to be started again; ends only by a signal."""
    known = {service: max(service.starts, 1) for service in stack.services}
    while True:
        time.sleep(1.0)
        for service, starts in known.items():
            if service.starts > starts:
                known[service] = service.starts
                console.print(
                    f"[yellow]![/] {service.name}-{service.replica} ended and was started again: {service.log}"
                )


def _table(stack: Stack) -> Table:
    where = Column("where", overflow="fold")
    table = Table(
        "part",
        where,
        Column("log", overflow="fold"),
        title="Safeconduct",
        title_justify="left",
        show_edge=False,
    )
    for service in stack.services:
        listens = service.listens
        places = f"{listens.grpc} mTLS\n{listens.ops} health\nhttp://{listens.metrics}/metrics"
        table.add_row(f"{service.name} {service.replica}", places, _short(service.log))
    table.add_row("postgres", f"127.0.0.1:{stack.postgres.port}", _short(stack.postgres.log))
    for node, log in zip(stack.kafka.nodes, stack.kafka.logs, strict=True):
        table.add_row(f"kafka {node}", stack.kafka.bootstrap.split(",")[node - 1], _short(log))
    table.add_row(
        "spans", f"{stack.spans.otlp_endpoint} OTLP\n{stack.spans.http_address}/traces/ID", ""
    )
    if stack.viewer is not None:
        table.add_row("trace viewer", stack.viewer.page, _short(stack.viewer.log))
    table.add_row("certificates", _short(stack.certificates), "")
    return table


def _hints(stack: Stack) -> str:
    env = _short(stack.root / "env")
    others = ",".join((*PRINCIPALS, "operator"))
    return f"Act as the partner: [bold]. {env}[/]   as others: {env}.{{{others}}}\nCtrl-C stops everything."


def write_environments(stack: Stack) -> None:
    """Write `env.<name>` for everybody of PRINCIPALS and for the operator, and `env.service-…` for every replica.

    `env` alone is the partner's.
    """
    for name, principal in PRINCIPALS.items():
        _write_environment(stack.root / f"env.{name}", stack.client_env(principal))
    _write_environment(stack.root / "env", stack.client_env(PRINCIPALS["partner"]))
    _write_environment(stack.root / "env.operator", stack.operator_env(OPERATOR))
    for service in stack.services:
        env = stack.service_env(service.name, service.replica)
        _write_environment(stack.root / f"env.service-{service.name}-{service.replica}", env)


def _write_environment(file: Path, env: Mapping[str, str]) -> None:
    file.touch(mode=0o600)
    file.chmod(0o600)
    lines = (f"export {name}={shlex.quote(value)}\n" for name, value in sorted(env.items()))
    file.write_text("".join(lines), encoding="utf-8")


def _short(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
