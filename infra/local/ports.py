"""Which loopback ports are free, and which one a part of a stack had last time.

Ports are taken below the kernel's range for outgoing connections: a port above it may be lent to anybody's connection
while the part that owns it is down, and the part could not come back.
"""

from __future__ import annotations

import json
import random
import socket
from pathlib import Path
from typing import Final

LOOPBACK: Final = "127.0.0.1"
_LOWEST: Final = 10_240
_RANGE_FILE: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")
_ATTEMPTS: Final = 500


class NoFreePortError(RuntimeError):
    """No free port was found below the kernel's range for outgoing connections."""


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def free_port() -> int:
    """A loopback port that is free now."""
    highest = _first_outgoing_port() - 1
    for _ in range(_ATTEMPTS):
        port = random.randint(_LOWEST, highest)  # noqa: S311 - spreads neighbours, guards nothing
        if is_free(port):
            return port
    msg = f"no free port between {_LOWEST} and {highest}"
    raise NoFreePortError(msg)


def _first_outgoing_port() -> int:
    try:
        return max(int(_RANGE_FILE.read_text(encoding="ascii").split()[0]), _LOWEST + 1_000)
    except (OSError, ValueError, IndexError):
        return 32_768  # the kernel's default


class PortRegistry:
    """Gives each named part a port, and the same one again after a restart as long as it is free.

    Written to `file` as JSON, so that addresses printed yesterday still hold today.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._remembered: dict[str, int] = (
            json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        )
        self._given: dict[str, int] = {}

    def port(self, name: str) -> int:
        """The port of the named part, the same at every call."""
        if name not in self._given:
            self._given[name] = self._choose(name)
            self._remembered[name] = self._given[name]
            self._file.write_text(
                json.dumps(self._remembered, indent=2, sort_keys=True) + "\n", encoding="utf-8"
            )
        return self._given[name]

    def address(self, name: str) -> str:
        """The same as `host:port`."""
        return f"{LOOPBACK}:{self.port(name)}"

    def _choose(self, name: str) -> int:
        taken = set(self._given.values())
        before = self._remembered.get(name)
        if before is not None and before not in taken and is_free(before):
            return before
        taken |= set(self._remembered.values())
        while (port := free_port()) in taken:
            pass
        return port
