"""Supervises child processes: starts, watches, restarts, signals and stops them.

Process managers in Python (honcho, mirakuru, circus) lack three properties that the local stack
and the fault runs need. First, a child never outlives its supervisor, even if that is killed: the
kernel signals the child (`setpriv --pdeathsig`). The kernel does so when the *thread* that started
the child ends, so each child has a thread that starts it and waits for it. Second, a child that
exits by itself is restarted, with growing pauses. Third, a signal never hits a reused pid: signals
and reaping share a lock.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from infra.programs import required_program

_log = logging.getLogger(__name__)

POLL_SECONDS: Final = 0.02
FIRST_PAUSE_SECONDS: Final = 0.2
LONGEST_PAUSE_SECONDS: Final = 5.0
STEADY_SECONDS: Final = 10.0
"""After a child has run this long, its next restart waits only the first pause."""


class ProcessError(RuntimeError):
    """A child did not start, did not become ready in time, or did not stop."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command line with its whole environment, its log file and its signals.

    `prefix` is put in front of the command line. It is for programs that change the user or the
    namespaces and then execute the rest of the line in place.
    """

    argv: Sequence[str]
    log: Path
    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    cwd: Path | None = None
    prefix: Sequence[str] = ()
    stop_signal: signal.Signals = signal.SIGTERM
    orphan_signal: signal.Signals = signal.SIGKILL
    """The signal that the kernel sends to the child when the supervisor has ended."""


def wait_until(condition: Callable[[], bool], seconds: float, awaited: str) -> None:
    """Returns once `condition` is true.

    Raises ProcessError, which names `awaited`, if that takes longer than `seconds`.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            raise ProcessError(f"{awaited}: not within {seconds:g} s")
        time.sleep(POLL_SECONDS)


def log_tail(file: Path, characters: int = 2_000) -> str:
    """Returns the last characters of a log, for an error message."""
    try:
        with file.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - characters))
            return log.read().decode("utf-8", errors="replace")
    except OSError:
        return "(no log)"


