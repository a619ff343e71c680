"""AdjudicationService: officers list hits and judge them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from safeconduct.screening.v1 import model_pb2, service_pb2_grpc
from safeconduct.screening.v1 import service_pb2 as pb

from chassis.rpc.authentication import current_principal
from chassis.rpc.errors import rpc_error
from chassis.store.list_pages import Lists
from chassis.telemetry.tracing import annotate
from services.screening.core.cases.verdicts import NO_HIT
from services.screening.core.commands import (
    AdjudicateHit,
    ConfirmClearing,
    RejectClearing,
    WithdrawVerdict,
)
from services.screening.core.evolve import KnownHit, ScreenedApplication
from services.screening.core.visibility import refuse_conflict
from services.screening.shell import codec, listings
from services.screening.shell.dependencies import Dependencies, officer_of


class AdjudicationServicer(service_pb2_grpc.AdjudicationServiceServicer):
    """Serves `safeconduct.screening.v1.AdjudicationService`. The core enforces four eyes."""

    def __init__(self, dependencies: Dependencies) -> None:
        self._journal = dependencies.journal
        self._lists = Lists(dependencies.journal, dependencies.page_tokens)
        self._summaries = self._lists.summaries(
            pb.HitSummary,
            "application_id",
            lambda stream, row: codec.hit_summary(
                stream.state, _known(stream.state, row["hit_id"])
            ),
        )
        self._details = self._lists.details(
            "application_id", lambda stream, row: _case(stream.state, row["hit_id"])
        )
        self._mutations = dependencies.mutations()
        self._rescreening = dependencies.rescreening
        self._two_officers = dependencies.hit_rules.two_officers

    async def ListHits(self, request: pb.ListHitsRequest, context: Any) -> pb.ListHitsResponse:
        """Returns one page of hits."""
        caller = current_principal()
        query = listings.hits(request, caller)
        if request.HasField("filter"):
            page = await self._lists.read(caller.name, request, query, self._summaries)
            return pb.ListHitsResponse(
                summaries=page.elements,
                next_page_token=page.next_page_token,
                total_size=page.total_size,
                has_more_than_total=page.has_more_than_total,
            )
        # Clients of the release before read whole hits.
        whole = await self._lists.read(caller.name, request, query, self._details)
        return pb.ListHitsResponse(
            hits=whole.elements,
            next_page_token=whole.next_page_token,
            total_size=whole.total_size,
            has_more_than_total=whole.has_more_than_total,
        )

    async def GetHit(self, request: pb.GetHitRequest, context: Any) -> pb.GetHitResponse:
        """Returns one hit with its evidence."""
        hit_id = UUID(request.hit_id)
        current = await self._journal.read(await self._application_of(hit_id))
        assert current is not None, "the row of a hit is written with its application"
        conflict = refuse_conflict(current.state, current_principal())
        if conflict is not None:
            raise rpc_error(conflict)
        return pb.GetHitResponse(hit=_case(current.state, hit_id))

    async def AdjudicateHit(
        self, request: pb.AdjudicateHitRequest, context: Any
    ) -> pb.AdjudicateHitResponse:
        """Records an officer's verdict, or proposes to clear a hit."""
        hit_id = UUID(request.hit_id)
        command = AdjudicateHit(
            officer_of(current_principal()),
            hit_id,
            codec.verdict(request.verdict),
            request.rationale,
            self._two_officers,
        )
        return await self._mutations.run(
            await self._application_of(hit_id),
            request,
            command,
            lambda state: pb.AdjudicateHitResponse(hit=_case(state, hit_id)),
        )

    async def ConfirmClearing(
        self, request: pb.ConfirmClearingRequest, context: Any
    ) -> pb.ConfirmClearingResponse:
        """Confirms another officer's proposal to clear a hit."""
        hit_id = UUID(request.hit_id)
        command = ConfirmClearing(
            officer_of(current_principal()), hit_id, UUID(request.clearing_id), request.rationale
        )
        return await self._mutations.run(
            await self._application_of(hit_id),
            request,
            command,
            lambda state: pb.ConfirmClearingResponse(hit=_case(state, hit_id)),
        )

    async def RejectClearing(
        self, request: pb.RejectClearingRequest, context: Any
    ) -> pb.RejectClearingResponse:
        """Rejects another officer's proposal to clear a hit."""
        hit_id = UUID(request.hit_id)
        command = RejectClearing(
            officer_of(current_principal()), hit_id, UUID(request.clearing_id), request.rationale
        )
        return await self._mutations.run(
            await self._application_of(hit_id),
            request,
            command,
            lambda state: pb.RejectClearingResponse(hit=_case(state, hit_id)),
        )

    async def WithdrawVerdict(
        self, request: pb.WithdrawVerdictRequest, context: Any
    ) -> pb.WithdrawVerdictResponse:
        """Withdraws the verdict on a hit, which is open again; then wakes what follows from it."""
        hit_id = UUID(request.hit_id)
        command = WithdrawVerdict(
            officer_of(current_principal()), hit_id, UUID(request.verdict_id), request.rationale
        )
        response = await self._mutations.run(
            await self._application_of(hit_id),
            request,
            command,
            lambda state: pb.WithdrawVerdictResponse(hit=_case(state, hit_id)),
        )
        self._rescreening.wake()
        return response

    async def _application_of(self, hit_id: UUID) -> UUID:
        """Returns the application of a hit, which never changes. Raises RpcError NOT_FOUND."""
        rows = await self._journal.fetch("select application_id from hit where hit_id = $1", hit_id)
        if not rows:
            raise rpc_error(NO_HIT)
        application_id: UUID = rows[0]["application_id"]
        annotate({"application.id": str(application_id), "safeconduct.hit.id": str(hit_id)})
        return application_id


def _case(application: ScreenedApplication, hit_id: UUID) -> model_pb2.HitCase:
    return codec.hit_case(application, _known(application, hit_id))


def _known(application: ScreenedApplication, hit_id: UUID) -> KnownHit:
    hit = application.find(hit_id)
    assert hit is not None, "the row of a hit names an application that has it"
    return hit
