"""Child processes of the benchmarks: JSON lines on standard input and output."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, TextIO

from infra.cache import CHECKOUT

HANG_S: Final = 1_800.0
"""Limit of every wait. Only a hang exceeds it, because the work is bounded."""
_END_S: Final = 20.0
_LINE: Final = 1 << 22


class Child:
    """A running child process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    async def receive(self, seconds: float = HANG_S) -> Any:
        """Returns the child's next line.

        Raises RuntimeError if it exits, TimeoutError if it stays silent.
        """
        assert self._process.stdout is not None
        line = await asyncio.wait_for(self._process.stdout.readline(), seconds)
        if not line:
            raise RuntimeError(
                "a process of the benchmark ended with"
                f" {await self._process.wait()}; see its output"
            )
        return json.loads(line)

    async def ask(self, question: Any, seconds: float = HANG_S) -> Any:
        """Sends a request and returns the answer."""
        self.report(question)
        return await self.receive(seconds)

    def report(self, what: Any) -> None:
        """Sends a request."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(what).encode() + b"\n")


@asynccontextmanager
async def child(
    module: str, settings: Mapping[str, Any], environ: Mapping[str, str] | None = None
) -> AsyncIterator[Child]:
    """Starts `python -m tests.bench.<module>` with its settings; returns after its first line."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        f"tests.bench.{module}",
        json.dumps(settings),
        cwd=CHECKOUT,
        env={**os.environ, **(environ or {})},
        limit=_LINE,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        running = Child(process)
        await running.receive()
        yield running
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(process.wait(), _END_S)
            except TimeoutError:
                process.kill()
                await process.wait()


_answers: list[TextIO] = []


def settings() -> Any:
    """Returns the settings of this child. Redirects later output of print to standard error."""
    _answers.append(os.fdopen(os.dup(sys.stdout.fileno()), "w"))
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return json.loads(sys.argv[1])


def respond(what: Any) -> None:
    """Writes one line to the parent process."""
    print(json.dumps(what), file=_answers[0], flush=True)


async def lines() -> AsyncIterator[Any]:
    """Yields the requests of the parent process until it closes the pipe."""
    reader = asyncio.StreamReader(limit=_LINE)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    while line := await reader.readline():
        yield json.loads(line)
