"""AdjudicationService: officers say whether a list entry is the party that it resembles."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from safeconduct.screening.v1 import model_pb2, service_pb2_grpc
from safeconduct.screening.v1 import service_pb2 as pb

from chassis.rpc.authentication import Principal, current_principal
from chassis.rpc.errors import rpc_error
from chassis.rpc.mutation import Mutations
from chassis.rpc.page_tokens import PageTokens, page_size
from chassis.store.journal import Journal
from chassis.telemetry.tracing import annotate
from services.screening.core.cases.verdicts import NO_HIT
from services.screening.core.commands import (
    AdjudicateHit,
    Command,
    ConfirmClearing,
    Officer,
    RejectClearing,
)
from services.screening.core.decide import decide
from services.screening.core.events import Event
from services.screening.core.evolve import ScreenedApplication
from services.screening.core.ownership.rules import OwnershipRules
from services.screening.shell import codec

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class AdjudicationServicer(service_pb2_grpc.AdjudicationServiceServicer):
    """The officers' desk for hits."""

    def __init__(
        self,
        journal: Journal[ScreenedApplication, Event],
        tokens: PageTokens,
        rules: OwnershipRules,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._journal, self._tokens = journal, tokens
        self._mutations: Mutations[ScreenedApplication, Event, Command] = Mutations(
            journal, lambda state, command, now: decide(state, command, now, rules), clock
        )

    async def ListHits(self, request: pb.ListHitsRequest, context: Any) -> pb.ListHitsResponse:
        """Newest first."""
        state = codec.hit_state(request.state)
        application_id = UUID(request.application_id) if request.application_id else None
        purpose = f"ListHits/{current_principal().name}/{state}/{application_id}"
        size = page_size(request.page_size)
        found = await self._find(
            state, application_id, self._behind(purpose, request.page_token), size + 1
        )
        page = found[:size]
        token = self._tokens.encode(purpose, _place(page[-1])) if len(found) > size else ""
        return pb.ListHitsResponse(hits=page, next_page_token=token)

    async def GetHit(self, request: pb.GetHitRequest, context: Any) -> pb.GetHitResponse:
        """One hit with its evidence."""
        hit_id = UUID(request.hit_id)
        current = await self._journal.read(await self._application_of(hit_id))
        assert current is not None, "the row of a hit is written with its application"
        return pb.GetHitResponse(hit=_case(current.state, hit_id))

    async def AdjudicateHit(
        self, request: pb.AdjudicateHitRequest, context: Any
    ) -> pb.AdjudicateHitResponse:
        """Takes a verdict."""
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
        """The application of a hit, which never changes. Raises Refused NOT_FOUND."""
        rows = await self._journal.fetch("select application_id from hit where hit_id = $1", hit_id)
        if not rows:
            raise rpc_error(NO_HIT)
        application_id: UUID = rows[0]["application_id"]
        annotate({"application.id": str(application_id), "safeconduct.hit.id": str(hit_id)})
        return application_id

    async def _find(
        self,
        state: str | None,
        application_id: UUID | None,
        behind: tuple[datetime, UUID] | None,
        limit: int,
    ) -> list[model_pb2.HitCase]:
        moment, last = behind or (None, None)
        given = [value for value in (state, application_id) if value is not None]
        rows = await self._journal.fetch(_query(state, application_id), moment, last, limit, *given)
        ids = list({row["application_id"] for row in rows})
        streams = await self._journal.select("where id = any($1::uuid[])", ids)
        states = {each.id: each.state for each in streams}
        return [_case(states[row["application_id"]], row["hit_id"]) for row in rows]

    def _behind(self, purpose: str, token: str) -> tuple[datetime, UUID] | None:
        """The last hit of the page before. Raises Refused INVALID_TOKEN."""
        if not token:
            return None
        micros, last = self._tokens.decode(purpose, token)
        return _EPOCH + int(micros) * _MICROSECOND, UUID(str(last))


def _query(state: str | None, application_id: UUID | None) -> str:
    """A query that walks the index made for what is asked: of all, of a state, of an application."""
    columns = [
        name
        for name, value in (("state", state), ("application_id", application_id))
        if value is not None
    ]
    asked = "".join(f" and {name} = ${number}" for number, name in enumerate(columns, 4))
    return (
        "select hit_id, application_id from hit"  # noqa: S608 - column names of this function
        f" where ($1::timestamptz is null or (found_at, hit_id) < ($1, $2::uuid)){asked}"
        " order by found_at desc, hit_id desc limit $3"
    )


def officer_of(principal: Principal) -> Officer:
    """Returns the caller as the core knows officers."""
    return Officer(principal.id, principal.partner_id)


def _place(case: model_pb2.HitCase) -> tuple[int, str]:
    stamp = case.found_at
    return stamp.seconds * 1_000_000 + stamp.nanos // 1_000, case.hit_id


def _case(application: ScreenedApplication, hit_id: UUID) -> model_pb2.HitCase:
    hit = application.find(hit_id)
    assert hit is not None, "a hit's row names an application that has it"
    return codec.hit_case(application, hit)
