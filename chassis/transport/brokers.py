"""Which brokers a Kafka client connects to, and how it proves who it is.

Every client of Kafka gets its options from `client_options`, so that none is forgotten.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from chassis.transport.renewed_tls import RenewedContext, TlsFiles

MECHANISM: Final = "SCRAM-SHA-512"


@dataclass(frozen=True, slots=True)
class Password:
    """A user of SASL SCRAM-SHA-512. The file is read for each new client."""

    user: str
    file: Path

    def read(self) -> str:
        """Returns the password, without a line end. Raises OSError."""
        return self.file.read_text(encoding="utf-8").rstrip("\r\n")


@dataclass(frozen=True, slots=True)
class Brokers:
    """`host:port[,host:port]` of a TLS listener, with the files and the user of this client."""

    addresses: str
    tls: TlsFiles
    password: Password | None = None
    context: RenewedContext = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "context", RenewedContext(self.tls))


Bootstrap = Brokers | str
"""Brokers with TLS; or the addresses of a listener without, for a network that is trusted."""


def addresses_of(bootstrap: Bootstrap) -> str:
    """Returns `host:port[,host:port]`."""
    return bootstrap if isinstance(bootstrap, str) else bootstrap.addresses


def client_options(bootstrap: Bootstrap) -> dict[str, Any]:
    """Returns the arguments with which an aiokafka client connects. Raises OSError."""
    if isinstance(bootstrap, str):
        return {"bootstrap_servers": bootstrap}
    options = {
        "bootstrap_servers": bootstrap.addresses,
        "security_protocol": "SSL",
        "ssl_context": bootstrap.context,
    }
    if bootstrap.password is not None:
        options |= {
            "security_protocol": "SASL_SSL",
            "sasl_mechanism": MECHANISM,
            "sasl_plain_username": bootstrap.password.user,
            "sasl_plain_password": bootstrap.password.read(),
        }
    return options
