"""Reports the steps of a long command. Standard library only, for the set-up."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Final, Protocol, TextIO

ANNOUNCE_AFTER_S: Final = 2.0
ANNOUNCE_EVERY_S: Final = 10.0
_REPAINT_S: Final = 0.2
_CLEAR_LINE: Final = "\r\033[K"


class Reporter(Protocol):
    """Reports steps: `Progress`, or `SILENT`."""

    def step(self, name: str) -> AbstractContextManager[None]:
        """Reports the block as a step."""


class _Silent:
    def step(self, name: str) -> AbstractContextManager[None]:
        return nullcontext()


SILENT: Final[Reporter] = _Silent()


class Progress:
    """Prints one line for each step that has ended: its seconds and its name.

    Steps may run at the same time in several threads. On a terminal, the last line shows the
    running steps. Elsewhere, a step that takes longer than two seconds is announced by a plain
    line, and again every ten seconds, so that a log shows what the command is waiting for.
    """

    def __init__(
        self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stream = stream or sys.stdout
        self._is_terminal = self._stream.isatty()
        self._clock = clock
        self._lock = threading.Lock()
        self._began: dict[str, float] = {}
        self._announced: dict[str, float] = {}
        self._ticker: threading.Thread | None = None

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Reports the block as a step; a step that raises is reported as failed."""
        with self._lock:
            self._began[name] = self._announced[name] = self._clock()
            self._start_ticker()
        try:
            yield
        except BaseException:
            self._end(name, ": failed")
            raise
        self._end(name, "")

    def line(self, text: str) -> None:
        """Prints a line between the steps."""
        with self._lock:
            self._print(text)

    def tick(self) -> None:
        """Announces the steps that are due, or repaints the terminal's last line."""
        with self._lock:
            now = self._clock()
            if self._is_terminal:
                self._repaint(now)
                return
            for name, began in self._began.items():
                first = self._announced[name] == began
                if now - self._announced[name] >= (ANNOUNCE_AFTER_S if first else ANNOUNCE_EVERY_S):
                    self._announced[name] = now
                    self._print(f"    ...    {name}: {now - began:.0f} s so far")

    def _end(self, name: str, outcome: str) -> None:
        with self._lock:
            seconds = self._clock() - self._began.pop(name)
            self._print(f"{seconds:8.1f} s  {name}{outcome}")
            if self._is_terminal:
                self._repaint(self._clock())

    def _print(self, text: str) -> None:
        clear = _CLEAR_LINE if self._is_terminal else ""
        print(f"{clear}{text}", file=self._stream, flush=True)

    def _repaint(self, now: float) -> None:
        running = ", ".join(f"{name} {now - began:.0f} s" for name, began in self._began.items())
        columns = shutil.get_terminal_size().columns - 1
        print(f"{_CLEAR_LINE}{running[:columns]}", end="", file=self._stream, flush=True)

    def _start_ticker(self) -> None:
        if self._ticker is None:
            self._ticker = threading.Thread(target=self._run, name="progress", daemon=True)
            self._ticker.start()

    def _run(self) -> None:
        while True:
            # The live line is repainted at a fixed rate; nothing waits for it.
            time.sleep(_REPAINT_S)
            with self._lock:
                if not self._began:
                    self._ticker = None
                    return
            self.tick()
