"""Checks that a server can listen on its addresses, before it starts.

gRPC's own error is a line of its C code and an exception that names neither setting nor cause.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Mapping

from chassis.setting_types import host_and_port
from chassis.start_fault import ExitCode, StartFault


def require_usable(addresses: Mapping[str, str]) -> None:
    """Raises StartFault for the first address (`host:port`, by setting) that cannot be bound."""
    for setting, address in addresses.items():
        cause = _find_cause(*host_and_port(address))
        if cause is not None:
            raise StartFault(setting, f"{address} {cause}", ExitCode.PORT_UNUSABLE)


def _find_cause(host: str, port: int) -> str | None:
    try:
        found = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE | socket.AI_NUMERICSERV
        )
    except socket.gaierror:
        return "has a host name that cannot be resolved"
    family, kind, protocol, _, target = found[0]
    with socket.socket(family, kind, protocol) as probe:
        # As the servers do: connections that were closed a moment ago do not occupy the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(target)
            probe.listen()
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return "is in use by another process"
            return f"cannot be bound: {os.strerror(error.errno or 0)}"
    return None
