"""Processes that measure or are measured: each a module of this package, told by lines, answering in lines of JSON."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, TextIO

from infra.local.cache import CHECKOUT

_END_S: Final = 20.0
_LINE: Final = 1 << 22


class Child:
    """A running child."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        """Its pid."""
        return self._process.pid

    async def hear(self, seconds: float = 300.0) -> Any:
        """Its next line. RuntimeError when it ends instead, TimeoutError when it says nothing."""
        assert self._process.stdout is not None
        line = await asyncio.wait_for(self._process.stdout.readline(), seconds)
        if not line:
            raise RuntimeError(
                f"a process of the benchmark ended with {await self._process.wait()}; see its output"
            )
        return json.loads(line)

    async def ask(self, question: Any, seconds: float = 300.0) -> Any:
        """Tells it a line and hears the answer."""
        self.report(question)
        return await self.hear(seconds)

    def report(self, what: Any) -> None:
        """Tells it a line."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(what).encode() + b"\n")


@asynccontextmanager
async def child(
    module: str, settings: Mapping[str, Any], environ: Mapping[str, str] | None = None
) -> AsyncIterator[Child]:
    """`python -m tests.bench.<module>` with settings as its argument; it is up when it has said its first line."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"tests.bench.{module}", json.dumps(settings),
        cwd=CHECKOUT, env={**os.environ, **(environ or {})}, limit=_LINE,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        running = Child(process)
        await running.hear()
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
    """In a child, first of all: what it was given. What is printed from now on goes to standard error."""
    _answers.append(os.fdopen(os.dup(sys.stdout.fileno()), "w"))
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return json.loads(sys.argv[1])


def say(what: Any) -> None:
    """In a child: one line to whoever started it."""
    print(json.dumps(what), file=_answers[0], flush=True)


async def lines() -> AsyncIterator[Any]:
    """In a child: what it is told, line by line, until whoever started it goes."""
    reader = asyncio.StreamReader(limit=_LINE)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    while line := await reader.readline():
        yield json.loads(line)
