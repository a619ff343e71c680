"""The connections of a gate: one address after the other, with the identity of its files.

Knows no standing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

import grpc
from grpc import aio

from safeconduct.certificate import expires_at
from safeconduct.channel import Credentials, open_channel
from safeconduct.errors import SafeconductError


class GateConnections:
    """The channels to `endpoints`. `next` gives the one for the next stream."""

    def __init__(self, endpoints: Sequence[str], credentials: Credentials) -> None:
        self._endpoints = endpoints
        self._credentials = credentials
        self._channels: dict[str, aio.Channel] = {}
        self._turn = 0
        self._lagged = 0

    async def next(self) -> aio.Channel:
        """Returns the channel to the next address.

        If the identity's files changed, all connections are made anew with the new identity.
        """
        found = self._credentials.reread()
        if found != self._credentials:
            self._credentials = found
            await self.close()
        endpoint = self._endpoints[self._turn % len(self._endpoints)]
        self._turn += 1
        if endpoint not in self._channels:
            self._channels[endpoint] = open_channel(endpoint, self._credentials)
        return self._channels[endpoint]

    async def leave_replica(self) -> None:
        """Makes the next stream go to another replica, also if there is one address only.

        A channel that knows several replicas takes the next one for each stream. An address behind
        which a load balancer chooses needs a new connection. Which of them it is cannot be seen, so
        both are done in turn.
        """
        self._lagged += 1
        if self._lagged % 2 == 0:
            await self.close()

    async def close(self) -> None:
        """Closes all connections."""
        channels, self._channels = list(self._channels.values()), {}
        await asyncio.gather(*(channel.close() for channel in channels))

    def explained(self, fault: SafeconductError, now: datetime) -> SafeconductError:
        """Returns the fault, or CERTIFICATE_EXPIRED if it is due to the gate's own certificate.

        A server that refuses a certificate only closes the connection.
        """
        end = expires_at(self._credentials.cert)
        if fault.code is not grpc.StatusCode.UNAVAILABLE or end is None or now < end:
            return fault
        where = f" ({self._credentials.files[1]})" if self._credentials.files is not None else ""
        message = f"the certificate of this gate{where} expired at {end:%Y-%m-%dT%H:%M:%SZ}"
        return SafeconductError(
            fault.code, "CERTIFICATE_EXPIRED", message, retry_after=fault.retry_after
        )
