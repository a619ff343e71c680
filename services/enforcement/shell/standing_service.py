"""StandingService: what gates ask. ConductService: what anyone reports."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from safeconduct.enforcement.v1 import service_pb2 as pb
from safeconduct.enforcement.v1 import service_pb2_grpc

from chassis.rpc.authentication import Principal, current_principal
from chassis.rpc.errors import CommonReason, draining, rpc_error, unavailable
from chassis.rpc.page_tokens import PageTokens
from chassis.store.idempotency import IdempotencyKey
from chassis.store.journal import Journal
from chassis.store.stream import etag_of
from chassis.telemetry.tracing import annotate
from services.enforcement.core.access import judge
from services.enforcement.core.commands import Reporter
from services.enforcement.core.credibility import ReporterRole
from services.enforcement.core.decide import decide
from services.enforcement.core.errors import not_found, not_visible
from services.enforcement.core.events import Event
from services.enforcement.core.evolve import LicenseConduct
from services.enforcement.core.model import Standing
from services.enforcement.core.reports import told_in
from services.enforcement.core.visibility import actor_for_partner, partner_sees
from services.enforcement.shell import codec
from services.enforcement.shell.event_handlers import utc_now
from services.enforcement.shell.gate_stream import GateStream
from services.enforcement.shell.standing_cache import StandingCache


class StandingServicer(service_pb2_grpc.StandingServiceServicer):
    """The gates' desk."""

    def __init__(
        self,
        journal: Journal[LicenseConduct, Event],
        board: StandingCache,
        tokens: PageTokens,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._journal, self._board, self._tokens, self._clock = journal, board, tokens, clock
        self._streams: set[GateStream] = set()
        self._is_draining = False

    def drain(self) -> None:
        """Ends every stream, and every later one at once."""
        self._is_draining = True
        for stream in self._streams:
            stream.end(draining())

    async def CheckAccess(
        self, request: pb.CheckAccessRequest, context: Any
    ) -> pb.CheckAccessResponse:
        """Decides on this replica's copy."""
        annotate({"license.id": request.license_id})
        age = self._board.ticks.age_ns()
        if age is None:
            raise unavailable(
                CommonReason.NOT_READY, "this server does not know every standing yet", 1.0
            )
        standing = self._visible(UUID(request.license_id), current_principal())
        is_certain = standing is None or self._board.moment(standing.partner_id) is not None
        judgement = judge(
            standing, codec.access(request), self._clock(), age if is_certain else None
        )
        return pb.CheckAccessResponse(
            verdict=codec.verdict(judgement),
            standing_version=standing.version if standing is not None else 0,
            knowledge_age_ms=age // 1_000_000,
            explanation=judgement.sentence,
        )

    async def WatchStanding(  # type: ignore[override]  # the responses are serialized already: the interceptor sends bytes as they are
        self, request_iterator: AsyncIterator[pb.WatchStandingRequest], context: Any
    ) -> AsyncIterator[bytes]:
        """Follows the caller's partner's licenses."""
        if self._is_draining:
            raise draining()
        stream = GateStream(self._board, self._tokens, _partner_of(current_principal()))
        self._streams.add(stream)
        try:
            async for response in stream.responses(request_iterator):
                yield response
        finally:
            self._streams.discard(stream)

    async def GetLicenseTimeline(
        self, request: pb.GetLicenseTimelineRequest, context: Any
    ) -> pb.GetLicenseTimelineResponse:
        """All events for an officer; for the partner those that are in force."""
        annotate({"license.id": request.license_id})
        principal = current_principal()
        license_id = UUID(request.license_id)
        found = await self._journal.read(license_id)
        if principal.kind == "officer":
            if found is None:
                raise rpc_error(not_found("license"))
            history = await self._journal.history(license_id)
            return pb.GetLicenseTimelineResponse(
                entries=[codec.timeline_entry(each, each.actor) for each in history],
                etag=etag_of(len(history)),
            )
        if found is None or found.state.partner_id != principal.partner_id:
            raise rpc_error(not_visible())
        history = [
            each for each in await self._journal.history(license_id) if partner_sees(each.name)
        ]
        return pb.GetLicenseTimelineResponse(
            entries=[codec.timeline_entry(each, actor_for_partner(each.actor)) for each in history]
        )

    def _visible(self, license_id: UUID, principal: Principal) -> Standing | None:
        """What the caller may know: a partner and its gates their own, officers all."""
        standing = self._board.find(license_id)
        is_own = standing is not None and standing.partner_id == principal.partner_id
        return standing if is_own or principal.kind == "officer" else None


class ConductServicer(service_pb2_grpc.ConductServiceServicer):
    """The desk for reports."""

    def __init__(
        self, journal: Journal[LicenseConduct, Event], clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._journal, self._clock = journal, clock

    async def ReportConduct(
        self, request: pb.ReportConductRequest, context: Any
    ) -> pb.ReportConductResponse:
        """Stores the report; it opens a case or joins one."""
        annotate({"license.id": request.license_id})
        principal = current_principal()
        reporter = Reporter(principal.name, ReporterRole(principal.kind), principal.partner_id)
        command = codec.report_conduct(request, reporter, uuid4(), uuid4())

        def respond(conduct: LicenseConduct) -> pb.ReportConductResponse:
            case, report = told_in(conduct, command)
            return pb.ReportConductResponse(
                violation_id=str(case.violation_id), report_id=str(report.report_id)
            )

        answer = await self._journal.execute(
            UUID(request.license_id),
            IdempotencyKey.of_request(principal.name, "ReportConduct", request),
            principal.name,
            lambda conduct: decide(conduct, command, self._clock()),
            respond,
            pb.ReportConductResponse,
            dry_run=request.validate_only,
        )
        assert answer is not None
        # Nothing is stored, so there is nothing to name; naming a case would tell whether others reported before.
        return pb.ReportConductResponse() if request.validate_only else answer


def _partner_of(principal: Principal) -> str:
    assert principal.partner_id is not None, "the contract lets only partners and gates in"
    return principal.partner_id
