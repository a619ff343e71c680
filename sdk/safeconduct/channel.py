"""How a channel to a service is opened: mutual TLS, retries while it is unavailable, keepalive.

Identity and addresses come from files and the environment; nothing is read before somebody asks for it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import grpc
from grpc import aio

from safeconduct.applications.v1 import service_pb2 as applications
from safeconduct.enforcement.v1 import service_pb2 as enforcement
from safeconduct.screening.v1 import service_pb2 as screening

VARIABLES: Final[Mapping[str, str]] = {
    "applications": "SAFECONDUCT_APPLICATIONS",
    "screening": "SAFECONDUCT_SCREENING",
    "enforcement": "SAFECONDUCT_ENFORCEMENT",
    "ca": "SAFECONDUCT_CA",
    "cert": "SAFECONDUCT_CERT",
    "key": "SAFECONDUCT_KEY",
}
"""The environment variable of each setting."""

_CONTRACTS: Final = (applications.DESCRIPTOR, screening.DESCRIPTOR, enforcement.DESCRIPTOR)
# What gRPC sends again of a stream of requests may lack some of them (measured: three of ten restarts lost messages).
_SENT_ONCE: Final = [
    {"service": service.full_name, "method": method.name}
    for contract in _CONTRACTS
    for service in contract.services_by_name.values()
    for method in service.methods
    if method.client_streaming
]
# Five attempts are the most that gRPC allows; they spread over about three seconds: a restart of one replica.
# A server that stops ends the calls that still wait in its queue as CANCELLED: no handler saw them.
# Every method is a read or has a request id, so a call may be sent again. gRPC does not retry a call
# that the caller cancelled.
_RETRY: Final = {
    "maxAttempts": 5,
    "initialBackoff": "0.2s",
    "maxBackoff": "2s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE", "CANCELLED"],
}
SERVICE_CONFIG: Final = json.dumps(
    {
        "methodConfig": [{"name": _SENT_ONCE}, {"name": [{}], "retryPolicy": _RETRY}],
        "loadBalancingConfig": [{"round_robin": {}}],
    }
)
"""Calls are retried, streams of requests are not: who sends one opens it again, knowing what was answered."""
OPTIONS: Final = (
    ("grpc.enable_retries", 1),
    ("grpc.service_config", SERVICE_CONFIG),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.keepalive_time_ms", 40_000),  # the services take a ping every 30 s at most
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.max_receive_message_length", 16 * 1024 * 1024),
)


class NotConfiguredError(Exception):
    """An address or a file of the identity is missing or cannot be read. The message says which and how to set it."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the services listen: `host:port`, several replicas as `IP:port,IP:port`, or any gRPC target.

    The certificates of replicas that are listed must all name the first one's IP. Empty = not used by this caller.
    """

    applications: str = ""
    screening: str = ""
    enforcement: str = ""

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """From SAFECONDUCT_APPLICATIONS, SAFECONDUCT_SCREENING and SAFECONDUCT_ENFORCEMENT."""
        return cls(
            applications=environ.get(VARIABLES["applications"], ""),
            screening=environ.get(VARIABLES["screening"], ""),
            enforcement=environ.get(VARIABLES["enforcement"], ""),
        )

    def target(self, service: str) -> str:
        """The address of `applications`, `screening` or `enforcement`. Raises NotConfiguredError when it is not set."""
        address: str = getattr(self, service)
        if not address:
            message = f"no address of {service}: set {VARIABLES[service]}=HOST:PORT"
            raise NotConfiguredError(message)
        return address


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who calls, and whom it trusts: three PEM documents. The private key is never shown."""

    ca: bytes
    cert: bytes
    key: bytes

    def __repr__(self) -> str:
        return "Credentials(...)"

    @classmethod
    def from_files(cls, ca: str | Path, cert: str | Path, key: str | Path) -> Self:
        """Reads the three PEM files. Raises NotConfiguredError for one that is not set or cannot be read."""
        return cls(ca=_read("ca", ca), cert=_read("cert", cert), key=_read("key", key))

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """From the files named by SAFECONDUCT_CA, SAFECONDUCT_CERT and SAFECONDUCT_KEY."""
        return cls.from_files(*(environ.get(VARIABLES[name], "") for name in ("ca", "cert", "key")))

    def tls(self) -> grpc.ChannelCredentials:
        """The same for gRPC."""
        return grpc.ssl_channel_credentials(self.ca, self.key, self.cert)


def open_channel(target: str, credentials: Credentials) -> aio.Channel:
    """A channel to one service, for the life of the process. Connects when it is first used."""
    target, options = _dialled(target)
    return aio.secure_channel(target, credentials.tls(), options=(*OPTIONS, *options))


def _dialled(target: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The target as gRPC knows it. A list has no host name of its own, so a certificate is held to its first one's."""
    first, comma, _ = target.partition(",")
    if not comma or "/" in target or first.startswith(("ipv4:", "ipv6:", "unix:", "dns:")):
        return target, ()
    scheme = "ipv6" if first.startswith("[") else "ipv4"
    return f"{scheme}:{target}", (("grpc.default_authority", first.rpartition(":")[0]),)


MEANINGS: Final[Mapping[str, str]] = {
    "ca": "the certificate authority that the services' certificates come from",
    "cert": "your certificate, which says who you are",
    "key": "the private key of your certificate",
}


def _read(name: str, file: str | Path) -> bytes:
    if not str(file):
        message = f"no {name} file ({MEANINGS[name]}): set {VARIABLES[name]}=FILE.pem"
        raise NotConfiguredError(message)
    try:
        return Path(file).read_bytes()
    except OSError as error:
        message = f"{VARIABLES[name]}: cannot read {file} ({MEANINGS[name]}): {error.strerror}"
        raise NotConfiguredError(message) from error
