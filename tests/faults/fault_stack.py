"""The stack that the faults strike: two replicas, a database on a small disk of its own, clocks that can be moved."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Final

from infra.local.postgres import Postgres
from infra.local.processes import Command
from infra.local.stack import Progress, Stack
from tests.faults.schedule import CLOCKED, REPLICAS

DISK_MB: Final = 700
FAKETIME: Final = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
"""Debian's package `faketime`, on any processor."""


class _SmallPostgres(Postgres):
    """Keeps little WAL, so that it fits a small disk, and the moment of every commit, which the gates are held to."""

    def _command(self) -> Command:
        command = super()._command()
        more = ("track_commit_timestamp=on", "max_wal_size=160MB", "min_wal_size=32MB")
        argv = [*command.argv, *(part for setting in more for part in ("-c", setting))]
        # Its log is not on the disk that is filled: what it says then is what one wants to read.
        return replace(command, argv=argv, log=self.folder.parent / "logs" / "postgres.log")


class FaultStack(Stack):
    """A stack to be broken: everything that ends is started again, as a supervisor would."""

    def __init__(self, root: Path, *, nodes: int, progress: Progress | None = None) -> None:
        super().__init__(root, replicas=REPLICAS, nodes=nodes, keep_alive=True, progress=progress)
        self.disk_fault = ""
        """Why the database has no disk of its own; empty when it has."""

    @cached_property
    def postgres(self) -> Postgres:
        """The server that holds every service's database."""
        return _SmallPostgres(self.disk, port=self._ports.port("postgres"), keep_alive=True)

    @property
    def disk(self) -> Path:
        """The folder that holds the database's files, and where its disk is mounted."""
        return self.root / "postgres"

    @property
    def clock_fault(self) -> str:
        """Why no clock can be moved; empty when it can."""
        return "" if FAKETIME else "libfaketime is not installed (Debian package `faketime`)"

    def clock(self, name: str) -> Path:
        """The file that says by how many seconds the clock of a service's second replica is off."""
        return self.root / "clocks" / name

    def set_clock(self, name: str, seconds: int) -> None:
        """The wall clock of that replica jumps; its monotonic clocks go on."""
        file = self.clock(name)
        file.parent.mkdir(exist_ok=True)
        draft = file.with_suffix(".draft")
        draft.write_text(f"{seconds:+d}\n", encoding="ascii")
        draft.replace(file)

    def service_env(self, name: str, replica: int = 1) -> dict[str, str]:
        """The settings of one replica; that of the second one has a clock of ours under it."""
        env = super().service_env(name, replica)
        if replica != CLOCKED or self.clock_fault:
            return env
        self.set_clock(name, 0)
        return {
            **env,
            "LD_PRELOAD": str(FAKETIME),
            "FAKETIME_TIMESTAMP_FILE": str(self.clock(name)),
            "FAKETIME_CACHE_DURATION": "1",  # the file is read once a second, not at every question
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",  # else a wait for a monotonic moment takes a hundred times as long
        }


@contextmanager
def fault_stack(
    root: Path, *, nodes: int, progress: Progress | None = None
) -> Iterator[FaultStack]:
    """The stack, up, with a disk of its own under its database where the system lets us mount one."""
    stack = FaultStack(root, nodes=nodes, progress=progress)
    stack.disk.mkdir(parents=True, exist_ok=True)
    stack.disk_fault = _mount(stack.disk)
    try:
        with stack:
            yield stack
    finally:
        if not stack.disk_fault:
            subprocess.run(["umount", str(stack.disk)], check=True)


def _mount(folder: Path) -> str:
    """Mounts a small file system there; gives why it could not."""
    if os.geteuid():
        return "only root may mount a file system of limited size"
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m,mode=755", "tmpfs", str(folder)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return result.stderr.strip() if result.returncode else ""
