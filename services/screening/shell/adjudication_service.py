"""AdjudicationService: officers list hits and judge them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from safeconduct.screening.v1 import model_pb2, service_pb2_grpc
from safeconduct.screening.v1 import service_pb2 as pb

from chassis.rpc.authentication import current_principal
from chassis.rpc.errors import rpc_error
from chassis.rpc.page_tokens import Page
from chassis.telemetry.tracing import annotate
from services.screening.core.cases.verdicts import NO_HIT
from services.screening.core.commands import AdjudicateHit, ConfirmClearing, RejectClearing
from services.screening.core.evolve import ScreenedApplication
from services.screening.shell import codec
from services.screening.shell.dependencies import Dependencies, officer_of


class AdjudicationServicer(service_pb2_grpc.AdjudicationServiceServicer):
    """Serves `safeconduct.screening.v1.AdjudicationService`. The core enforces four eyes."""

    def __init__(self, dependencies: Dependencies) -> None:
        self._journal, self._page_tokens = dependencies.journal, dependencies.page_tokens
        self._mutations = dependencies.mutations()

    async def ListHits(self, request: pb.ListHitsRequest, context: Any) -> pb.ListHitsResponse:
        """Returns one page of hits, newest first."""
        state = codec.hit_state(request.state)
        application_id = UUID(request.application_id) if request.application_id else None
        purpose = f"ListHits/{current_principal().name}/{state}/{application_id}"
        page = self._page_tokens.page(purpose, request)
        rows = await self._rows(state, application_id, page)
        return pb.ListHitsResponse(
            hits=await self._cases(page.rows(rows)),
            next_page_token=page.next_token(rows, lambda row: (row["found_at"], row["hit_id"])),
        )

    async def GetHit(self, request: pb.GetHitRequest, context: Any) -> pb.GetHitResponse:
        """Returns one hit with its evidence."""
        hit_id = UUID(request.hit_id)
        current = await self._journal.read(await self._application_of(hit_id))
        assert current is not None, "the row of a hit is written with its application"
        return pb.GetHitResponse(hit=_case(current.state, hit_id))

    async def AdjudicateHit(
        self, request: pb.AdjudicateHitRequest, context: Any
    ) -> pb.AdjudicateHitResponse:
        """Records an officer's verdict, or proposes to clear an EXACT hit."""
        hit_id = UUID(request.hit_id)
        command = AdjudicateHit(
            officer_of(current_principal()),
            hit_id,
            codec.verdict(request.verdict),
            request.rationale,
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
        """Confirms another officer's proposal to clear an EXACT hit."""
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
        """Rejects another officer's proposal to clear an EXACT hit."""
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

    async def _application_of(self, hit_id: UUID) -> UUID:
        """Returns the application of a hit, which never changes. Raises RpcError NOT_FOUND."""
        rows = await self._journal.fetch("select application_id from hit where hit_id = $1", hit_id)
        if not rows:
            raise rpc_error(NO_HIT)
        application_id: UUID = rows[0]["application_id"]
        annotate({"application.id": str(application_id), "safeconduct.hit.id": str(hit_id)})
        return application_id

    async def _rows(self, state: str | None, application_id: UUID | None, page: Page) -> list[Any]:
        given = [value for value in (state, application_id) if value is not None]
        query = _query(state, application_id)
        return await self._journal.fetch(query, *page.after, page.limit, *given)

    async def _cases(self, rows: Any) -> list[model_pb2.HitCase]:
        ids = list({row["application_id"] for row in rows})
        streams = await self._journal.select("where id = any($1::uuid[])", ids)
        states = {each.id: each.state for each in streams}
        return [_case(states[row["application_id"]], row["hit_id"]) for row in rows]


def _query(state: str | None, application_id: UUID | None) -> str:
    """Returns a query that uses the index for its filter: none, a state, an application."""
    columns = [
        name
        for name, value in (("state", state), ("application_id", application_id))
        if value is not None
    ]
    filters = "".join(f" and {name} = ${number}" for number, name in enumerate(columns, 4))
    return (
        "select hit_id, application_id, found_at from hit"  # noqa: S608 - column names of this function
        f" where ($1::timestamptz is null or (found_at, hit_id) < ($1, $2::uuid)){filters}"
        " order by found_at desc, hit_id desc limit $3"
    )


def _case(application: ScreenedApplication, hit_id: UUID) -> model_pb2.HitCase:
    hit = application.find(hit_id)
    assert hit is not None, "the row of a hit names an application that has it"
    return codec.hit_case(application, hit)
