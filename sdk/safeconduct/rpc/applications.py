"""Calls of applications: submit, watch, decide cases, read licenses."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Iterable, Sequence
from typing import TYPE_CHECKING

from grpc import aio

from safeconduct.applications.v1 import model_pb2 as model
from safeconduct.applications.v1 import service_pb2 as service
from safeconduct.applications.v1 import service_pb2_grpc as stubs
from safeconduct.rpc.calls import Calls, Listing, new_request_id, resumed

if TYPE_CHECKING:
    from typing_extensions import Self


class ApplicationWatch:
    """An async iterator over changes of applications. It reconnects after lost connections.

    `resume_token` is the token of the last message whose changes were all returned. A new watch
    continues after it.
    """

    def __init__(
        self, messages: AsyncGenerator[service.WatchApplicationsResponse], resume_token: str
    ) -> None:
        self._messages = messages
        self._pending: list[service.ApplicationChange] = []
        self._token_after = resume_token
        self.resume_token = resume_token

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> service.ApplicationChange:
        while not self._pending:
            message = await anext(self._messages)
            self._token_after = message.resume_token or self._token_after
            self._pending = list(message.changes)
            self._settle()
        change = self._pending.pop(0)
        self._settle()
        return change

    async def aclose(self) -> None:
        """Ends the stream. Needed if the iteration stops before its end."""
        await self._messages.aclose()

    def _settle(self) -> None:
        if not self._pending:
            self.resume_token = self._token_after


class Applications:
    """Methods for partner systems: submit applications and follow them to the license."""

    def __init__(self, channel: aio.Channel, calls: Calls) -> None:
        self._stub = stubs.ApplicationServiceStub(channel)
        self._calls = calls

    async def submit(
        self,
        details: model.ApplicationDetails,
        *,
        request_id: str = "",
        validate_only: bool = False,
    ) -> model.Application:
        """Submits an application. After the answer it is stored and will be decided."""
        request = service.SubmitApplicationRequest(
            request_id=request_id or new_request_id(), details=details, validate_only=validate_only
        )
        return (await self._calls.unary(self._stub.SubmitApplication, request)).application

    async def get(self, application_id: str) -> model.Application:
        """Returns one application."""
        request = service.GetApplicationRequest(application_id=application_id)
        return (await self._calls.unary(self._stub.GetApplication, request)).application

    def list(
        self,
        *,
        state: model.ApplicationState.ValueType = model.APPLICATION_STATE_UNSPECIFIED,
        partner_id: str = "",
        party_name: str = "",
        country: str = "",
        model_id: str = "",
        order_by: service.ApplicationOrder.ValueType = service.APPLICATION_ORDER_UNSPECIFIED,
        page_size: int = 0,
    ) -> Listing[service.ApplicationSummary]:
        """Yields summaries of the applications that meet all conditions, newest first.

        A partner gets its own, an officer those of all partners.
        """
        wanted = service.ApplicationFilter(
            state=state,
            partner_id=partner_id,
            party_name=party_name,
            country=country,
            model_id=model_id,
        )

        async def fetch(token: str) -> service.ListApplicationsResponse:
            request = service.ListApplicationsRequest(
                page_size=page_size, page_token=token, filter=wanted, order_by=order_by
            )
            return await self._calls.unary(self._stub.ListApplications, request)

        return Listing(fetch, lambda page: page.summaries)

    def watch(
        self, application_id: str = "", *, resume_token: str = "", give_up_after: float = math.inf
    ) -> ApplicationWatch:
        """Watches one application from its first event, or all of the partner from now on.

        Reconnects and resumes by itself. `give_up_after`: if the service is away for so many
        seconds, it raises SafeconductError.
        """

        def open_stream(token: str) -> AsyncGenerator[service.WatchApplicationsResponse]:
            request = service.WatchApplicationsRequest(
                application_id=application_id, resume_token=token
            )
            return self._calls.stream(self._stub.WatchApplications, request)

        return ApplicationWatch(resumed(open_stream, resume_token, give_up_after), resume_token)

    async def withdraw(
        self,
        application_id: str,
        *,
        reason: str = "",
        etag: str = "",
        request_id: str = "",
        validate_only: bool = False,
    ) -> model.Application:
        """Withdraws an application before it is decided."""
        request = service.WithdrawApplicationRequest(
            request_id=request_id or new_request_id(),
            application_id=application_id,
            etag=etag,
            reason=reason,
            validate_only=validate_only,
        )
        return (await self._calls.unary(self._stub.WithdrawApplication, request)).application

    async def accept_conduct_code(
        self,
        application_id: str,
        *,
        code_version: str,
        signatory_party_id: str,
        signature: bytes,
        etag: str = "",
        request_id: str = "",
        validate_only: bool = False,
    ) -> service.AcceptConductCodeResponse:
        """Submits the signature over `conduct.text_of` the signatory. The answer holds the license.

        `safeconduct.conduct.sign` makes the signature.
        """
        request = service.AcceptConductCodeRequest(
            request_id=request_id or new_request_id(),
            application_id=application_id,
            code_version=code_version,
            signatory_party_id=signatory_party_id,
            signature=signature,
            etag=etag,
            validate_only=validate_only,
        )
        return await self._calls.unary(self._stub.AcceptConductCode, request)

    async def timeline(self, application_id: str) -> service.GetApplicationTimelineResponse:
        """Returns the events of one application in order, each with its trace."""
        request = service.GetApplicationTimelineRequest(application_id=application_id)
        return await self._calls.unary(self._stub.GetApplicationTimeline, request)


class Reviews:
    """Methods for licensing officers: decide the applications that policy refers to them."""

    def __init__(self, channel: aio.Channel, calls: Calls) -> None:
        self._stub = stubs.ReviewServiceStub(channel)
        self._calls = calls

    def cases(
        self,
        *,
        state: model.ApplicationState.ValueType = model.APPLICATION_STATE_UNSPECIFIED,
        partner_id: str = "",
        party_name: str = "",
        country: str = "",
        model_id: str = "",
        rule_id: str = "",
        tier: int = 0,
        order_by: service.CaseOrder.ValueType = service.CASE_ORDER_UNSPECIFIED,
        page_size: int = 0,
    ) -> Listing[service.CaseSummary]:
        """Yields summaries of the cases that meet all conditions, oldest first.

        A case is an application that needs an officer.
        """
        wanted = service.CaseFilter(
            state=state,
            partner_id=partner_id,
            party_name=party_name,
            country=country,
            model_id=model_id,
            rule_id=rule_id,
            tier=tier,
        )

        async def fetch(token: str) -> service.ListCasesResponse:
            request = service.ListCasesRequest(
                page_size=page_size, page_token=token, filter=wanted, order_by=order_by
            )
            return await self._calls.unary(self._stub.ListCases, request)

        return Listing(fetch, lambda page: page.summaries)

    async def recommend(
        self,
        application_id: str,
        *,
        outcome: model.Outcome.ValueType,
        rationale: str,
        etag: str,
        conditions: Iterable[str] = (),
        open_hits_override: str = "",
        request_id: str = "",
        validate_only: bool = False,
    ) -> service.Case:
        """Recommends a decision. `etag` is that of the case as the officer read it.

        `open_hits_override` is the reason to approve although hits are not cleared. Without it such
        an approval raises SafeconductError with reason OPEN_HITS.
        """
        request = service.RecommendDecisionRequest(
            request_id=request_id or new_request_id(),
            application_id=application_id,
            outcome=outcome,
            rationale=rationale,
            conditions=conditions,
            open_hits_override=open_hits_override,
            etag=etag,
            validate_only=validate_only,
        )
        return (await self._calls.unary(self._stub.RecommendDecision, request)).case

    async def countersign(
        self,
        application_id: str,
        *,
        recommendation_id: str,
        rationale: str,
        etag: str,
        request_id: str = "",
        validate_only: bool = False,
    ) -> service.Case:
        """Confirms the recommendation of another officer."""
        request = service.CountersignDecisionRequest(
            request_id=request_id or new_request_id(),
            application_id=application_id,
            recommendation_id=recommendation_id,
            rationale=rationale,
            etag=etag,
            validate_only=validate_only,
        )
        return (await self._calls.unary(self._stub.CountersignDecision, request)).case

    async def reject_recommendation(
        self,
        application_id: str,
        *,
        recommendation_id: str,
        rationale: str,
        etag: str,
        request_id: str = "",
        validate_only: bool = False,
    ) -> service.Case:
        """Rejects the recommendation of another officer. The case returns to review."""
        request = service.RejectRecommendationRequest(
            request_id=request_id or new_request_id(),
            application_id=application_id,
            recommendation_id=recommendation_id,
            rationale=rationale,
            etag=etag,
            validate_only=validate_only,
        )
        return (await self._calls.unary(self._stub.RejectRecommendation, request)).case

    async def explain(self, application_id: str) -> service.ExplainDecisionResponse:
        """Returns everything that a decision rests on, and the decision if there is one."""
        request = service.ExplainDecisionRequest(application_id=application_id)
        return await self._calls.unary(self._stub.ExplainDecision, request)


class Licenses:
    """Methods that read licenses and their documents."""

    def __init__(self, channel: aio.Channel, calls: Calls) -> None:
        self._stub = stubs.LicenseServiceStub(channel)
        self._calls = calls

    async def get(self, license_id: str) -> model.License:
        """Returns one license."""
        return (
            await self._calls.unary(
                self._stub.GetLicense, service.GetLicenseRequest(license_id=license_id)
            )
        ).license

    def list(
        self,
        *,
        state: model.LicenseState.ValueType = model.LICENSE_STATE_UNSPECIFIED,
        partner_id: str = "",
        party_name: str = "",
        country: str = "",
        model_id: str = "",
        order_by: service.LicenseOrder.ValueType = service.LICENSE_ORDER_UNSPECIFIED,
        page_size: int = 0,
    ) -> Listing[service.LicenseSummary]:
        """Yields summaries of the licenses that meet all conditions, newest first.

        A partner gets its own, an officer those of all partners.
        """
        wanted = service.LicenseFilter(
            state=state,
            partner_id=partner_id,
            party_name=party_name,
            country=country,
            model_id=model_id,
        )

        async def fetch(token: str) -> service.ListLicensesResponse:
            request = service.ListLicensesRequest(
                page_size=page_size, page_token=token, filter=wanted, order_by=order_by
            )
            return await self._calls.unary(self._stub.ListLicenses, request)

        return Listing(fetch, lambda page: page.summaries)

    async def document(self, license_id: str) -> str:
        """Returns the license document, a compact JWS.

        `safeconduct.documents.verify` verifies it.
        """
        request = service.GetDocumentRequest(license_id=license_id)
        return (await self._calls.unary(self._stub.GetDocument, request)).document

    async def signing_keys(self) -> dict[str, bytes]:
        """Returns current and former public keys (Ed25519, 32 bytes) by key id."""
        return {key.key_id: key.public_key for key in await self.published_keys()}

    async def published_keys(self) -> Sequence[service.SigningKey]:
        """Returns current and former public keys with their times, those in use first."""
        answer = await self._calls.unary(self._stub.GetSigningKeys, service.GetSigningKeysRequest())
        return answer.keys
