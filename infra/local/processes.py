"""Children that a supervisor starts, watches, restarts and stops; it knows them by pid and never by name.

A child dies with its supervisor: the kernel sends it a signal when the *thread* that started it ends. Every child is
therefore started by a thread of its own that waits for it, and so lives at least as long as the child does.
"""

from __future__ import annotations

import logging
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

_log = logging.getLogger(__name__)

POLL_SECONDS: Final = 0.02
FIRST_PAUSE_SECONDS: Final = 0.2
LONGEST_PAUSE_SECONDS: Final = 5.0
STEADY_SECONDS: Final = 10.0
"""A child that lived this long is steady again: its next restart waits only the first pause."""


class MissingToolError(RuntimeError):
    """A program that the local stack needs is not installed; the message names the command that installs it."""


class ProcessError(RuntimeError):
    """A child did not start, did not become ready, or did not stop."""


@dataclass(frozen=True, slots=True)
class Command:
    """What to execute: arguments, the whole environment, where its output goes, and how it is asked to stop.

    `prefix` is put before everything, for programs that change the identity of what they execute in place.
    """

    argv: Sequence[str]
    log: Path
    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    cwd: Path | None = None
    prefix: Sequence[str] = ()
    stop_signal: signal.Signals = signal.SIGTERM
    orphan_signal: signal.Signals = signal.SIGKILL
    """What the kernel sends it when its supervisor is gone."""


def required(program: str, package: str) -> str:
    """The path of an installed program; the error names the Debian package that brings it."""
    found = shutil.which(program)
    if found is None:
        msg = f"{program} is not installed; on Debian or Ubuntu: sudo apt-get install {package}"
        raise MissingToolError(msg)
    return found


def listens(address: str) -> bool:
    """Whether something accepts connections at `host:port`."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=1.0).close()
    except OSError:
        return False
    return True


def wait_until(condition: Callable[[], bool], seconds: float, awaited: str) -> None:
    """Return once the condition holds; ProcessError naming what was awaited if it does not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            msg = f"{awaited}: not within {seconds:g} s"
            raise ProcessError(msg)
        time.sleep(POLL_SECONDS)


def log_tail(file: Path, characters: int = 2_000) -> str:
    """The last characters of a log, for an error message."""
    try:
        with file.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - characters))
            return log.read().decode("utf-8", errors="replace")
    except OSError:
        return "(no log)"


def is_serving(address: str, service: str = "") -> bool:
    """Whether grpc.health.v1 at this plaintext address answers SERVING; False if there is no answer within a second."""
    if not listens(address):
        return False
    with grpc.insecure_channel(address) as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(
                health_pb2.HealthCheckRequest(service=service), timeout=1.0
            )
        except grpc.RpcError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


