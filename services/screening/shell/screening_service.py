"""ScreeningService: what partners and officers ask."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from itertools import count
from typing import Any
from uuid import UUID

from safeconduct.screening.v1 import service_pb2 as pb
from safeconduct.screening.v1 import service_pb2_grpc

from chassis.rpc.authentication import Principal, current_principal
from chassis.rpc.errors import CommonReason, RpcError, draining, rpc_error, unavailable
from chassis.store.journal import Journal
from chassis.store.stream import StoredStream
from chassis.telemetry.tracing import annotate
from services.screening.core.errors import Kind, Reason, Refusal
from services.screening.core.events import Event
from services.screening.core.evolve import ScreenedApplication
from services.screening.shell import codec
from services.screening.shell.bulk_screening import BulkScreening
from services.screening.shell.matcher import Asker
from services.screening.shell.screener import WAIT_S, Screener

NOT_VISIBLE = Refusal(Kind.PERMISSION, Reason.NOT_VISIBLE, "nothing of this id is visible to you")
NOT_FOUND = Refusal(Kind.NOT_FOUND, Reason.NOT_FOUND, "no screening of this application")


class ScreeningServicer(service_pb2_grpc.ScreeningServiceServicer):
    """The counter."""

    def __init__(self, journal: Journal[ScreenedApplication, Event], desk: Screener) -> None:
        self._journal, self._desk = journal, desk
        self._books: set[BulkScreening] = set()
        self._numbers = count(1)
        self._is_ending = False

    def drain(self) -> None:
        """Ends the streams; later ones end at once."""
        self._is_ending = True
        for book in self._books:
            book.end()

    async def ScreenParty(
        self, request: pb.ScreenPartyRequest, context: Any
    ) -> pb.ScreenPartyResponse:
        """One party, now."""
        asker = Asker(current_principal().name)
        return codec.answer(
            await self._desk.screen(codec.query(request.party), asker, wait_s=_patience(context))
        )

    async def ScreenParties(
        self, request_iterator: AsyncIterator[pb.ScreenPartiesRequest], context: Any
    ) -> AsyncIterator[pb.ScreenPartiesResponse]:
        """Many parties, as they come. Nothing is read before the lists are loaded: a book is not answered in vain."""
        if self._is_ending:
            raise draining()
        if self._desk.generation is None:
            raise unavailable(CommonReason.NOT_READY, "the lists are not loaded", 1.0)
        # Each stream is served in turn with the caller's others, and all of them together with other callers.
        book = BulkScreening(self._desk, Asker(current_principal().name, str(next(self._numbers))))
        self._books.add(book)
        try:
            async with aclosing(book.answers(request_iterator)) as answers:
                async for answer in answers:
                    yield answer
        finally:
            self._books.discard(book)

    async def GetScreening(
        self, request: pb.GetScreeningRequest, context: Any
    ) -> pb.GetScreeningResponse:
        """The latest screening of an application."""
        found = await self._shown(request.application_id)
        history = await self._journal.history(found.id)
        trace_id = history[found.version - 1].trace_id
        return pb.GetScreeningResponse(screening=codec.screening(found.state.latest, trace_id))

    async def GetScreeningTimeline(
        self, request: pb.GetScreeningTimelineRequest, context: Any
    ) -> pb.GetScreeningTimelineResponse:
        """Its events."""
        found = await self._shown(request.application_id)
        history = await self._journal.history(found.id)
        return pb.GetScreeningTimelineResponse(
            entries=[codec.timeline_entry(each) for each in history]
        )

    async def _shown(self, application_id: str) -> StoredStream[ScreenedApplication]:
        """What is kept of the application, if the caller may see it. Raises Refused."""
        annotate({"application.id": application_id})
        principal = current_principal()
        rows = await self._journal.select(
            "where id = $1 and kind = 'screening'", UUID(application_id)
        )
        if rows and (
            principal.kind == "officer" or rows[0].state.partner_id == principal.partner_id
        ):
            return rows[0]
        raise _hidden(principal)


def _hidden(principal: Principal) -> RpcError:
    """A partner never learns whether others' applications exist."""
    return rpc_error(NOT_FOUND if principal.kind == "officer" else NOT_VISIBLE)


def _patience(context: Any) -> float:
    """Seconds that a caller waits: the answer that it could not be told must arrive before its deadline."""
    remaining = context.time_remaining() if context is not None else None
    return WAIT_S if remaining is None else min(WAIT_S, 0.9 * remaining)
