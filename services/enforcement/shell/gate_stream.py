"""One gate's stream: a snapshot or what changed since its token, then changes, and a lease for every renewal.

A lease is answered behind every change that was known when it is answered, so whoever holds it knows them all.
Nothing is said before the replica knows everything as of some moment.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from typing import Final

import grpc
from safeconduct.enforcement.v1 import service_pb2 as pb

from chassis.rpc.errors import CommonReason, RpcError, bad_request, unavailable
from chassis.rpc.page_tokens import PageTokens
from services.enforcement.shell import codec
from services.enforcement.shell.standing_cache import Follower, Known, StandingCache

PAGE: Final = 200
MAX_WAITING: Final = 100
"""Renewals that may wait for an answer; a gate sends about one a second and gives up after a few."""


class GateStream:
    """The stream of one caller, who sees the licenses of `partner_id`."""

    def __init__(self, board: StandingCache, tokens: PageTokens, partner_id: str) -> None:
        self._board, self._tokens, self._partner_id = board, tokens, partner_id
        self._fault: Exception | None = None
        self._follower: Follower | None = None

    def end(self, fault: Exception) -> None:
        """Ends the stream with this fault as soon as what is being sent is sent."""
        self._fault = self._fault or fault
        if self._follower is not None:
            self._follower.wake()

    async def responses(
        self, requests: AsyncIterator[pb.WatchStandingRequest]
    ) -> AsyncGenerator[bytes]:
        """What the gate is told, serialized. Raises Refused for a message out of order or a token that is not ours."""
        places = await self._subscribed(requests)
        if places is None:
            return
        follower = self._follower = self._board.follow(self._partner_id)
        listening = asyncio.create_task(self._listen(requests, follower))
        try:
            async for response in self._tell(follower, places):
                yield response
        finally:
            self._board.leave(follower)
            listening.cancel()
            await asyncio.wait({listening})

    async def _subscribed(
        self, requests: AsyncIterator[pb.WatchStandingRequest]
    ) -> tuple[int, ...] | None:
        """The places in the caller's token, none for a snapshot; None when the caller went without a word."""
        first = await anext(requests, None)
        if first is None:
            return None
        if not first.HasField("subscribe"):
            raise _out_of_order("the first message must be subscribe")
        token = first.subscribe.resume_token
        return (
            tuple(int(place) for place in self._tokens.decode(self._purpose, token))
            if token
            else ()
        )

    async def _listen(
        self, requests: AsyncIterator[pb.WatchStandingRequest], follower: Follower
    ) -> None:
        # Whoever only stops to send may go on to read.
        try:
            async for request in requests:
                self._hear(request, follower)
        except Exception as fault:  # noqa: BLE001 - whatever it is, the stream ends with it
            self.end(fault)

    def _hear(self, request: pb.WatchStandingRequest, follower: Follower) -> None:
        if not request.HasField("renew"):
            raise _out_of_order("only the first message may be subscribe")
        if follower.renew(request.renew.sequence, self._board.ticks.now()) > MAX_WAITING:
            raise unavailable(
                CommonReason.SLOW_CONSUMER, "too many renewals wait for an answer", 1.0
            )

    async def _tell(self, follower: Follower, places: tuple[int, ...]) -> AsyncGenerator[bytes]:
        has_begun = False
        while self._fault is None:
            if not has_begun and self._board.moment(self._partner_id) is not None:
                has_begun = True
                for response in self._beginning(follower, places):
                    yield response
            if has_begun:
                for response in self._news(follower):
                    yield response
            await follower.wait()
        raise self._fault

    def _beginning(self, follower: Follower, places: tuple[int, ...]) -> Iterator[bytes]:
        """What the token leaves open, or everything."""
        follower.take_changes()  # they are part of what follows
        backlog = self._board.since(self._partner_id, places)
        if backlog is not None:
            return self._pages(backlog, self._board.places, is_snapshot=False)
        return self._pages(
            self._board.of_partner(self._partner_id), self._board.places, is_snapshot=True
        )

    def _news(self, follower: Follower) -> Iterator[bytes]:
        """Changes, and behind them the leases that can be given as of the same moment."""
        changes, moment, places = (
            follower.take_changes(),
            self._board.moment(self._partner_id),
            self._board.places,
        )
        # While something about the partner cannot be read, changes go on and renewals wait.
        renewals = follower.take_renewals() if moment is not None else []
        if changes:
            yield from self._pages(changes, places, is_snapshot=False)
        for sequence, received_at in renewals:
            assert moment is not None, "renewals are taken only then"
            lease = pb.WatchStandingResponse.Lease(
                sequence=sequence, knowledge_age_ns=max(0, received_at - moment)
            )
            yield pb.WatchStandingResponse(lease=lease).SerializeToString()

    def _pages(
        self, known: Sequence[Known], places: tuple[int, ...], *, is_snapshot: bool
    ) -> Iterator[bytes]:
        """At least one message; the last one carries the token of the whole."""
        token = self._tokens.encode(self._purpose, places)
        for start in range(0, max(len(known), 1), PAGE):
            parts = [each.part for each in known[start : start + PAGE]]
            has_more = start + PAGE < len(known)
            yield codec.standing_changes(
                parts, "" if has_more else token, is_snapshot=is_snapshot, has_more=has_more
            )

    @property
    def _purpose(self) -> str:
        return f"WatchStanding/{self._partner_id}"


def _out_of_order(why: str) -> RpcError:
    return RpcError(
        grpc.StatusCode.INVALID_ARGUMENT,
        CommonReason.VALIDATION_FAILED,
        why,
        {"violationCount": "1"},
        bad_request([("message", "OUT_OF_ORDER", why)]),
    )
