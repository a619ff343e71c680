"""The stream of one gate: a snapshot or the changes since its token, then changes and leases.

A lease is sent after every change that was known when it is sent. So a gate that holds the lease
knows all of them. Nothing is sent before the replica knows every standing as of some time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from typing import Final

import grpc
from safeconduct.enforcement.v1 import service_pb2 as pb
from safeconduct.standing import CAPABILITIES

from chassis.rpc.errors import CommonReason, RpcError, bad_request, unavailable
from services.enforcement.core.errors import Reason
from services.enforcement.shell.change_messages import ChangeMessages
from services.enforcement.shell.standing_cache import StandingCache
from services.enforcement.shell.subscriber import Subscriber

MAX_WAITING_RENEWALS: Final = 100
"""Renewals that may wait for a lease. A gate sends about one a second and gives up after a few."""


class GateStream:
    """The stream of one caller, who follows the licenses of `partner_id`."""

    def __init__(self, cache: StandingCache, messages: ChangeMessages, partner_id: str) -> None:
        self._cache, self._messages, self._partner_id = cache, messages, partner_id
        self._error: Exception | None = None
        self._subscriber: Subscriber | None = None

    def end(self, error: Exception) -> None:
        """Ends the stream with this error, after the message that is being sent."""
        self._error = self._error or error
        if self._subscriber is not None:
            self._subscriber.wake()

    async def responses(
        self, requests: AsyncIterator[pb.WatchStandingRequest]
    ) -> AsyncGenerator[bytes]:
        """Yields serialized responses until the stream ends.

        Raises RpcError for a request out of order, an invalid token, or too many renewals.
        """
        offsets = await self._read_subscription(requests)
        if offsets is None:
            return
        subscriber = self._subscriber = self._cache.subscribe(self._partner_id)
        reading = asyncio.create_task(self._read_renewals(requests, subscriber))
        try:
            async for response in self._send(subscriber, offsets):
                yield response
        finally:
            self._cache.unsubscribe(subscriber)
            reading.cancel()
            await asyncio.wait({reading})

    async def _read_subscription(
        self, requests: AsyncIterator[pb.WatchStandingRequest]
    ) -> tuple[int, ...] | None:
        """Returns the token's offsets, `()` for a snapshot, None if the caller sent nothing.

        Offsets of another topic, or from another database, mean nothing here.
        """
        first = await anext(requests, None)
        if first is None:
            return None
        if not first.HasField("subscribe"):
            raise _out_of_order("the first message must be subscribe")
        missing = CAPABILITIES.difference(first.subscribe.capabilities)
        if missing:
            raise _too_old(missing)
        token = first.subscribe.resume_token
        if not token:
            return ()
        return self._messages.read_token(self._partner_id, self._cache.topic_name, token)

    async def _read_renewals(
        self, requests: AsyncIterator[pb.WatchStandingRequest], subscriber: Subscriber
    ) -> None:
        # If the caller only closes its side, the stream goes on: it may still read.
        try:
            async for request in requests:
                self._accept_renewal(request, subscriber)
        except Exception as error:  # noqa: BLE001 - any error of reading ends the stream with it
            self.end(error)

    def _accept_renewal(self, request: pb.WatchStandingRequest, subscriber: Subscriber) -> None:
        if not request.HasField("renew"):
            raise _out_of_order("only the first message may be subscribe")
        # Step of the model: ReceiveRenewal
        received_at = self._cache.heartbeats.now()
        waiting = subscriber.add_renewal(request.renew.sequence, received_at)
        if waiting > MAX_WAITING_RENEWALS:
            raise unavailable(CommonReason.SLOW_CONSUMER, "too many renewals wait for a lease", 1.0)

    async def _send(
        self, subscriber: Subscriber, offsets: tuple[int, ...]
    ) -> AsyncGenerator[bytes]:
        has_started = False
        while self._error is None:
            if not has_started and self._cache.known_as_of(self._partner_id) is not None:
                has_started = True
                for response in self._first_responses(subscriber, offsets):
                    yield response
            if has_started:
                for response in self._next_responses(subscriber):
                    yield response
            await subscriber.wait()
        raise self._error

    def _first_responses(self, subscriber: Subscriber, offsets: tuple[int, ...]) -> Iterator[bytes]:
        """Returns the changes since the token, or a snapshot."""
        subscriber.take_changes()  # they are part of either
        standings = self._cache.changed_since(self._partner_id, offsets)
        is_snapshot = standings is None
        if standings is None:
            standings = self._cache.of_partner(self._partner_id)
        where = self._partner_id, self._cache.topic_name, self._cache.offsets
        return self._messages.pages(*where, standings, is_snapshot=is_snapshot)

    def _next_responses(self, subscriber: Subscriber) -> Iterator[bytes]:
        """Yields the collected changes, then the leases that follow them."""
        changes = subscriber.take_changes()
        known_as_of = self._cache.known_as_of(self._partner_id)
        offsets = self._cache.offsets
        # While a record about the partner cannot be read, changes are sent and renewals wait.
        renewals = subscriber.take_renewals() if known_as_of is not None else []
        # Step of the model: SendChanges
        if changes:
            where = self._partner_id, self._cache.topic_name, offsets
            yield from self._messages.changes(*where, changes)
        for sequence, received_at in renewals:
            assert known_as_of is not None, "renewals are taken only with a known time"
            # Step of the model: GrantLease
            lease = pb.WatchStandingResponse.Lease(
                sequence=sequence,
                # The newest heartbeat may have started after the renewal was received.
                knowledge_age_ns=max(0, received_at - known_as_of),
            )
            yield pb.WatchStandingResponse(lease=lease).SerializeToString()


def _too_old(missing: frozenset[str]) -> RpcError:
    # Only a gate of an earlier release subscribes without these. It reads no `requires`, so that it
    # would allow what a standing forbids.
    names = ", ".join(sorted(missing))
    return RpcError(
        grpc.StatusCode.FAILED_PRECONDITION,
        Reason.GATE_TOO_OLD,
        f"the gate does not know what every standing requires: {names}; upgrade the gate",
        {"missing": ",".join(sorted(missing))},
    )


def _out_of_order(message: str) -> RpcError:
    return RpcError(
        grpc.StatusCode.INVALID_ARGUMENT,
        CommonReason.VALIDATION_FAILED,
        message,
        {"violationCount": "1"},
        bad_request([("message", "OUT_OF_ORDER", message)]),
    )