class Process:
    """One supervised child.

    With `keep_alive` it is started again whenever it ended unasked, at once at first and with growing pauses while it
    keeps dying young. `kill` is what the world does to a process, so a killed child is restarted too; `stop` is asked.
    """

    def __init__(self, name: str, command: Command, *, keep_alive: bool = False) -> None:
        self.name = name
        self.command = command
        self.keep_alive = keep_alive
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._keeper: threading.Thread | None = None
        self._asked_to_stop = threading.Event()
        self._starts = 0
        self._exit_code: int | None = None

    @property
    def pid(self) -> int | None:
        """The pid of the living child, or None."""
        with self._lock:
            return self._child.pid if self._child is not None else None

    @property
    def is_running(self) -> bool:
        """Whether the child lives now."""
        return self.pid is not None

    @property
    def starts(self) -> int:
        """How often it was started, asked or not."""
        return self._starts

    @property
    def exit_code(self) -> int | None:
        """How the last child ended (negative: by that signal), or None before any did."""
        return self._exit_code

    @property
    def log(self) -> Path:
        """Where the child's output goes; a restart appends."""
        return self.command.log

    def start(self) -> None:
        """Start it, if it is not running. ProcessError if it cannot be executed."""
        if self._keeper is not None and self._keeper.is_alive():
            return
        required("setpriv", "util-linux")
        self._asked_to_stop.clear()
        first = _Spawned()
        self._keeper = threading.Thread(
            target=self._keep, args=(first,), name=f"keeper of {self.name}", daemon=True
        )
        self._keeper.start()
        first.done.wait()
        if first.error is not None:
            msg = f"{self.name} cannot be executed: {first.error}"
            raise ProcessError(msg) from first.error

    def ask_to_stop(self) -> None:
        """Send the stop signal and return; it will not be restarted."""
        self._asked_to_stop.set()
        self._send(self.command.stop_signal)

    def stop(self, seconds: float = 20.0) -> int | None:
        """Ask it to stop, wait at most `seconds`, then SIGKILL. Returns how it ended, or None if it never ran."""
        self.ask_to_stop()
        if self._keeper is None:
            return None
        self._keeper.join(seconds)
        if self._keeper.is_alive():
            _log.warning("%s did not stop in time and is killed", self.name)
            self._send(signal.SIGKILL)
            self._send(signal.SIGCONT)
            self._keeper.join()
        return self._exit_code

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal, as the world might. Returns at once; see `wait_gone`. Nothing happens if it is not running."""
        self._send(number)

    def restart(self, seconds: float = 20.0) -> None:
        """Stop, then start."""
        self.stop(seconds)
        self.start()

    def wait_gone(self, pid: int, seconds: float = 20.0) -> None:
        """Return once the child with this pid has ended."""
        wait_until(lambda: self.pid != pid, seconds, f"end of {self.name} ({pid})")

    def wait_ready(self, is_ready: Callable[[], bool], seconds: float) -> None:
        """Return once `is_ready` holds; ProcessError with the end of the log if it died for good or is too late."""

        def ready_or_over() -> bool:
            return self._is_over() or is_ready()

        try:
            wait_until(ready_or_over, seconds, f"{self.name} ready")
        except ProcessError as error:
            raise self._failure(str(error)) from error
        if self._is_over():
            raise self._failure(f"{self.name} ended with {self._exit_code} before it was ready")

    def _is_over(self) -> bool:
        """Whether it runs no more and will not be started again."""
        return self._keeper is None or not self._keeper.is_alive()

    def _failure(self, what: str) -> ProcessError:
        return ProcessError(f"{what}; its log {self.log} ends:\n{log_tail(self.log)}")

    def _send(self, number: signal.Signals) -> None:
        with self._lock:
            # The child is reaped under the same lock, so the pid cannot belong to somebody else by now.
            if self._child is not None:
                os.kill(self._child.pid, number)

    def _keep(self, first: _Spawned) -> None:
        pause = FIRST_PAUSE_SECONDS
        while True:
            began = time.monotonic()
            try:
                pid = self._spawn()
            except OSError as error:
                first.fail(error)
                return
            first.done.set()
            if pid is None:
                return
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
            self._reap()
            if self._asked_to_stop.is_set() or not self.keep_alive:
                return
            pause = FIRST_PAUSE_SECONDS if time.monotonic() - began >= STEADY_SECONDS else pause
            _log.warning(
                "%s ended with %s and is started again in %.1f s", self.name, self._exit_code, pause
            )
            if self._asked_to_stop.wait(pause):
                return
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    def _spawn(self) -> int | None:
        """Start the child; None if it was asked to stop meanwhile."""
        command = self.command
        command.log.parent.mkdir(parents=True, exist_ok=True)
        setpriv = required("setpriv", "util-linux")
        orphan = f"--pdeathsig={command.orphan_signal.name.removeprefix('SIG')}"
        with command.log.open("ab") as log, self._lock:
            if self._asked_to_stop.is_set():
                return None
            self._child = subprocess.Popen(
                [*command.prefix, setpriv, orphan, *command.argv],
                env=dict(command.env),
                cwd=command.cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the supervisor, which stops its children in order
            )
            self._starts += 1
            return self._child.pid

    def _reap(self) -> None:
        with self._lock:
            if self._child is not None:
                self._exit_code = self._child.wait()
                self._child = None


class _Spawned:
    """Whether the first start worked, told by the keeper to the one who asked."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.error: OSError | None = None

    def fail(self, error: OSError) -> None:
        self.error = error
        self.done.set()
