"""ScreenParties: screens the parties of one stream, in order, at the pace of the workers.

A limited number of parties is in progress. Nothing more is read before the first of them is
answered, so a caller that sends a million parties waits in the flow control of HTTP/2 and not in
our memory. Answers come in the order of the requests, so that their index versions never go back
and a caller knows where to continue.
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
from services.screening.shell.matcher import Caller, MatcherError
from services.screening.shell.screener import Screener

IN_PROGRESS: Final = 32
"""Parties of one stream that are read and not answered: enough to keep all workers busy."""


class BulkScreening:
    """One stream of parties."""

    def __init__(self, screener: Screener, caller: Caller) -> None:
        self._screener, self._caller = screener, caller
        self._slots = asyncio.Semaphore(IN_PROGRESS)
        self._tasks: asyncio.Queue[asyncio.Task[pb.ScreenPartiesResponse] | None] = asyncio.Queue()
        self._reader: asyncio.Task[None] | None = None
        self._counts: Counter[str] = Counter()
        self._is_draining = False

    def end(self) -> None:
        """Stops reading, because the server shuts down.

        Parties that were read are still answered.
        """
        self._is_draining = True
        if self._reader is not None:
            self._reader.cancel()

    async def answers(
        self, requests: AsyncIterator[pb.ScreenPartiesRequest]
    ) -> AsyncGenerator[pb.ScreenPartiesResponse]:
        """Yields one answer for each request, in order.

        Raises RpcError for a message without an id, and if the server shuts down.
        """
        self._reader = asyncio.create_task(self._read(requests))
        try:
            while (task := await self._tasks.get()) is not None:
                yield await task
                self._slots.release()
            if self._is_draining:
                raise draining()
            await self._reader
        finally:
            await self._cancel_all()
            annotate(
                {
                    f"safeconduct.parties.{result.lower()}": str(count)
                    for result, count in self._counts.items()
                }
            )

    async def _read(self, requests: AsyncIterator[pb.ScreenPartiesRequest]) -> None:
        try:
            await self._slots.acquire()
            async for request in requests:
                self._tasks.put_nowait(asyncio.create_task(self._answer(request)))
                await self._slots.acquire()
        finally:
            self._tasks.put_nowait(None)

    async def _cancel_all(self) -> None:
        """Cancels what is left, so that a caller who is gone costs no more time."""
        assert self._reader is not None, "the stream has begun"
        left: list[asyncio.Task[None] | asyncio.Task[pb.ScreenPartiesResponse]] = [self._reader]
        while not self._tasks.empty():
            if (task := self._tasks.get_nowait()) is not None:
                left.append(task)
        for each in left:
            each.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _answer(self, request: pb.ScreenPartiesRequest) -> pb.ScreenPartiesResponse:
        try:
            # The contract does not check the party here: one invalid party must not end the stream.
            check(pb.ScreenPartyRequest(party=request.party if request.HasField("party") else None))
            screening = await self._screener.screen_in_bulk(
                codec.query(request.party), self._caller
            )
        except RpcError as error:
            return self._refused(request, _refusal(error))
        except MatcherError:
            message = "screening failed at this party"
            return self._refused(
                request, pb.PartyRefusal(reason=CommonReason.INTERNAL, message=message)
            )
        self._counts[screening.result.value] += 1
        return codec.bulk_answer(request.query_id, screening)

    def _refused(
        self, request: pb.ScreenPartiesRequest, refusal: pb.PartyRefusal
    ) -> pb.ScreenPartiesResponse:
        self._counts["REFUSED"] += 1
        return pb.ScreenPartiesResponse(query_id=request.query_id, refusal=refusal)


def _refusal(error: RpcError) -> pb.PartyRefusal:
    """Returns the refusal of a call as the refusal of one party."""
    faults = [
        pb.PartyFault(field=one.field, reason=one.reason, description=one.description)
        for detail in error.details
        if isinstance(detail, error_details_pb2.BadRequest)
        for one in detail.field_violations
    ]
    return pb.PartyRefusal(reason=error.reason, message=error.message, faults=faults)
