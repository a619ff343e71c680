"""ApplicationService: partners submit, read, watch, withdraw and sign their applications."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import grpc
from google.rpc import error_details_pb2
from safeconduct.applications.v1 import model_pb2, service_pb2_grpc
from safeconduct.applications.v1 import service_pb2 as pb

from chassis.rpc.authentication import current_principal
from chassis.rpc.errors import CommonReason, RpcError, rpc_error
from chassis.store.stream import StoredStream
from chassis.telemetry.tracing import annotate
from services.applications.core.application_details import ApplicationDetails
from services.applications.core.commands import AcceptCode, Submit, Withdraw
from services.applications.core.model import Application
from services.applications.core.visibility import is_officer, not_visible
from services.applications.shell import codec, listings, summaries
from services.applications.shell.application_watch import ApplicationWatch
from services.applications.shell.dependencies import Dependencies
from services.applications.shell.license_documents import verify_signature


class ApplicationServicer(service_pb2_grpc.ApplicationServiceServicer):
    """Serves `safeconduct.applications.v1.ApplicationService`."""

    def __init__(self, dependencies: Dependencies) -> None:
        self._dependencies = dependencies
        self._mutations = dependencies.mutations()
        self._lists = dependencies.lists()
        self._summaries = self._lists.summaries(
            pb.CaseSummary, "id", lambda stream, _: summaries.case(stream.state)
        )

    def drain(self) -> None:
        """Ends all open watches with DRAINING, so that clients reconnect to another replica."""
        self._dependencies.change_feed.drain()

    async def SubmitApplication(
        self, request: pb.SubmitApplicationRequest, context: Any
    ) -> pb.SubmitApplicationResponse:
        """Stores the application; screening begins when its event is published."""
        await self._dependencies.texts.ensure_stored()
        application_id = uuid4()
        annotate({"application.id": str(application_id)})
        command = Submit(
            application_id,
            current_principal().id,
            details_of(request.details),
            self._dependencies.reference_data,
        )
        response = await self._mutations.run(
            application_id,
            request,
            command,
            # A dry run creates no application, so its response must not carry the id of one.
            lambda state: pb.SubmitApplicationResponse(
                application=None if request.validate_only else self._view(state)
            ),
            creates=True,
        )
        # A repeated request gets the stored response, which names the application it created.
        stored_id = response.application.application_id
        if stored_id and stored_id != str(application_id):
            annotate({"application.id": stored_id})
        return response

    async def GetApplication(
        self, request: pb.GetApplicationRequest, context: Any
    ) -> pb.GetApplicationResponse:
        """Returns one application, or NOT_VISIBLE."""
        found = await self._get_visible(request.application_id)
        await self._dependencies.texts.load_codes(found.state)
        view = codec.application(
            found.state,
            self._dependencies.texts.codes,
            for_officer=is_officer(current_principal()),
        )
        return pb.GetApplicationResponse(application=view)

    async def ListApplications(
        self, request: pb.ListApplicationsRequest, context: Any
    ) -> pb.ListApplicationsResponse:
        """Returns one page of applications."""
        caller = current_principal()
        countries = self._dependencies.reference_data.countries
        query = listings.applications(request, caller, countries)
        if request.HasField("filter"):
            page = await self._lists.read(caller.name, request, query, self._summaries)
            return pb.ListApplicationsResponse(
                summaries=[each.application for each in page.elements],
                next_page_token=page.next_page_token,
                total_size=page.total_size,
                has_more_than_total=page.has_more_than_total,
            )
        # Clients of the release before read whole applications.
        for_officer = is_officer(caller)
        details = self._lists.details(
            "id",
            lambda stream, _: self._view(stream.state, for_officer=for_officer),
            prepare=self._dependencies.texts.load_codes,
        )
        whole = await self._lists.read(caller.name, request, query, details)
        return pb.ListApplicationsResponse(
            applications=whole.elements,
            next_page_token=whole.next_page_token,
            total_size=whole.total_size,
            has_more_than_total=whole.has_more_than_total,
        )

    async def WatchApplications(
        self, request: pb.WatchApplicationsRequest, context: Any
    ) -> AsyncIterator[pb.WatchApplicationsResponse]:
        """Streams changes of one application, or of all applications of the calling partner."""
        principal = current_principal()
        application_id = UUID(request.application_id) if request.application_id else None
        if application_id is not None:
            await self._dependencies.get_visible(application_id, principal)
        elif is_officer(principal):
            # An officer may read every application; a watch of all of them would never be read to
            # its end.
            raise rpc_error(not_visible(principal, "application"))
        watch = ApplicationWatch(self._dependencies, principal, application_id)
        async for response in watch.responses(request.resume_token):
            yield response

    async def WithdrawApplication(
        self, request: pb.WithdrawApplicationRequest, context: Any
    ) -> pb.WithdrawApplicationResponse:
        """Withdraws an application that is not decided yet."""
        application_id = UUID(request.application_id)
        annotate({"application.id": request.application_id})
        return await self._mutations.run(
            application_id,
            request,
            Withdraw(request.reason),
            lambda state: pb.WithdrawApplicationResponse(application=self._view(state)),
        )

    async def AcceptConductCode(
        self, request: pb.AcceptConductCodeRequest, context: Any
    ) -> pb.AcceptConductCodeResponse:
        """Verifies the end user's signature and issues the license."""
        annotate({"application.id": request.application_id})
        command = AcceptCode(
            license_id=uuid4(),
            code_version=request.code_version,
            signatory_party_id=request.signatory_party_id,
            signature=request.signature,
            verify=verify_signature,
        )
        response = await self._mutations.run(
            UUID(request.application_id),
            request,
            command,
            # A dry run issues no license, so its response must not carry the id of one.
            lambda state: (
                pb.AcceptConductCodeResponse() if request.validate_only else self._issued(state)
            ),
        )
        if response.HasField("license"):
            annotate({"license.id": response.license.license_id})
        return response

    async def GetApplicationTimeline(
        self, request: pb.GetApplicationTimelineRequest, context: Any
    ) -> pb.GetApplicationTimelineResponse:
        """Returns all events of one application, oldest first."""
        found = await self._get_visible(request.application_id)
        history = await self._dependencies.journal.history(found.id)
        return pb.GetApplicationTimelineResponse(
            entries=[codec.timeline_entry(each) for each in history],
            trace_url_template=self._dependencies.trace_url_template,
        )

    async def _get_visible(self, application_id: str) -> StoredStream[Application]:
        return await self._dependencies.get_visible(UUID(application_id), current_principal())

    def _view(
        self, application: Application, *, for_officer: bool = False
    ) -> model_pb2.Application:
        codes = self._dependencies.texts.codes
        return codec.application(application, codes, for_officer=for_officer)

    def _issued(self, application: Application) -> pb.AcceptConductCodeResponse:
        assert application.license is not None, "AcceptCode issues a license or is refused"
        return pb.AcceptConductCodeResponse(
            application=self._view(application),
            license=codec.LICENSE.to_proto(application.license),
        )


def details_of(details: model_pb2.ApplicationDetails) -> ApplicationDetails:
    """Returns the submitted details as the core's value.

    Raises `RpcError` VALIDATION_FAILED for a timestamp outside the years 1 to 9999, the only value
    that the contract's rules accept and Python cannot represent.
    """
    try:
        return codec.DETAILS.from_proto(details)
    except ValueError:
        fault = error_details_pb2.BadRequest.FieldViolation(
            field="details",
            reason="TIMESTAMP_RANGE",
            description="a timestamp is outside the years 1 to 9999",
        )
        detail = error_details_pb2.BadRequest(field_violations=[fault])
        code, metadata = grpc.StatusCode.INVALID_ARGUMENT, {"violationCount": "1"}
        message = "details: a timestamp is outside the years 1 to 9999"
        raise RpcError(code, CommonReason.VALIDATION_FAILED, message, metadata, detail) from None
