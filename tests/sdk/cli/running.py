"""Runs the `safeconduct` command in a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SDK = Path(__file__).resolve().parents[3] / "sdk"
RATIONALE = ("--rationale", "long enough a reason")


@dataclass
class Ran:
    """A command that ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Command = Callable[..., Awaitable[Ran]]


async def run(environ: dict[str, str], *arguments: str) -> Ran:
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith("SAFECONDUCT_")
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "error", "-m", "safeconduct.cli", *arguments,
        env={**clean, "PYTHONPATH": str(SDK), **environ},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), 60)
    return Ran(process.returncode or 0, out.decode(), err.decode())
