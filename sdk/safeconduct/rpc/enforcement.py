"""Calls of the enforcement service: whether a license holds, reports of conduct, cases and measures.

The gate's stream is in `safeconduct.gate`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence

from grpc import aio

from safeconduct.enforcement.v1 import model_pb2 as model
from safeconduct.enforcement.v1 import service_pb2 as service
from safeconduct.enforcement.v1 import service_pb2_grpc as stubs
from safeconduct.rpc.calls import Calls, new_request_id, pages


class Standings:
    """Whether a license holds, asked of the service. A gate in front of a model uses `safeconduct.gate` instead."""

    def __init__(self, channel: aio.Channel, calls: Calls) -> None:
        self._stub = stubs.StandingServiceStub(channel)
        self._calls = calls

    async def check_access(
        self, license_id: str, *, model_id: str, destination: str, end_use: str
    ) -> service.CheckAccessResponse:
        """Decides one access on the server's copy. `end_use` is a name of EndUse without prefix."""
        request = service.CheckAccessRequest(
            license_id=license_id, model_id=model_id, destination=destination, end_use=end_use
        )
        return await self._calls.unary(self._stub.CheckAccess, request)

    async def timeline(self, license_id: str) -> service.GetLicenseTimelineResponse:
        """The events of one license in order, with the trace of each."""
        request = service.GetLicenseTimelineRequest(license_id=license_id)
        return await self._calls.unary(self._stub.GetLicenseTimeline, request)


class Conduct:
    """For anyone who saw something."""

    def __init__(self, channel: aio.Channel, calls: Calls) -> None:
        self._stub = stubs.ConductServiceStub(channel)
        self._calls = calls

    async def report(
        self,
        license_id: str,
        *,
        clause: model.Clause.ValueType,
        reporter_kind: model.ReporterKind.ValueType,
        evidence_digests: Iterable[bytes],
        request_id: str = "",
        validate_only: bool = False,
    ) -> service.ReportConductResponse:
        """Reports conduct under a license. The evidence stays with the reporter; its SHA-256 digests go in."""
        request = service.ReportConductRequest(
            request_id=request_id or new_request_id(),
            license_id=license_id,
            clause=clause,
            reporter_kind=reporter_kind,
            evidence_digests=evidence_digests,
            validate_only=validate_only,
        )
        return await self._calls.unary(self._stub.ReportConduct, request)


class Violations:
    """For enforcement officers: judge conduct and act on it. Repeating what another officer proposed confirms it."""

    def __init__(self, channel: aio.Channel, calls: Calls) -> None:
        self._stub = stubs.ViolationServiceStub(channel)
        self._calls = calls

    def list(
        self,
        *,
        license_id: str = "",
        state: model.ViolationState.ValueType = model.VIOLATION_STATE_UNSPECIFIED,
        page_size: int = 0,
    ) -> AsyncIterator[model.Violation]:
        """Cases, newest first, page after page."""

        async def fetch(token: str) -> tuple[Sequence[model.Violation], str]:
            request = service.ListViolationsRequest(
                page_size=page_size, page_token=token, state=state, license_id=license_id
            )
            page = await self._calls.unary(self._stub.ListViolations, request)
            return page.violations, page.next_page_token

        return pages(fetch)

    async def get(self, violation_id: str) -> service.GetViolationResponse:
        """Reads one case, with the standing of its license."""
        return await self._calls.unary(
            self._stub.GetViolation, service.GetViolationRequest(violation_id=violation_id)
        )

    async def record_finding(
        self,
        violation_id: str,
        *,
        is_violation: bool,
        severity: model.Severity.ValueType,
        rationale: str,
        etag: str,
        is_rejection: bool = False,
        request_id: str = "",
        validate_only: bool = False,
    ) -> model.Violation:
        """Proposes a finding, or confirms or rejects another officer's."""
        request = service.RecordFindingRequest(
            request_id=request_id or new_request_id(),
            violation_id=violation_id,
            is_violation=is_violation,
            severity=severity,
            rationale=rationale,
            etag=etag,
            is_rejection=is_rejection,
            validate_only=validate_only,
        )
        return (await self._calls.unary(self._stub.RecordFinding, request)).violation

    async def impose_measure(
        self,
        violation_id: str,
        *,
        kind: model.MeasureKind.ValueType,
        rationale: str,
        etag: str,
        is_rejection: bool = False,
        request_id: str = "",
        validate_only: bool = False,
    ) -> service.ImposeMeasureResponse:
        """Imposes a warning, or proposes a suspension or revocation, or confirms or rejects another officer's."""
        request = service.ImposeMeasureRequest(
            request_id=request_id or new_request_id(),
            violation_id=violation_id,
            kind=kind,
            rationale=rationale,
            etag=etag,
            is_rejection=is_rejection,
            validate_only=validate_only,
        )
        return await self._calls.unary(self._stub.ImposeMeasure, request)

    async def reinstate(
        self,
        license_id: str,
        *,
        rationale: str,
        etag: str,
        request_id: str = "",
        validate_only: bool = False,
    ) -> service.ReinstateResponse:
        """Proposes that a suspended license holds again, or confirms another officer's proposal."""
        request = service.ReinstateRequest(
            request_id=request_id or new_request_id(),
            license_id=license_id,
            rationale=rationale,
            etag=etag,
            validate_only=validate_only,
        )
        return await self._calls.unary(self._stub.Reinstate, request)
