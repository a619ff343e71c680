"""Calls of the applications service: submit and follow applications, review cases, read licenses."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from typing import Self

from grpc import aio

from safeconduct.applications.v1 import model_pb2 as model
from safeconduct.applications.v1 import service_pb2 as service
from safeconduct.applications.v1 import service_pb2_grpc as stubs
from safeconduct.rpc.calls import Calls, new_request_id, pages, resumed


class ApplicationWatch:
    """Changes of applications, one after the other, over lost connections. Iterate it with `async for`.

    `resume_token` is the place after the last message of which every change was handed out; a new watch goes on there.
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
        """Ends the stream. Needed when the iteration was left early."""
        await self._messages.aclose()

    def _settle(self) -> None:
        if not self._pending:
            self.resume_token = self._token_after


class Applications:
    """For partner systems: submit applications and follow them to the license."""

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
        """Submits an application. When it answers, the application is stored and will be decided."""
        request = service.SubmitApplicationRequest(
            request_id=request_id or new_request_id(), details=details, validate_only=validate_only
        )
        return (await self._calls.unary(self._stub.SubmitApplication, request)).application

    async def get(self, application_id: str) -> model.Application:
        """Reads one application."""
        request = service.GetApplicationRequest(application_id=application_id)
        return (await self._calls.unary(self._stub.GetApplication, request)).application

    def list(
        self,
        *,
        state: model.ApplicationState.ValueType = model.APPLICATION_STATE_UNSPECIFIED,
        page_size: int = 0,
    ) -> AsyncIterator[model.Application]:
        """The partner's applications, newest first, page after page."""

        async def fetch(token: str) -> tuple[Sequence[model.Application], str]:
            request = service.ListApplicationsRequest(
                page_size=page_size, page_token=token, state=state
            )
            page = await self._calls.unary(self._stub.ListApplications, request)
            return page.applications, page.next_page_token

        return pages(fetch)

    def watch(
        self, application_id: str = "", *, resume_token: str = "", patience: float = math.inf
    ) -> ApplicationWatch:
        """Follows one application from its first event on, or all of the partner's from now on.

        Reconnects and resumes by itself; `patience` is how many seconds of silence it bears while the service is away.
        """

        def open_stream(token: str) -> AsyncGenerator[service.WatchApplicationsResponse]:
            request = service.WatchApplicationsRequest(
                application_id=application_id, resume_token=token
            )
            return self._calls.stream(self._stub.WatchApplications, request)

        return ApplicationWatch(resumed(open_stream, resume_token, patience), resume_token)

    async def withdraw(
        self,
        application_id: str,
        *,
        reason: str = "",
        etag: str = "",
        request_id: str = "",
        validate_only: bool = False,
    ) -> model.Application:
        """Takes an application back before it is decided."""
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
        """Hands in the signature over `Application.acceptance_text`; the license comes with the answer.

        `safeconduct.conduct` makes the signature.
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
        """The events of one application in order, with the trace of each."""
        request = service.GetApplicationTimelineRequest(application_id=application_id)
        return await self._calls.unary(self._stub.GetApplicationTimeline, request)


class Reviews:
    """For licensing officers: decide what policy leaves to them. Four eyes always."""

    def __init__(self, channel: aio.Channel, calls: Calls) -> None:
        self._stub = stubs.ReviewServiceStub(channel)
        self._calls = calls

    def cases(
        self,
        *,
        state: model.ApplicationState.ValueType = model.APPLICATION_STATE_UNSPECIFIED,
        page_size: int = 0,
    ) -> AsyncIterator[service.Case]:
        """Applications that wait for an officer, oldest first, page after page."""

        async def fetch(token: str) -> tuple[Sequence[service.Case], str]:
            request = service.ListCasesRequest(page_size=page_size, page_token=token, state=state)
            page = await self._calls.unary(self._stub.ListCases, request)
            return page.cases, page.next_page_token

        return pages(fetch)

    async def recommend(
        self,
        application_id: str,
        *,
        outcome: model.Outcome.ValueType,
        rationale: str,
        etag: str,
        conditions: Iterable[str] = (),
        request_id: str = "",
        validate_only: bool = False,
    ) -> service.Case:
        """Recommends a decision on the case whose etag the officer saw."""
        request = service.RecommendDecisionRequest(
            request_id=request_id or new_request_id(),
            application_id=application_id,
            outcome=outcome,
            rationale=rationale,
            conditions=conditions,
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
        """Confirms another officer's recommendation."""
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
        """Rejects another officer's recommendation; the case goes back to review."""
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
        """Everything a decision rests on, as far as it has come."""
        request = service.ExplainDecisionRequest(application_id=application_id)
        return await self._calls.unary(self._stub.ExplainDecision, request)


class Licenses:
    """The license documents."""

    def __init__(self, channel: aio.Channel, calls: Calls) -> None:
        self._stub = stubs.LicenseServiceStub(channel)
        self._calls = calls

    async def get(self, license_id: str) -> model.License:
        """Reads one license."""
        return (
            await self._calls.unary(
                self._stub.GetLicense, service.GetLicenseRequest(license_id=license_id)
            )
        ).license

    def list(self, *, page_size: int = 0) -> AsyncIterator[model.License]:
        """The partner's licenses, newest first, page after page."""

        async def fetch(token: str) -> tuple[Sequence[model.License], str]:
            request = service.ListLicensesRequest(page_size=page_size, page_token=token)
            page = await self._calls.unary(self._stub.ListLicenses, request)
            return page.licenses, page.next_page_token

        return pages(fetch)

    async def document(self, license_id: str) -> str:
        """The license as a compact JWS; `safeconduct.documents.verify` checks it."""
        request = service.GetDocumentRequest(license_id=license_id)
        return (await self._calls.unary(self._stub.GetDocument, request)).document

    async def signing_keys(self) -> dict[str, bytes]:
        """Current and former public keys (Ed25519, 32 bytes) by key id."""
        answer = await self._calls.unary(self._stub.GetSigningKeys, service.GetSigningKeysRequest())
        return {key.key_id: key.public_key for key in answer.keys}
