"""Calls of the screening service: ask about a party, read what was found about an application."""

from __future__ import annotations

from grpc import aio

from safeconduct.rpc.calls import Calls
from safeconduct.screening.v1 import model_pb2 as model
from safeconduct.screening.v1 import service_pb2 as service
from safeconduct.screening.v1 import service_pb2_grpc as stubs


class Screenings:
    """Screens parties against the restricted-party lists."""

    def __init__(self, channel: aio.Channel, calls: Calls) -> None:
        self._stub = stubs.ScreeningServiceStub(channel)
        self._calls = calls

    async def screen_party(self, party: model.PartyQuery) -> service.ScreenPartyResponse:
        """Screens one party now. Stores nothing."""
        return await self._calls.unary(self._stub.ScreenParty, service.ScreenPartyRequest(party=party))

    async def get(self, application_id: str) -> model.Screening:
        """The latest screening of an application, with all hits and their evidence. Officers only."""
        request = service.GetScreeningRequest(application_id=application_id)
        return (await self._calls.unary(self._stub.GetScreening, request)).screening

    async def timeline(self, application_id: str) -> service.GetScreeningTimelineResponse:
        """The events of one application's screening in order, with the trace of each."""
        request = service.GetScreeningTimelineRequest(application_id=application_id)
        return await self._calls.unary(self._stub.GetScreeningTimeline, request)
