"""ScreenParties: a caller's book, party by party, at the pace of screening.

So many parties are under way, and nothing more is read before the first of them is answered: who sends a million waits
in the flow control of HTTP/2, not in our memory. Answers come in the order of the requests, so that the lists they name
only move forward and a caller knows where to go on.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Final

from google.rpc import error_details_pb2
from safeconduct.screening.v1 import service_pb2 as pb

from chassis.rpc.errors import CommonReason, RpcError, draining
from chassis.rpc.validation import check
from chassis.telemetry.tracing import annotate
from services.screening.shell import codec
from services.screening.shell.matcher import Asker, MatcherError
from services.screening.shell.screener import Screener

UNDER_WAY: Final = 32
"""Parties of one stream that were read and are not answered yet: enough to keep every worker busy."""


class BulkScreening:
    """One stream of parties."""

    def __init__(self, desk: Screener, asker: Asker) -> None:
        self._desk, self._asker = desk, asker
        self._room = asyncio.Semaphore(UNDER_WAY)
        self._coming: asyncio.Queue[asyncio.Task[pb.ScreenPartiesResponse] | None] = asyncio.Queue()
        self._reading: asyncio.Task[None] | None = None
        self._counts: Counter[str] = Counter()
        self._is_ending = False

    def end(self) -> None:
        """The server ends: what was read is answered, and the stream breaks."""
        self._is_ending = True
        if self._reading is not None:
            self._reading.cancel()

    async def answers(
        self, requests: AsyncIterator[pb.ScreenPartiesRequest]
    ) -> AsyncGenerator[pb.ScreenPartiesResponse]:
        """One answer a request, in order. Raises Refused for a message without an id, and when the server ends."""
        self._reading = asyncio.create_task(self._read(requests))
        try:
            while (answering := await self._coming.get()) is not None:
                yield await answering
                self._room.release()
            if self._is_ending:
                raise draining()
            await self._reading
        finally:
            await self._stop()
            annotate(
                {
                    f"safeconduct.parties.{result.lower()}": str(count)
                    for result, count in self._counts.items()
                }
            )

    async def _read(self, requests: AsyncIterator[pb.ScreenPartiesRequest]) -> None:
        try:
            await self._room.acquire()
            async for request in requests:
                self._coming.put_nowait(asyncio.create_task(self._answer(request)))
                await self._room.acquire()
        finally:
            self._coming.put_nowait(None)

    async def _stop(self) -> None:
        """Whoever left is not screened for any more."""
        assert self._reading is not None, "the stream has begun"
        left: list[asyncio.Task[None] | asyncio.Task[pb.ScreenPartiesResponse]] = [self._reading]
        while not self._coming.empty():
            if (answering := self._coming.get_nowait()) is not None:
                left.append(answering)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _answer(self, request: pb.ScreenPartiesRequest) -> pb.ScreenPartiesResponse:
        try:
            # The party as ScreenParty would check it.
            check(pb.ScreenPartyRequest(party=request.party if request.HasField("party") else None))
            screening = await self._desk.screen_one_of_many(codec.query(request.party), self._asker)
        except RpcError as refusal:
            self._counts["REFUSED"] += 1
            return pb.ScreenPartiesResponse(query_id=request.query_id, refusal=_refusal(refusal))
        except MatcherError:
            self._counts["REFUSED"] += 1
            failed = pb.PartyRefusal(
                reason=CommonReason.INTERNAL, message="screening failed at this party"
            )
            return pb.ScreenPartiesResponse(query_id=request.query_id, refusal=failed)
        self._counts[screening.result.value] += 1
        return codec.answer_of_many(request.query_id, screening)


def _refusal(refusal: RpcError) -> pb.PartyRefusal:
    """The refusal of a call, told of one party."""
    faults = [
        pb.PartyFault(field=one.field, reason=one.reason, description=one.description)
        for detail in refusal.details
        if isinstance(detail, error_details_pb2.BadRequest)
        for one in detail.field_violations
    ]
    return pb.PartyRefusal(reason=refusal.reason, message=refusal.message, faults=faults)
