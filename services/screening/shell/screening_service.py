"""ScreeningService: screens parties, and shows what screening found about an application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from itertools import count
from typing import Any, Final
from uuid import UUID

from safeconduct.screening.v1 import service_pb2 as pb
from safeconduct.screening.v1 import service_pb2_grpc

from chassis.rpc.authentication import current_principal
from chassis.rpc.errors import CommonReason, draining, unavailable
from services.screening.shell import codec
from services.screening.shell.bulk_screening import BulkScreening
from services.screening.shell.dependencies import Dependencies
from services.screening.shell.matcher import Caller
from services.screening.shell.screener import WAIT_S

_DEADLINE_SHARE: Final = 0.9


class ScreeningServicer(service_pb2_grpc.ScreeningServiceServicer):
    """Serves `safeconduct.screening.v1.ScreeningService`."""

    def __init__(self, dependencies: Dependencies) -> None:
        self._dependencies = dependencies
        self._streams: set[BulkScreening] = set()
        self._stream_numbers = count(1)
        self._is_draining = False

    def drain(self) -> None:
        """Ends the open streams after the parties they have read. Later streams end at once."""
        self._is_draining = True
        for stream in self._streams:
            stream.end()

    async def ScreenParty(
        self, request: pb.ScreenPartyRequest, context: Any
    ) -> pb.ScreenPartyResponse:
        """Screens one party."""
        screening = await self._dependencies.screener.screen(
            codec.query(request.party),
            Caller(current_principal().name),
            wait_s=_wait_seconds(context),
        )
        return codec.answer(screening)

    async def ScreenParties(
        self, request_iterator: AsyncIterator[pb.ScreenPartiesRequest], context: Any
    ) -> AsyncIterator[pb.ScreenPartiesResponse]:
        """Screens the parties of a stream. While no list is loaded, the stream is refused.

        Otherwise every party would be answered UNDETERMINED, and the caller would have to send all
        of them again.
        """
        if self._is_draining:
            raise draining()
        screener = self._dependencies.screener
        if screener.index is None:
            raise unavailable(CommonReason.NOT_READY, "the lists are not loaded", 1.0)
        # Each stream takes turns with the caller's other streams, and callers with each other.
        caller = Caller(current_principal().name, str(next(self._stream_numbers)))
        stream = BulkScreening(screener, caller)
        self._streams.add(stream)
        try:
            async with aclosing(stream.answers(request_iterator)) as answers:
                async for answer in answers:
                    yield answer
        finally:
            self._streams.discard(stream)

    async def GetScreening(
        self, request: pb.GetScreeningRequest, context: Any
    ) -> pb.GetScreeningResponse:
        """Returns the latest screening of an application."""
        found = await self._dependencies.get_visible(
            UUID(request.application_id), current_principal()
        )
        history = await self._dependencies.journal.history(found.id)
        trace_id = history[found.version - 1].trace_id
        return pb.GetScreeningResponse(screening=codec.screening(found.state.latest, trace_id))

    async def GetScreeningTimeline(
        self, request: pb.GetScreeningTimelineRequest, context: Any
    ) -> pb.GetScreeningTimelineResponse:
        """Returns the events of an application's screening."""
        found = await self._dependencies.get_visible(
            UUID(request.application_id), current_principal()
        )
        history = await self._dependencies.journal.history(found.id)
        return pb.GetScreeningTimelineResponse(
            entries=[codec.timeline_entry(each) for each in history]
        )


def _wait_seconds(context: Any) -> float:
    """Returns the time a party may take, so that the answer comes before the deadline."""
    remaining = context.time_remaining() if context is not None else None
    return WAIT_S if remaining is None else min(WAIT_S, _DEADLINE_SHARE * remaining)
