"""Opens channels to the services: mutual TLS, retries while a service is unavailable, keepalive.

Identity and addresses come from files and environment variables, which are read only on request.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import grpc
from grpc import aio

from safeconduct.bounded_file import KEY_BYTES, read_bounded
from safeconduct.errors import NotConfiguredError

if TYPE_CHECKING:
    from typing_extensions import Self

VARIABLES: Final[Mapping[str, str]] = {
    "applications": "SAFECONDUCT_APPLICATIONS",
    "screening": "SAFECONDUCT_SCREENING",
    "enforcement": "SAFECONDUCT_ENFORCEMENT",
    "ca": "SAFECONDUCT_CA",
    "cert": "SAFECONDUCT_CERT",
    "key": "SAFECONDUCT_KEY",
}
"""The environment variable of every setting."""

# Methods that send a stream. gRPC must not retry them: a retry may lose messages that were already
# sent (measured: three of ten restarts did). Named here, because importing every contract costs 0.1
# s of CPU.
SENT_ONCE: Final = (
    ("safeconduct.screening.v1.ScreeningService", "ScreenParties"),
    ("safeconduct.screening.v1.ListService", "ImportList"),
    ("safeconduct.enforcement.v1.StandingService", "WatchStanding"),
)
# gRPC allows at most five attempts. They take about three seconds, and our client goes on after
# them. A server that stops ends the calls that still wait in its queue as CANCELLED: no handler saw
# them. Every method is a read or has a request id, so a call may be sent again. gRPC does not retry
# a call that the caller cancelled.
_RETRY: Final = {
    "maxAttempts": 5,
    "initialBackoff": "0.2s",
    "maxBackoff": "2s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE", "CANCELLED"],
}
SERVICE_CONFIG: Final = json.dumps(
    {
        "methodConfig": [
            {"name": [{"service": service, "method": method} for service, method in SENT_ONCE]},
            {"name": [{}], "retryPolicy": _RETRY},
        ],
        "loadBalancingConfig": [{"round_robin": {}}],
    }
)
"""gRPC retries calls, but no stream of requests.

Our client opens such a stream again after the last answer.
"""
OPTIONS: Final = (
    ("grpc.enable_retries", 1),
    # A channel that is opened anew makes a new connection, perhaps to another replica.
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.service_config", SERVICE_CONFIG),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.keepalive_time_ms", 40_000),  # the services refuse pings more often than every 30 s
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.max_receive_message_length", 16 * 1024 * 1024),
)


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Addresses of the services: `host:port`, `IP:port,IP:port`, or a gRPC target.

    If replicas are listed, all their certificates must name the first one's IP. Empty: not used by
    this caller.
    """

    applications: str = ""
    screening: str = ""
    enforcement: str = ""

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Reads SAFECONDUCT_APPLICATIONS, _SCREENING and _ENFORCEMENT."""
        return cls(
            applications=environ.get(VARIABLES["applications"], ""),
            screening=environ.get(VARIABLES["screening"], ""),
            enforcement=environ.get(VARIABLES["enforcement"], ""),
        )

    def target(self, service: str) -> str:
        """The address of `applications`, `screening` or `enforcement`.

        Raises NotConfiguredError if it is not set.
        """
        address: str = getattr(self, service)
        if not address:
            message = f"no address of {service}: set {VARIABLES[service]}=HOST:PORT"
            raise NotConfiguredError(message)
        return address


@dataclass(frozen=True, slots=True)
class Credentials:
    """The caller's identity and the authority it trusts: three PEM documents.

    `files` are those that they were read from, if any: authority, certificate, key. `repr` hides
    the private key.
    """

    ca: bytes
    cert: bytes
    key: bytes
    files: tuple[Path, Path, Path] | None = field(default=None, compare=False)

    def __repr__(self) -> str:
        return "Credentials(...)"

    @classmethod
    def from_files(cls, ca: str | Path, cert: str | Path, key: str | Path) -> Self:
        """Reads the three PEM files.

        Raises NotConfiguredError if one is not named or cannot be read.
        """
        return cls(
            ca=_read("ca", ca),
            cert=_read("cert", cert),
            key=_read("key", key),
            files=(Path(ca), Path(cert), Path(key)),
        )

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Reads the files that SAFECONDUCT_CA, SAFECONDUCT_CERT and SAFECONDUCT_KEY name."""
        return cls.from_files(*(environ.get(VARIABLES[name], "") for name in ("ca", "cert", "key")))

    def reread(self) -> Credentials:
        """Returns what the files hold now. Returns the same if a file is missing at the moment."""
        if self.files is None:
            return self
        try:
            return Credentials.from_files(*self.files)
        except NotConfiguredError:
            return self  # they are being replaced

    def tls(self) -> grpc.ChannelCredentials:
        """The same in the form that gRPC takes."""
        return grpc.ssl_channel_credentials(self.ca, self.key, self.cert)


def open_channel(target: str, credentials: Credentials) -> aio.Channel:
    """A channel to one service, for the life of the process. It connects at the first call."""
    target, options = _grpc_target(target)
    return aio.secure_channel(target, credentials.tls(), options=(*OPTIONS, *options))


def _grpc_target(target: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The target and its options in gRPC's form.

    A list has no host name, so certificates are checked against its first IP.
    """
    first, comma, _ = target.partition(",")
    if not comma or "/" in target or first.startswith(("ipv4:", "ipv6:", "unix:", "dns:")):
        return target, ()
    scheme = "ipv6" if first.startswith("[") else "ipv4"
    return f"{scheme}:{target}", (("grpc.default_authority", first.rpartition(":")[0]),)


MEANINGS: Final[Mapping[str, str]] = {
    "ca": "the authority of the services' certificates",
    "cert": "your certificate",
    "key": "the private key of your certificate",
}


def _read(name: str, file: str | Path) -> bytes:
    if not str(file):
        message = f"no {name} file ({MEANINGS[name]}): set {VARIABLES[name]}=FILE.pem"
        raise NotConfiguredError(message)
    try:
        return read_bounded(file, KEY_BYTES)
    except OSError as error:
        message = f"{VARIABLES[name]}: cannot read {file} ({MEANINGS[name]}): {error.strerror}"
        raise NotConfiguredError(message) from error
