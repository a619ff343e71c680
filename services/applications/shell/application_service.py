"""ApplicationService: what partner systems ask."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import grpc
from google.rpc import error_details_pb2
from safeconduct.applications.v1 import service_pb2 as pb
from safeconduct.applications.v1 import service_pb2_grpc

from chassis.proto_mapping import to_timestamp
from chassis.rpc.authentication import Principal, current_principal
from chassis.rpc.errors import CommonReason, RefusalLike, RpcError
from chassis.rpc.page_tokens import page_size
from chassis.store.change_feed import Change, Cursor
from chassis.store.journal import Key, check_etag
from chassis.telemetry.tracing import annotate
from services.applications.core.commands import AcceptCode, Command, Submit, Withdraw
from services.applications.core.decide import decide
from services.applications.core.events import Event
from services.applications.core.model import Application, ApplicationDetails
from services.applications.shell import codec
from services.applications.shell.dependencies import Dependencies, hidden, is_visible
from services.applications.shell.license_documents import verify_signature


class ApplicationServicer(service_pb2_grpc.ApplicationServiceServicer):
    """The partner's desk."""

    def __init__(self, office: Dependencies) -> None:
        self._office = office

    def drain(self) -> None:
        """Ends the watches."""
        self._office.tail.drain()

    async def SubmitApplication(
        self, request: pb.SubmitApplicationRequest, context: Any
    ) -> pb.SubmitApplicationResponse:
        """Stores the application; it will be decided."""
        principal = current_principal()
        office = self._office
        application_id = uuid4()
        annotate({"application.id": str(application_id)})
        command = Submit(
            application_id, principal.id, details_of(request.details), office.shelf.reference
        )
        answer = await office.journal.execute(
            application_id,
            Key.of_request(principal.name, "SubmitApplication", request),
            principal.name,
            lambda state: decide(state, command, office.clock()),
            lambda state: pb.SubmitApplicationResponse(
                application=codec.application(state, office.shelf.code)
            ),
            pb.SubmitApplicationResponse,
            dry_run=request.validate_only,
            creates=True,
        )
        assert answer is not None
        if answer.application.application_id != str(application_id):  # the first answer again
            annotate({"application.id": answer.application.application_id})
        return answer

    async def GetApplication(
        self, request: pb.GetApplicationRequest, context: Any
    ) -> pb.GetApplicationResponse:
        """One application."""
        found = await self._office.shown(UUID(request.application_id), current_principal())
        return pb.GetApplicationResponse(
            application=codec.application(found.state, self._office.shelf.code)
        )

    async def ListApplications(
        self, request: pb.ListApplicationsRequest, context: Any
    ) -> pb.ListApplicationsResponse:
        """The partner's, newest first."""
        office, partner = self._office, current_principal().id
        state = state_filter(request.state)
        purpose = f"ListApplications/{partner}/{state}"
        moment, last = opened(office, purpose, request.page_token)
        size = page_size(request.page_size)
        found = await office.journal.select(
            "where partner_id = $1 and ($2::text is null or state = $2)"
            " and ($3::timestamptz is null or (submitted_at, id) < ($3, $4::uuid))"
            " order by submitted_at desc, id desc limit $5",
            partner, state, moment, last, size + 1,
        )  # fmt: skip
        page = found[:size]
        return pb.ListApplicationsResponse(
            applications=[codec.application(each.state, office.shelf.code) for each in page],
            next_page_token=sealed(office, purpose, page[-1].state.submitted_at, page[-1].id)
            if len(found) > size
            else "",
        )

    async def WatchApplications(
        self, request: pb.WatchApplicationsRequest, context: Any
    ) -> AsyncIterator[pb.WatchApplicationsResponse]:
        """Changes, resumable."""
        principal = current_principal()
        one = UUID(request.application_id) if request.application_id else None
        if one is not None:
            await self._office.shown(one, principal)
        elif principal.kind == "officer":
            raise hidden(principal)
        watch = _Watch(self._office, principal, one)
        async for response in watch.responses(request.resume_token):
            yield response

    async def WithdrawApplication(
        self, request: pb.WithdrawApplicationRequest, context: Any
    ) -> pb.WithdrawApplicationResponse:
        """Takes it back."""
        answer = await self._change(
            request,
            "WithdrawApplication",
            lambda state: Withdraw(request.reason),
            lambda state: pb.WithdrawApplicationResponse(
                application=codec.application(state, self._office.shelf.code)
            ),
            pb.WithdrawApplicationResponse,
        )
        assert isinstance(answer, pb.WithdrawApplicationResponse)
        return answer

    async def AcceptConductCode(
        self, request: pb.AcceptConductCodeRequest, context: Any
    ) -> pb.AcceptConductCodeResponse:
        """Takes the signature and issues the license."""
        license_id = uuid4()

        def respond(state: Application) -> pb.AcceptConductCodeResponse:
            assert state.license is not None
            view = codec.application(state, self._office.shelf.code)
            return pb.AcceptConductCodeResponse(
                application=view, license=codec.LICENSE.to_proto(state.license)
            )

        answer = await self._change(
            request,
            "AcceptConductCode",
            lambda state: AcceptCode(
                license_id,
                request.code_version,
                request.signatory_party_id,
                request.signature,
                verify_signature,
            ),
            respond,
            pb.AcceptConductCodeResponse,
        )
        assert isinstance(answer, pb.AcceptConductCodeResponse)
        annotate({"license.id": answer.license.license_id})
        return answer

    async def GetApplicationTimeline(
        self, request: pb.GetApplicationTimelineRequest, context: Any
    ) -> pb.GetApplicationTimelineResponse:
        """The events of one application."""
        found = await self._office.shown(UUID(request.application_id), current_principal())
        history = await self._office.journal.history(found.id)
        return pb.GetApplicationTimelineResponse(
            entries=[codec.timeline_entry(each) for each in history],
            trace_url_template=self._office.trace_url_template,
        )

    async def _change(
        self, request: Any, method: str, command: Any, respond: Any, response_type: Any
    ) -> Any:
        """One command of a partner on one of its applications."""
        principal, office = current_principal(), self._office
        application_id = UUID(request.application_id)
        annotate({"application.id": str(application_id)})

        def judge(state: Application | None) -> tuple[Event, ...] | RefusalLike:
            if state is None or not is_visible(state.partner_id, principal):
                raise hidden(principal)
            check_etag(request.etag, state.version)
            made: Command = command(state)
            return decide(state, made, office.clock())

        return await office.journal.execute(
            application_id, Key.of_request(principal.name, method, request), principal.name,
            judge, respond, response_type, dry_run=request.validate_only,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Watch:
    """One watch: all of a partner's applications from now on, or one application from its first event on."""

    office: Dependencies
    principal: Principal
    one: UUID | None

    async def responses(self, token: str) -> AsyncIterator[pb.WatchApplicationsResponse]:
        """The stream's messages; each carries the token to resume behind it."""
        tail = self.office.tail
        if token:
            xid, position, version = (
                int(each) for each in self.office.tokens.open(self._purpose, token)
            )
            at = Cursor(xid, position)
        else:
            # The place is taken before the history is read: what falls between comes twice and is dropped by version.
            at, version = await tail.now(), 0
            history = await tail.of_stream(self.one) if self.one is not None else []
            version = history[-1].version if history else 0
            yield self._response(history, at, version)
        owner = self.principal.partner_id if self.principal.kind == "partner" else None
        async for changes in tail.follow(at, self._wants, owner):
            new = [change for change in changes if self.one is None or change.version > version]
            if changes:
                at = changes[-1].at
            if new and self.one is not None:
                version = new[-1].version
            if new or not changes:
                yield self._response(new, at, version)

    def _wants(self, change: Change) -> bool:
        return self.one is None or change.stream_id == self.one

    @property
    def _purpose(self) -> str:
        return f"WatchApplications/{self.principal.name}/{self.one}"

    def _response(
        self, changes: list[Change], at: Cursor, version: int
    ) -> pb.WatchApplicationsResponse:
        return pb.WatchApplicationsResponse(
            changes=[_change(change) for change in changes],
            resume_token=self.office.tokens.seal(self._purpose, (at.xid, at.position, version)),
        )


def _change(change: Change) -> pb.ApplicationChange:
    return pb.ApplicationChange(
        application_id=str(change.stream_id),
        version=change.version,
        event_type=change.name,
        state=codec.state_number(change.state),
        occurred_at=to_timestamp(change.occurred_at),
        trace_id=change.trace_id,
    )


def details_of(message: Any) -> ApplicationDetails:
    """What the applicant says, in our words. Raises Refused VALIDATION_FAILED for a moment outside years 1 to 9999."""
    try:
        return codec.DETAILS.from_proto(message)
    except ValueError:
        fault = error_details_pb2.BadRequest.FieldViolation(
            field="details", reason="TIMESTAMP_RANGE", description="moments lie in years 1 to 9999"
        )
        detail = error_details_pb2.BadRequest(field_violations=[fault])
        code, metadata = grpc.StatusCode.INVALID_ARGUMENT, {"violationCount": "1"}
        raise RpcError(
            code, CommonReason.VALIDATION_FAILED, "1 field is invalid", metadata, detail
        ) from None


def state_filter(number: int) -> str | None:
    """The state asked for, or None for all."""
    return next((name for name, known in codec.STATES.items() if known == number), None)


def opened(office: Dependencies, purpose: str, token: str) -> tuple[datetime | None, UUID | None]:
    """Where a page begins: behind (moment, id), or at the beginning."""
    if not token:
        return None, None
    moment, last = office.tokens.open(purpose, token)
    return datetime.fromisoformat(str(moment)), UUID(str(last))


def sealed(office: Dependencies, purpose: str, moment: datetime, last: UUID) -> str:
    """The token of the page behind (moment, id)."""
    return office.tokens.seal(purpose, (moment.isoformat(), str(last)))
