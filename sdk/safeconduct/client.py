"""A typed client of the three services: one channel each, mutual TLS, deadlines, retries, request ids and typed errors.

async with Client.from_env() as client:
    application = await client.applications.submit(details)
    async for change in client.applications.watch(application.application_id):
        ...
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from functools import cached_property
from types import TracebackType
from typing import Self

from grpc import aio

from safeconduct.channel import Credentials, Endpoints, NotConfiguredError, open_channel
from safeconduct.errors import FieldViolation, SafeconductError
from safeconduct.rpc.applications import Applications, ApplicationWatch, Licenses, Reviews
from safeconduct.rpc.calls import Calls, MetadataSource, new_request_id, no_metadata
from safeconduct.rpc.enforcement import Conduct, Standings, Violations
from safeconduct.rpc.screening import Hits, RestrictedLists, Screenings

__all__ = [
    "ApplicationWatch",
    "Client",
    "Credentials",
    "Endpoints",
    "FieldViolation",
    "NotConfiguredError",
    "SafeconductError",
    "new_request_id",
]


class Client:
    """The services as one caller sees them. Make one for the life of the process, inside the event loop, and close it.

    Every command gets a request id. The client's own retries keep it: for about three seconds, while
    the service is UNAVAILABLE or ends the call as CANCELLED without the caller's wish. A caller may
    set it to repeat the command too: it is answered as the first time.
    `deadline`: seconds for one call with all its retries. `waits_for_ready`: a call waits for the service to come up,
    until its deadline, instead of failing. `metadata`: asked before each call, for instance for a `traceparent`.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        credentials: Credentials,
        *,
        deadline: float = 10.0,
        waits_for_ready: bool = False,
        metadata: MetadataSource = no_metadata,
    ) -> None:
        self._endpoints = endpoints
        self._credentials = credentials
        self._calls = Calls(metadata=metadata, deadline=deadline, waits_for_ready=waits_for_ready)
        self._channels: dict[str, aio.Channel] = {}

    @classmethod
    def from_env(
        cls, environ: Mapping[str, str] = os.environ, *, metadata: MetadataSource = no_metadata
    ) -> Self:
        """From the variables of `safeconduct.channel.VARIABLES`. Raises NotConfiguredError for a missing identity."""
        return cls(Endpoints.from_env(environ), Credentials.from_env(environ), metadata=metadata)

    @cached_property
    def applications(self) -> Applications:
        """Submit applications and follow them. Raises NotConfiguredError, as all of these, without an address."""
        return Applications(self._channel("applications"), self._calls)

    @cached_property
    def reviews(self) -> Reviews:
        """Decide cases, as an officer."""
        return Reviews(self._channel("applications"), self._calls)

    @cached_property
    def licenses(self) -> Licenses:
        """Read licenses and their documents."""
        return Licenses(self._channel("applications"), self._calls)

    @cached_property
    def screening(self) -> Screenings:
        """Screen parties."""
        return Screenings(self._channel("screening"), self._calls)

    @cached_property
    def hits(self) -> Hits:
        """Judge hits, as an officer."""
        return Hits(self._channel("screening"), self._calls)

    @cached_property
    def lists(self) -> RestrictedLists:
        """Keep the restricted-party lists, as a list officer."""
        return RestrictedLists(self._channel("screening"), self._calls)

    @cached_property
    def standing(self) -> Standings:
        """Ask whether a license holds."""
        return Standings(self._channel("enforcement"), self._calls)

    @cached_property
    def conduct(self) -> Conduct:
        """Report conduct."""
        return Conduct(self._channel("enforcement"), self._calls)

    @cached_property
    def violations(self) -> Violations:
        """Judge conduct, as an officer."""
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
            self._channels[service] = open_channel(
                self._endpoints.target(service), self._credentials
            )
        return self._channels[service]
