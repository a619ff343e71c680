"""A typed client of the services: mutual TLS, deadlines, retries and typed errors.

async with Client.from_env() as client:
    application = await client.applications.submit(details)
    async for change in client.applications.watch(application.application_id):
        ...
"""

from __future__ import annotations

import asyncio
import math
import os
from collections.abc import Mapping
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Final

from grpc import aio

from safeconduct.channel import Credentials, Endpoints
from safeconduct.errors import FieldViolation, NotConfiguredError, SafeconductError
from safeconduct.renewed_channel import RenewedChannel
from safeconduct.rpc.calls import Calls, MetadataSource, new_request_id, no_metadata

if TYPE_CHECKING:
    from typing_extensions import Self

    from safeconduct.rpc.applications import Applications, Licenses, Reviews
    from safeconduct.rpc.enforcement import Conduct, Standings, Violations
    from safeconduct.rpc.screening import Hits, RestrictedLists, Screenings

RETRY_SECONDS: Final = 30.0
"""Default of `Client(retry_seconds=...)`."""
RETRY_VARIABLE: Final = "SAFECONDUCT_RETRY_SECONDS"

__all__ = [
    "Client",
    "Credentials",
    "Endpoints",
    "FieldViolation",
    "NotConfiguredError",
    "SafeconductError",
    "new_request_id",
]


class Client:
    """One caller's connection to the services, one channel a service.

    Make one client inside the event loop, keep it for the life of the process, and close it. If its
    identity's files are replaced, later calls use the new identity. The parts below import the
    messages of their service when they are first used. They raise NotConfiguredError if that
    service has no address.

    Every command carries a request id, which the client keeps when it sends the command again. It
    does so for `retry_seconds` while the service is UNAVAILABLE, ends the call as CANCELLED without
    the caller's wish, or refuses it because the caller makes too many. The default is longer than
    the restart of a service. A caller that sends the same command with the same id again gets the
    first answer.

    `deadline`: seconds for one attempt. The longest call takes `retry_seconds` and `deadline`
    together; with `retry_seconds=0` only gRPC retries, for about three seconds inside the deadline.
    `waits_for_ready`: an attempt waits for the service to come up until its deadline, instead of
    failing. `metadata`: called before each attempt, for instance for a `traceparent`.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        credentials: Credentials,
        *,
        deadline: float = 10.0,
        waits_for_ready: bool = False,
        retry_seconds: float = RETRY_SECONDS,
        metadata: MetadataSource = no_metadata,
    ) -> None:
        self._endpoints = endpoints
        self._credentials = credentials
        self._calls = Calls(
            metadata=metadata,
            deadline=deadline,
            waits_for_ready=waits_for_ready,
            retry_seconds=retry_seconds,
        )
        self._channels: dict[str, RenewedChannel] = {}

    @classmethod
    def from_env(
        cls, environ: Mapping[str, str] = os.environ, *, metadata: MetadataSource = no_metadata
    ) -> Self:
        """A client from the variables of `safeconduct.channel.VARIABLES`.

        SAFECONDUCT_RETRY_SECONDS sets `retry_seconds`. Raises NotConfiguredError if a certificate
        file is missing or cannot be used.
        """
        return cls(
            Endpoints.from_env(environ),
            Credentials.from_env(environ),
            retry_seconds=_retry_seconds(environ),
            metadata=metadata,
        )

    @cached_property
    def applications(self) -> Applications:
        """Submit applications and follow them."""
        from safeconduct.rpc.applications import Applications

        return Applications(self._channel("applications"), self._calls)

    @cached_property
    def reviews(self) -> Reviews:
        """Decide cases, as an officer."""
        from safeconduct.rpc.applications import Reviews

        return Reviews(self._channel("applications"), self._calls)

    @cached_property
    def licenses(self) -> Licenses:
        """Read licenses and their documents."""
        from safeconduct.rpc.applications import Licenses

        return Licenses(self._channel("applications"), self._calls)

    @cached_property
    def screening(self) -> Screenings:
        """Screen parties."""
        from safeconduct.rpc.screening import Screenings

        return Screenings(self._channel("screening"), self._calls)

    @cached_property
    def hits(self) -> Hits:
        """Judge hits, as an officer."""
        from safeconduct.rpc.screening import Hits

        return Hits(self._channel("screening"), self._calls)

    @cached_property
    def lists(self) -> RestrictedLists:
        """Import and activate restricted-party lists, as a list officer."""
        from safeconduct.rpc.screening import RestrictedLists

        return RestrictedLists(self._channel("screening"), self._calls)

    @cached_property
    def standing(self) -> Standings:
        """Check accesses on the server, and read the events of a license."""
        from safeconduct.rpc.enforcement import Standings

        return Standings(self._channel("enforcement"), self._calls)

    @cached_property
    def conduct(self) -> Conduct:
        """Report conduct."""
        from safeconduct.rpc.enforcement import Conduct

        return Conduct(self._channel("enforcement"), self._calls)

    @cached_property
    def violations(self) -> Violations:
        """Judge conduct and impose measures, as an officer."""
        from safeconduct.rpc.enforcement import Violations

        return Violations(self._channel("enforcement"), self._calls)

    async def close(self) -> None:
        """Closes the channels; calls in flight are cancelled."""
        channels, self._channels = list(self._channels.values()), {}
        await asyncio.gather(*(channel.close() for channel in channels))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    def _channel(self, service: str) -> aio.Channel:
        if service not in self._channels:
            self._channels[service] = RenewedChannel(
                self._endpoints.target(service), self._credentials
            )
        return self._channels[service].as_channel()


def _retry_seconds(environ: Mapping[str, str]) -> float:
    text = environ.get(RETRY_VARIABLE, "")
    if not text:
        return RETRY_SECONDS
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        message = f"{RETRY_VARIABLE} must be a number of seconds, for instance 30"
        raise NotConfiguredError(message)
    return seconds
