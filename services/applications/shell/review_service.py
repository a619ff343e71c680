"""ReviewService: what licensing officers ask."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from safeconduct.applications.v1 import service_pb2 as pb
from safeconduct.applications.v1 import service_pb2_grpc

from chassis.rpc.authentication import current_principal
from chassis.rpc.errors import RefusalLike
from chassis.rpc.page_tokens import page_size
from chassis.store.journal import Key, Recorded, check_etag
from chassis.telemetry.tracing import annotate
from services.applications.core.commands import Command, Countersign, Recommend
from services.applications.core.decide import decide
from services.applications.core.events import Event
from services.applications.core.model import Application, ApplicationState, Outcome
from services.applications.core.policy_facts import facts
from services.applications.shell import codec
from services.applications.shell.application_service import opened, sealed, state_filter
from services.applications.shell.dependencies import Dependencies, hidden, officer_of

WAITING = (
    ApplicationState.UNDER_REVIEW,
    ApplicationState.INTENT_TO_DENY,
    ApplicationState.PENDING_COUNTERSIGN,
)
_DECIDING = ("ApplicationApproved", "ApplicationDenied")
_OUTCOMES = {1: Outcome.APPROVE, 2: Outcome.DENY}

# One branch a state: each reads its own stretch of the index, already in order.
_QUEUE = """
where id in (
  select q.id from unnest($1::text[]) s(st) cross join lateral (
    select w.id, w.submitted_at from stream w
     where w.state = s.st and w.state in ('UNDER_REVIEW', 'INTENT_TO_DENY', 'PENDING_COUNTERSIGN')
       and ($2::timestamptz is null or (w.submitted_at, w.id) > ($2, $3::uuid))
     order by w.submitted_at, w.id limit $4) q
   order by q.submitted_at, q.id limit $4)
order by submitted_at, id
"""


class ReviewServicer(service_pb2_grpc.ReviewServiceServicer):
    """The officers' desk."""

    def __init__(self, office: Dependencies) -> None:
        self._office = office

    async def ListCases(self, request: pb.ListCasesRequest, context: Any) -> pb.ListCasesResponse:
        """What waits for an officer, oldest first."""
        office = self._office
        state = state_filter(request.state)
        purpose = f"ListCases/{state}"
        moment, last = opened(office, purpose, request.page_token)
        size = page_size(request.page_size)
        states = [state] if state is not None else list(WAITING)
        found = await office.journal.select(_QUEUE, states, moment, last, size + 1)
        page = found[:size]
        return pb.ListCasesResponse(
            cases=[codec.case(each.state, office.shelf.code) for each in page],
            next_page_token=sealed(office, purpose, page[-1].state.submitted_at, page[-1].id)
            if len(found) > size
            else "",
        )

    async def RecommendDecision(
        self, request: pb.RecommendDecisionRequest, context: Any
    ) -> pb.RecommendDecisionResponse:
        """Takes a recommendation."""
        command = Recommend(
            recommendation_id=uuid4(),
            officer=officer_of(current_principal()),
            outcome=_OUTCOMES[request.outcome],
            rationale=request.rationale,
            conditions=tuple(request.conditions),
        )
        answer = await self._change(
            request,
            "RecommendDecision",
            command,
            lambda state: pb.RecommendDecisionResponse(
                case=codec.case(state, self._office.shelf.code)
            ),
            pb.RecommendDecisionResponse,
        )
        assert isinstance(answer, pb.RecommendDecisionResponse)
        return answer

    async def CountersignDecision(
        self, request: pb.CountersignDecisionRequest, context: Any
    ) -> pb.CountersignDecisionResponse:
        """Takes a countersignature or a rejection."""
        command = Countersign(
            recommendation_id=UUID(request.recommendation_id),
            officer=officer_of(current_principal()),
            is_confirmed=request.is_confirmed,
            rationale=request.rationale,
            decision_id=uuid4(),
            terms=self._office.shelf.terms,
        )
        answer = await self._change(
            request,
            "CountersignDecision",
            command,
            lambda state: pb.CountersignDecisionResponse(
                case=codec.case(state, self._office.shelf.code)
            ),
            pb.CountersignDecisionResponse,
        )
        assert isinstance(answer, pb.CountersignDecisionResponse)
        return answer

    async def ExplainDecision(
        self, request: pb.ExplainDecisionRequest, context: Any
    ) -> pb.ExplainDecisionResponse:
        """Everything the decision rests on."""
        office = self._office
        found = await office.shown(UUID(request.application_id), current_principal())
        record = found.state
        answer = pb.ExplainDecisionResponse(case=codec.case(record, office.shelf.code))
        if record.screening is not None and record.policy is not None:
            seen = facts(
                record.details, record.screening, office.shelf.reference, record.policy.evaluated_at
            )
            answer.facts.CopyFrom(codec.FACTS.to_proto(seen))
        if record.decision is not None:
            answer.decision.CopyFrom(codec.DECISION.to_proto(record.decision))
            annotate({"decision.id": str(record.decision.decision_id)})
        event = _deciding(
            await office.journal.history(found.id), is_decided=record.decision is not None
        )
        if event is not None:
            answer.trace_id = event.trace_id
            answer.decision_event_hash = event.hash if event.name in _DECIDING else b""
            if office.trace_url_template and event.trace_id:
                answer.trace_url = office.trace_url_template.format(trace_id=event.trace_id)
        return answer

    async def _change(
        self, request: Any, method: str, command: Command, respond: Any, response_type: Any
    ) -> Any:
        """One command of an officer on one case."""
        principal, office = current_principal(), self._office
        application_id = UUID(request.application_id)
        annotate({"application.id": str(application_id)})

        def judge(state: Application | None) -> tuple[Event, ...] | RefusalLike:
            if state is None:
                raise hidden(principal)
            check_etag(request.etag, state.version)
            return decide(state, command, office.clock())

        return await office.journal.execute(
            application_id, Key.of_request(principal.name, method, request), principal.name,
            judge, respond, response_type, dry_run=request.validate_only,
        )  # fmt: skip


def _deciding(history: list[Recorded], *, is_decided: bool) -> Recorded | None:
    """The event that holds the decision, or the newest one while there is none, or none any more."""
    newest = history[-1] if history else None
    return next(
        (each for each in reversed(history) if is_decided and each.name in _DECIDING), newest
    )