class Process:
    """One supervised child.

    With `keep_alive` the child is restarted whenever it exits without `stop`: at once the first
    time, then with growing pauses while it exits soon after its start. `kill` imitates a failure,
    so a killed child is restarted as well.
    """

    def __init__(self, name: str, command: Command, *, keep_alive: bool = False) -> None:
        self.name = name
        self.command = command
        self.keep_alive = keep_alive
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._supervisor: threading.Thread | None = None
        self._is_stopping = threading.Event()
        self._starts = 0
        self._exit_code: int | None = None

    @property
    def pid(self) -> int | None:
        """The pid of the running child, or None."""
        with self._lock:
            return self._child.pid if self._child is not None else None

    @property
    def is_running(self) -> bool:
        """Whether the child runs now."""
        return self.pid is not None

    @property
    def starts(self) -> int:
        """The number of starts, restarts included."""
        return self._starts

    @property
    def exit_code(self) -> int | None:
        """The exit code of the last child, negative if a signal ended it; None before any exit."""
        return self._exit_code

    @property
    def log(self) -> Path:
        """The file of the child's output. A restart appends to it."""
        return self.command.log

    def start(self) -> None:
        """Starts the child unless it runs. Raises ProcessError if it cannot be executed."""
        if self._supervisor is not None and self._supervisor.is_alive():
            return
        required_program("setpriv", "util-linux")
        self._is_stopping.clear()
        first = _FirstStart()
        self._supervisor = threading.Thread(
            target=self._supervise, args=(first,), name=f"supervisor of {self.name}", daemon=True
        )
        self._supervisor.start()
        first.is_over.wait()
        if first.error is not None:
            raise ProcessError(f"{self.name} cannot be executed: {first.error}") from first.error

    def request_stop(self) -> None:
        """Sends the stop signal and returns at once. The child is not restarted."""
        self._is_stopping.set()
        self._send(self.command.stop_signal)

    def stop(self, seconds: float = 20.0) -> int | None:
        """Sends the stop signal, waits at most `seconds`, then sends SIGKILL.

        Returns the exit code, or None if the child never ran.
        """
        self.request_stop()
        if self._supervisor is None:
            return None
        self._supervisor.join(seconds)
        if self._supervisor.is_alive():
            _log.warning("%s did not stop in time and is killed", self.name)
            self._send(signal.SIGKILL)
            self._send(signal.SIGCONT)
            self._supervisor.join()
        return self._exit_code

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Sends a signal and returns at once; see `wait_gone`. Does nothing without a child."""
        self._send(number)

    def restart(self, seconds: float = 20.0) -> None:
        """Stops the child as `stop` does, then starts it."""
        self.stop(seconds)
        self.start()

    def wait_gone(self, pid: int, seconds: float = 20.0) -> None:
        """Returns once the child with this pid has exited; ProcessError after `seconds`."""
        wait_until(lambda: self.pid != pid, seconds, f"end of {self.name} ({pid})")

    def wait_ready(self, is_ready: Callable[[], bool], seconds: float) -> None:
        """Returns once `is_ready` is true.

        Raises ProcessError, with the end of the log, if the child has exited and is not restarted,
        or after `seconds`.
        """

        def ready_or_over() -> bool:
            return self._is_over() or is_ready()

        try:
            wait_until(ready_or_over, seconds, f"{self.name} ready")
        except ProcessError as error:
            raise self._failure(str(error)) from error
        if self._is_over():
            raise self._failure(f"{self.name} ended with {self._exit_code} before it was ready")

    def _is_over(self) -> bool:
        """Returns whether the child has exited and is not going to be restarted."""
        return self._supervisor is None or not self._supervisor.is_alive()

    def _failure(self, reason: str) -> ProcessError:
        return ProcessError(f"{reason}; its log {self.log} ends:\n{log_tail(self.log)}")

    def _send(self, number: signal.Signals) -> None:
        with self._lock:
            # The child is reaped under the same lock, so its pid cannot have been reused.
            if self._child is not None:
                os.kill(self._child.pid, number)

    def _supervise(self, first: _FirstStart) -> None:
        pause = FIRST_PAUSE_SECONDS
        while True:
            began = time.monotonic()
            try:
                pid = self._spawn()
            except OSError as error:
                first.fail(error)
                return
            first.is_over.set()
            if pid is None:
                return
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
            self._reap()
            if self._is_stopping.is_set() or not self.keep_alive:
                return
            pause = FIRST_PAUSE_SECONDS if time.monotonic() - began >= STEADY_SECONDS else pause
            _log.warning(
                "%s ended with %s and is started again in %.1f s", self.name, self._exit_code, pause
            )
            if self._is_stopping.wait(pause):
                return
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    def _spawn(self) -> int | None:
        """Starts the child and returns its pid, or None if `stop` came first."""
        command = self.command
        command.log.parent.mkdir(parents=True, exist_ok=True)
        setpriv = required_program("setpriv", "util-linux")
        orphan = f"--pdeathsig={command.orphan_signal.name.removeprefix('SIG')}"
        with command.log.open("ab") as log, self._lock:
            if self._is_stopping.is_set():
                return None
            self._child = subprocess.Popen(
                [*command.prefix, setpriv, orphan, *command.argv],
                env=dict(command.env),
                cwd=command.cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Ctrl-C reaches only the supervisor, which stops its children in order.
                start_new_session=True,
            )
            self._starts += 1
            return self._child.pid

    def _reap(self) -> None:
        with self._lock:
            if self._child is not None:
                self._exit_code = self._child.wait()
                self._child = None


class _FirstStart:
    """The result of the first start, passed from the supervising thread to `start`."""

    def __init__(self) -> None:
        self.is_over = threading.Event()
        self.error: OSError | None = None

    def fail(self, error: OSError) -> None:
        self.error = error
        self.is_over.set()
