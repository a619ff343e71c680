"""One replica of a service as a supervised child: where it listens, whether it is ready, how it is broken."""

from __future__ import annotations

import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from infra.cache import CHECKOUT
from infra.local.processes import Command, Process, is_serving

READY_SECONDS: Final = 120.0
STOP_SECONDS: Final = 20.0


@dataclass(frozen=True, slots=True)
class Listens:
    """`host:port` of the mTLS port, of the plaintext health port and of the metrics port."""

    grpc: str
    ops: str
    metrics: str


class Service:
    """`python -m services.<name> serve`, restarted when it ends unasked."""

    def __init__(
        self, name: str, replica: int, listens: Listens, env: Mapping[str, str], log: Path
    ) -> None:
        self.name = name
        self.replica = replica
        self.listens = listens
        self.env = env
        command = Command(argv=module(f"services.{name}", "serve"), env=env, log=log, cwd=CHECKOUT)
        self._process = Process(f"{name}-{replica}", command, keep_alive=True)

    @property
    def pid(self) -> int | None:
        """The pid of the living process, or None."""
        return self._process.pid

    @property
    def starts(self) -> int:
        """How often it was started, asked or not."""
        return self._process.starts

    @property
    def exit_code(self) -> int | None:
        """How it last ended (negative: by that signal), or None before it did."""
        return self._process.exit_code

    @property
    def log(self) -> Path:
        """Its output, over restarts."""
        return self._process.log

    @property
    def is_ready(self) -> bool:
        """Whether it says on the health port that it serves."""
        return is_serving(self.listens.ops)

    @property
    def is_live(self) -> bool:
        """Whether it says on the health port that it lives."""
        return is_serving(self.listens.ops, "live")

    def start(self) -> None:
        """Start it and return at once; see `wait_ready`."""
        self._process.start()

    def wait_ready(self, seconds: float = READY_SECONDS) -> None:
        """Return once it is ready; ProcessError with the end of its log if not within `seconds`."""
        self._process.wait_ready(lambda: self.is_ready, seconds)

    def ask_to_stop(self) -> None:
        """Send SIGTERM and return."""
        self._process.ask_to_stop()

    def stop(self) -> int | None:
        """Let it drain and end; returns its exit code (0 if it drained)."""
        return self._process.stop(STOP_SECONDS)

    def restart(self) -> None:
        """Stop, start, and wait until it is ready."""
        self.stop()
        self.start()
        self.wait_ready()

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal, as the world might; if it ends it is started again. After SIGKILL it is gone on return."""
        pid = self.pid
        self._process.kill(number)
        if number is signal.SIGKILL and pid is not None:
            self._process.wait_gone(pid)


def module(name: str, *arguments: str) -> list[str]:
    """The command line that runs a module with this interpreter."""
    return [sys.executable, "-m", name, *arguments]
