"""The stack of a fault run: two replicas, a small disk, and clocks that can jump."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Final

from infra.local.kafka import Kafka, Listener, Ports
from infra.local.ports import LOOPBACK
from infra.local.postgres import Postgres
from infra.local.processes import Command
from infra.local.service import Release
from infra.local.stack import Stack
from infra.progress import SILENT, Reporter
from tests.faults.schedule import CLOCKED, PROXIED, REPLICAS
from tests.faults.tcp_proxy import Proxies

DISK_MB: Final = 700
FAKETIME: Final = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
"""The library of Debian's package `faketime`; the folder depends on the processor."""


class _SmallPostgres(Postgres):
    """Keeps little WAL, to fit a small disk, and commit times, to check the bound."""

    def _command(self) -> Command:
        command = super()._command()
        more = ("track_commit_timestamp=on", "max_wal_size=160MB", "min_wal_size=32MB")
        argv = [*command.argv, *(part for setting in more for part in ("-c", setting))]
        # The log stays off the small disk, so that it is complete when the disk is full.
        return replace(command, argv=argv, log=self.folder.parent / "logs" / "postgres.log")


class FaultStack(Stack):
    """A stack whose processes restart after every exit, as under a supervisor."""

    def __init__(self, root: Path, *, nodes: int, progress: Reporter = SILENT) -> None:
        super().__init__(root, replicas=REPLICAS, nodes=nodes, keep_alive=True, progress=progress)
        self.disk_fault = ""
        """Why the database has no disk of its own; empty when it has."""
        self.other_release: Release | None = None
        """A release that runs beside this one; None if the run was started without one."""
        self.broken_release: Release | None = None
        """This release with a defect in one handler of applications."""

    @cached_property
    def postgres(self) -> Postgres:
        """The PostgreSQL server of all services."""
        return _SmallPostgres(self.disk, port=self._ports.port("postgres"), keep_alive=True)

    @cached_property
    def kafka(self) -> Kafka:
        """The cluster. Each second replica reaches it through proxies of its own."""
        nodes = range(1, self._nodes + 1)
        ports = [
            Ports(self._ports.port(f"kafka-{n}.broker"), self._ports.port(f"kafka-{n}.controller"))
            for n in nodes
        ]
        listeners = [
            Listener(
                name.upper(),
                tuple(self._ports.port(f"kafka-{n}.{name}") for n in nodes),
                self.proxy_ports(name),
            )
            for name in self.service_names
        ]
        return Kafka(
            self.root / "kafka",
            nodes=self._nodes,
            ports=ports,
            keep_alive=True,
            listeners=listeners,
            tls=self.kafka_tls,
        )

    @cached_property
    def proxies(self) -> Proxies:
        """The proxies between the second replicas and the cluster."""
        return Proxies(
            [
                (proxy, self._ports.port(f"kafka-{n}.{name}"))
                for name in self.service_names
                for n, proxy in enumerate(self.proxy_ports(name), 1)
            ]
        )

    def proxy_ports(self, name: str) -> tuple[int, ...]:
        """Returns the ports of the proxies of a service's second replica, one for each node."""
        return tuple(self._ports.port(f"kafka-{n}.{name}.proxy") for n in range(1, self._nodes + 1))

    @property
    def disk(self) -> Path:
        """Folder of the database files: the mount point of the small disk."""
        return self.root / "postgres"

    def take_base(self) -> None:
        """Copies the files of the database while it is stopped, and starts it again."""
        self.postgres.stop()
        shutil.copytree(self._data, self._base)
        self.postgres.start()

    def return_to_base(self) -> None:
        """Replaces the files of the database by the copy; every later commit is lost."""
        self.postgres.stop()
        shutil.rmtree(self._data)
        shutil.copytree(self._base, self._data)
        self.postgres.start()

    @property
    def _data(self) -> Path:
        return self.disk / "data"

    @property
    def _base(self) -> Path:
        return self.root / "base"

    @property
    def clock_fault(self) -> str:
        """The reason why clocks cannot be moved; empty if they can."""
        return "" if FAKETIME else "libfaketime is not installed (Debian package `faketime`)"

    def clock(self, name: str) -> Path:
        """Returns the file with the clock offset, in seconds, of a service's second replica."""
        return self.root / "clocks" / name

    def set_clock(self, name: str, seconds: int) -> None:
        """Moves the wall clock of the second replica; its monotonic clocks continue."""
        file = self.clock(name)
        file.parent.mkdir(exist_ok=True)
        draft = file.with_suffix(".draft")
        draft.write_text(f"{seconds:+d}\n", encoding="ascii")
        draft.replace(file)

    def service_env(self, name: str, replica: int = 1) -> dict[str, str]:
        """Returns the environment of a replica; the second one runs under faketime."""
        env = super().service_env(name, replica)
        if replica == PROXIED:
            env["SAFECONDUCT_KAFKA_BOOTSTRAP_SERVERS"] = ",".join(
                f"{LOOPBACK}:{port}" for port in self.proxy_ports(name)
            )
        if replica != CLOCKED or self.clock_fault:
            return env
        self.set_clock(name, 0)
        return {
            **env,
            "LD_PRELOAD": str(FAKETIME),
            "FAKETIME_TIMESTAMP_FILE": str(self.clock(name)),
            "FAKETIME_CACHE_DURATION": "1",  # the file is read once a second, not at every call
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
            # without it a wait on the monotonic clock takes a hundred times as long
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",
        }


@contextmanager
def fault_stack(
    root: Path,
    stack_type: type[FaultStack] = FaultStack,
    *,
    nodes: int,
    progress: Reporter = SILENT,
) -> Iterator[FaultStack]:
    """Starts the stack, with a disk of its own under the database if the system permits a mount."""
    stack = stack_type(root, nodes=nodes, progress=progress)
    stack.disk.mkdir(parents=True, exist_ok=True)
    stack.disk_fault = _mount(stack.disk)
    try:
        stack.proxies.start()
        with stack:
            yield stack
    finally:
        stack.proxies.stop()
        if not stack.disk_fault:
            subprocess.run(["umount", str(stack.disk)], check=True)


def _mount(folder: Path) -> str:
    """Mounts a small file system; returns the reason if that fails, else an empty string."""
    if os.geteuid():
        return "only root may mount a file system of limited size"
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m,mode=755", "tmpfs", str(folder)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return result.stderr.strip() if result.returncode else ""
