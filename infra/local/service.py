"""One replica of a service as a supervised child process."""

from __future__ import annotations

import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from infra.cache import CHECKOUT
from infra.local.probes import is_serving
from infra.local.processes import Command, Process

READY_SECONDS: Final = 120.0
STOP_SECONDS: Final = 35.0
"""Longer than a stop with the default settings of the drain."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """`host:port` of the gRPC port (mTLS), the plaintext health port and the metrics port."""

    grpc: str
    health: str
    metrics: str


@dataclass(frozen=True, slots=True)
class Release:
    """A checkout of Safeconduct, and the interpreter that has its libraries."""

    folder: Path
    python: Path


THIS_RELEASE: Final = Release(CHECKOUT, Path(sys.executable))


class Service:
    """`python -m services.<name> serve`, restarted whenever it exits without `stop`."""

    def __init__(
        self,
        name: str,
        replica: int,
        addresses: Addresses,
        env: Mapping[str, str],
        log: Path,
        release: Release = THIS_RELEASE,
    ) -> None:
        self.name = name
        self.replica = replica
        self.addresses = addresses
        self.env = env
        self._log = log
        self._release = release
        self._process = Process(f"{name}-{replica}", self._command(release), keep_alive=True)

    def _command(self, release: Release) -> Command:
        argv = [str(release.python), "-m", f"services.{self.name}", "serve"]
        return Command(argv=argv, env=self.env, log=self._log, cwd=release.folder)

    @property
    def pid(self) -> int | None:
        """The pid of the running process, or None."""
        return self._process.pid

    @property
    def starts(self) -> int:
        """The number of starts, restarts included."""
        return self._process.starts

    @property
    def exit_code(self) -> int | None:
        """The last exit code, negative if a signal ended the process; None before any exit."""
        return self._process.exit_code

    @property
    def log(self) -> Path:
        """The file of the output of all starts."""
        return self._process.log

    @property
    def is_ready(self) -> bool:
        """Whether the health port answers SERVING."""
        return is_serving(self.addresses.health)

    @property
    def is_live(self) -> bool:
        """Whether the health port answers SERVING for the check `live`."""
        return is_serving(self.addresses.health, "live")

    def start(self) -> None:
        """Starts the process and returns at once; see `wait_ready`."""
        self._process.start()

    def wait_ready(self, seconds: float = READY_SECONDS) -> None:
        """Returns once the service is ready; ProcessError with the end of its log if it is late."""
        self._process.wait_ready(lambda: self.is_ready, seconds)

    def request_stop(self) -> None:
        """Sends SIGTERM and returns at once."""
        self._process.request_stop()

    def stop(self) -> int | None:
        """Stops the process and returns its exit code: 0 if it answered all open calls first."""
        return self._process.stop(STOP_SECONDS)

    def restart(
        self,
        release: Release | None = None,
        seconds: float = READY_SECONDS,
        env: Mapping[str, str] | None = None,
    ) -> None:
        """Stops and starts the process, and returns once it is ready.

        With `release` the process is one of that release from now on, with `env` it has these
        variables. Raises ProcessError if it is not ready within `seconds`.
        """
        self.stop()
        self._release, self.env = release or self._release, self.env if env is None else env
        self._process.command = self._command(self._release)
        self.start()
        self.wait_ready(seconds)

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Sends a signal. If that ends the process, it is restarted.

        After SIGKILL the call returns when the process has exited.
        """
        pid = self.pid
        self._process.kill(number)
        if number is signal.SIGKILL and pid is not None:
            self._process.wait_gone(pid)
