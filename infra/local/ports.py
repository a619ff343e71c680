"""Chooses free loopback ports, and the same ones again after a restart.

Ports are chosen below the kernel's range for outgoing connections. The kernel may lend a port of
that range to any connection while its server is down, and the server could not come back.
"""

from __future__ import annotations

import json
import random
import socket
import threading
from pathlib import Path
from typing import Final

LOOPBACK: Final = "127.0.0.1"
_LOWEST: Final = 10_240
_RANGE_FILE: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")
_ATTEMPTS: Final = 500


class NoFreePortError(RuntimeError):
    """No free port was found below the kernel's range for outgoing connections."""


def is_free(port: int) -> bool:
    """Returns whether a server could listen on this loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def free_port() -> int:
    """Returns a loopback port that is free now. Raises NoFreePortError."""
    highest = _first_outgoing_port() - 1
    for _ in range(_ATTEMPTS):
        port = random.randint(_LOWEST, highest)  # noqa: S311 - avoids collisions, guards nothing
        if is_free(port):
            return port
    raise NoFreePortError(f"no free port between {_LOWEST} and {highest}")


def _first_outgoing_port() -> int:
    try:
        return max(int(_RANGE_FILE.read_text(encoding="ascii").split()[0]), _LOWEST + 1_000)
    except (OSError, ValueError, IndexError):
        return 32_768  # the kernel's default


class PortRegistry:
    """Assigns a port to each name. After a restart a name keeps its port if that is still free.

    The ports are stored in `file` as JSON, so that addresses printed yesterday are valid today.
    Threads may share a registry.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._stored: dict[str, int] = (
            json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        )
        self._assigned: dict[str, int] = {}
        self._lock = threading.Lock()

    def port(self, name: str) -> int:
        """Returns the port of this name, the same at every call."""
        with self._lock:
            if name not in self._assigned:
                self._assigned[name] = self._choose(name)
                self._stored[name] = self._assigned[name]
                text = json.dumps(self._stored, indent=2, sort_keys=True)
                self._file.write_text(text + "\n", encoding="utf-8")
            return self._assigned[name]

    def address(self, name: str) -> str:
        """Returns the port of this name as `host:port`."""
        return f"{LOOPBACK}:{self.port(name)}"

    def _choose(self, name: str) -> int:
        taken = set(self._assigned.values())
        before = self._stored.get(name)
        if before is not None and before not in taken and is_free(before):
            return before
        taken |= set(self._stored.values())
        while (port := free_port()) in taken:
            pass
        return port
