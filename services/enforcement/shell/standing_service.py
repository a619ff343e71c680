"""StandingService: gates and partners read the standings of their licenses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from safeconduct.enforcement.v1 import service_pb2 as pb
from safeconduct.enforcement.v1 import service_pb2_grpc
from safeconduct.standing import Standing, judge

from chassis.rpc.authentication import Principal, current_principal
from chassis.rpc.errors import CommonReason, draining, rpc_error, unavailable
from chassis.store.stream import etag_of
from chassis.telemetry.tracing import annotate
from services.enforcement.core.visibility import (
    is_event_visible,
    is_officer,
    is_visible,
    refuse_conflict,
    refuse_license,
    visible_actor,
)
from services.enforcement.shell import codec, request_codec
from services.enforcement.shell.change_messages import ChangeMessages
from services.enforcement.shell.dependencies import Dependencies
from services.enforcement.shell.gate_stream import GateStream


class StandingServicer(service_pb2_grpc.StandingServiceServicer):
    """Serves `safeconduct.enforcement.v1.StandingService`."""

    def __init__(self, dependencies: Dependencies) -> None:
        self._journal = dependencies.journal
        self._standing_cache = dependencies.standing_cache
        self._change_messages = ChangeMessages(dependencies.page_tokens)
        self._clock = dependencies.clock
        self._streams: set[GateStream] = set()
        self._is_draining = False

    def drain(self) -> None:
        """Ends every stream, and refuses later ones, so that gates move to another replica."""
        self._is_draining = True
        for stream in self._streams:
            stream.end(draining())

    async def CheckAccess(
        self, request: pb.CheckAccessRequest, context: Any
    ) -> pb.CheckAccessResponse:
        """Decides one access with the standings of this replica, by the rule that gates follow."""
        annotate({"license.id": request.license_id})
        age_ns = self._standing_cache.heartbeats.age_ns()
        if age_ns is None:
            raise unavailable(
                CommonReason.NOT_READY, "this replica does not know all standings yet", 1.0
            )
        standing = self._visible_standing(UUID(request.license_id))
        is_certain = (
            standing is None or self._standing_cache.known_as_of(standing.partner_id) is not None
        )
        verdict = judge(
            standing,
            request_codec.access(request),
            self._clock(),
            age_ns if is_certain else None,
        )
        return pb.CheckAccessResponse(
            verdict=codec.access_verdict(verdict.reason),
            standing_version=verdict.standing_version,
            knowledge_age_ms=age_ns // 1_000_000,
            explanation=verdict.explanation,
        )

    async def WatchStanding(  # type: ignore[override]  # yields bytes: the interceptor sends serialized responses unchanged
        self, request_iterator: AsyncIterator[pb.WatchStandingRequest], context: Any
    ) -> AsyncIterator[bytes]:
        """Streams the standings of the caller's partner."""
        if self._is_draining:
            raise draining()
        stream = GateStream(
            self._standing_cache, self._change_messages, _partner_of(current_principal())
        )
        self._streams.add(stream)
        try:
            async for response in stream.responses(request_iterator):
                yield response
        finally:
            self._streams.discard(stream)

    async def GetLicenseTimeline(
        self, request: pb.GetLicenseTimelineRequest, context: Any
    ) -> pb.GetLicenseTimelineResponse:
        """Returns the events that the caller may see, oldest first."""
        annotate({"license.id": request.license_id})
        caller, license_id = current_principal(), UUID(request.license_id)
        current = await self._journal.read(license_id)
        is_known = current is not None and current.state.is_registered
        partner_id = current.state.partner_id if current is not None and is_known else None
        refusal = refuse_license(partner_id, caller)
        if refusal is not None or current is None:
            assert refusal is not None, "nobody may see what does not exist"
            raise rpc_error(refusal)
        # An event may be stored between the two reads. It is left to the next call, so that etag
        # and pending reinstatement belong to the events that are returned.
        history = (await self._journal.history(license_id))[: current.version]
        response = pb.GetLicenseTimelineResponse(
            entries=[
                codec.timeline_entry(each, visible_actor(each.actor, caller))
                for each in history
                if is_event_visible(each.name, caller)
            ]
        )
        if is_officer(caller):
            response.etag = etag_of(current.version)
            pending = codec.pending_reinstatement(current.state)
            if pending is not None:
                response.pending_reinstatement.CopyFrom(pending)
        return response

    def _visible_standing(self, license_id: UUID) -> Standing | None:
        """Returns what the cache knows, or None if the caller may not see it.

        Raises RpcError CONFLICT_OF_INTEREST for an officer of the partner.
        """
        standing, caller = self._standing_cache.find(license_id), current_principal()
        partner_id = standing.partner_id if standing is not None else None
        conflict = refuse_conflict(partner_id, caller)
        if conflict is not None:
            raise rpc_error(conflict)
        return standing if is_visible(partner_id, caller) else None


def _partner_of(principal: Principal) -> str:
    assert principal.partner_id is not None, "the contract admits only partners and gates"
    return principal.partner_id
