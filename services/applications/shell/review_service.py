"""ReviewService: officers list cases, recommend, countersign and reject, and read explanations."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from safeconduct.applications.v1 import service_pb2 as pb
from safeconduct.applications.v1 import service_pb2_grpc

from chassis.rpc.authentication import current_principal
from chassis.store.hash_chain import StoredEvent
from chassis.telemetry.tracing import annotate
from services.applications.core.commands import Countersign, Recommend, RejectRecommendation
from services.applications.core.model import Application
from services.applications.shell import codec, listings, summaries
from services.applications.shell.dependencies import Dependencies, officer_of

_DECIDING_EVENTS = ("ApplicationApproved", "ApplicationDenied")


class ReviewServicer(service_pb2_grpc.ReviewServiceServicer):
    """Serves `safeconduct.applications.v1.ReviewService`. The core enforces four eyes."""

    def __init__(self, dependencies: Dependencies) -> None:
        self._dependencies = dependencies
        self._mutations = dependencies.mutations()
        self._lists = dependencies.lists()
        self._summaries = self._lists.summaries(
            pb.CaseSummary, "id", lambda stream, _: summaries.case(stream.state)
        )
        self._details = self._lists.details(
            "id",
            lambda stream, _: self._case(stream.state),
            prepare=self._dependencies.texts.load_codes,
        )

    async def ListCases(self, request: pb.ListCasesRequest, context: Any) -> pb.ListCasesResponse:
        """Returns one page of the applications that wait for an officer."""
        caller = current_principal()
        query = listings.cases(request, caller, self._dependencies.reference_data.countries)
        if request.HasField("filter"):
            page = await self._lists.read(caller.name, request, query, self._summaries)
            return pb.ListCasesResponse(
                summaries=page.elements,
                next_page_token=page.next_page_token,
                total_size=page.total_size,
                has_more_than_total=page.has_more_than_total,
            )
        # Clients of the release before read whole cases.
        whole = await self._lists.read(caller.name, request, query, self._details)
        return pb.ListCasesResponse(
            cases=whole.elements,
            next_page_token=whole.next_page_token,
            total_size=whole.total_size,
            has_more_than_total=whole.has_more_than_total,
        )

    async def RecommendDecision(
        self, request: pb.RecommendDecisionRequest, context: Any
    ) -> pb.RecommendDecisionResponse:
        """Records the calling officer's recommendation."""
        command = Recommend(
            recommendation_id=uuid4(),
            officer=officer_of(current_principal()),
            outcome=codec.OUTCOMES[request.outcome],
            rationale=request.rationale,
            conditions=tuple(request.conditions),
            open_hits_override=request.open_hits_override,
        )
        annotate({"application.id": request.application_id})
        return await self._mutations.run(
            UUID(request.application_id),
            request,
            command,
            lambda state: pb.RecommendDecisionResponse(case=self._case(state, request)),
        )

    async def CountersignDecision(
        self, request: pb.CountersignDecisionRequest, context: Any
    ) -> pb.CountersignDecisionResponse:
        """Records a countersignature. The last one that the case needs makes the decision."""
        await self._dependencies.texts.ensure_stored()
        command = Countersign(
            recommendation_id=UUID(request.recommendation_id),
            officer=officer_of(current_principal()),
            rationale=request.rationale,
            decision_id=uuid4(),
            terms=self._dependencies.signing_terms,
        )
        annotate({"application.id": request.application_id})
        return await self._mutations.run(
            UUID(request.application_id),
            request,
            command,
            lambda state: pb.CountersignDecisionResponse(case=self._case(state, request)),
        )

    async def RejectRecommendation(
        self, request: pb.RejectRecommendationRequest, context: Any
    ) -> pb.RejectRecommendationResponse:
        """Records the calling officer's rejection; the case goes back to review."""
        command = RejectRecommendation(
            recommendation_id=UUID(request.recommendation_id),
            officer=officer_of(current_principal()),
            rationale=request.rationale,
        )
        annotate({"application.id": request.application_id})
        return await self._mutations.run(
            UUID(request.application_id),
            request,
            command,
            lambda state: pb.RejectRecommendationResponse(case=self._case(state, request)),
        )

    async def ExplainDecision(
        self, request: pb.ExplainDecisionRequest, context: Any
    ) -> pb.ExplainDecisionResponse:
        """Returns everything that the decision, or the case so far, rests on."""
        dependencies = self._dependencies
        found = await dependencies.get_visible(UUID(request.application_id), current_principal())
        application = found.state
        await dependencies.texts.load_codes(application)
        response = codec.explanation(application, dependencies.texts.codes)
        if application.decision is not None:
            annotate({"decision.id": str(application.decision.decision_id)})
        event = _deciding_event(
            await dependencies.journal.history(found.id),
            is_decided=application.decision is not None,
        )
        if event is not None:
            response.trace_id = event.trace_id
            response.decision_event_hash = event.hash if event.name in _DECIDING_EVENTS else b""
            if dependencies.trace_url_template and event.trace_id:
                response.trace_url = dependencies.trace_url_template.format(trace_id=event.trace_id)
        return response

    def _case(self, application: Application, request: Any = None) -> pb.Case:
        """Returns the case. After a dry run it carries no id of a thing that was not stored."""
        case = codec.case(application, self._dependencies.texts.codes)
        if request is not None and request.validate_only:
            case.application.ClearField("decision_id")
            if isinstance(request, pb.RecommendDecisionRequest):
                case.recommendation.ClearField("recommendation_id")
        return case


def _deciding_event(history: list[StoredEvent], *, is_decided: bool) -> StoredEvent | None:
    """Returns the event that holds the decision, or the newest event while there is no decision.

    A decision that a list match took back (`is_decided` is False again) is not returned.
    """
    newest = history[-1] if history else None
    return next(
        (each for each in reversed(history) if is_decided and each.name in _DECIDING_EVENTS), newest
    )
