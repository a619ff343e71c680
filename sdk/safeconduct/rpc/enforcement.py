"""Client calls of the enforcement service: standings, conduct reports, cases and measures.

The stream that a gate follows is in `safeconduct.gate`.
"""

from __future__ import annotations

from collections.abc import Iterable

from grpc import aio

from safeconduct.enforcement.v1 import model_pb2 as model
from safeconduct.enforcement.v1 import service_pb2 as service
from safeconduct.enforcement.v1 import service_pb2_grpc as stubs
from safeconduct.rpc.calls import Calls, Listing, new_request_id


class Standings:
    """Calls of StandingService. A gate in front of a model uses `safeconduct.gate` instead."""

    def __init__(self, channel: aio.Channel, calls: Calls) -> None:
        self._stub = stubs.StandingServiceStub(channel)
        self._calls = calls

    async def check_access(
        self,
        license_id: str,
        *,
        model_id: str,
        access_mode: str,
        destination: str,
        end_use: str,
    ) -> service.CheckAccessResponse:
        """Decides one access in the service.

        `access_mode` and `end_use` are names of AccessMode and EndUse without prefix. Raises
        ValueError if there is no such form of access.
        """
        name = f"END_USE_{end_use}"
        known = name in model.EndUse.keys()  # noqa: SIM118 - an enum wrapper is no dict
        request = service.CheckAccessRequest(
            license_id=license_id,
            model_id=model_id,
            access_mode=model.AccessMode.Value(f"ACCESS_MODE_{access_mode}"),
            destination=destination,
            requested_end_use=model.EndUse.Value(name) if known else model.END_USE_UNSPECIFIED,
            end_use=end_use,  # services of earlier releases read the name
        )
        return await self._calls.unary(self._stub.CheckAccess, request)

    async def timeline(self, license_id: str) -> service.GetLicenseTimelineResponse:
        """Returns the events of one license in order, each with its trace id.

        Officers also get the etag and the pending reinstatement.
        """
        request = service.GetLicenseTimelineRequest(license_id=license_id)
        return await self._calls.unary(self._stub.GetLicenseTimeline, request)


class Conduct:
    """Calls of ConductService."""

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
        """Reports conduct. The reporter keeps the evidence; its SHA-256 digests are sent."""
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
    """Calls of ViolationService, for enforcement officers.

    Confirm and reject take the id and the etag that the officer read.
    """

    def __init__(self, channel: aio.Channel, calls: Calls) -> None:
        self._stub = stubs.ViolationServiceStub(channel)
        self._calls = calls

    def list(
        self,
        *,
        license_id: str = "",
        state: model.ViolationState.ValueType = model.VIOLATION_STATE_UNSPECIFIED,
        partner_id: str = "",
        clause: model.Clause.ValueType = model.CLAUSE_UNSPECIFIED,
        severity: model.Severity.ValueType = model.SEVERITY_UNSPECIFIED,
        credibility: model.Credibility.ValueType = model.CREDIBILITY_UNSPECIFIED,
        order_by: service.ViolationOrder.ValueType = service.VIOLATION_ORDER_UNSPECIFIED,
        page_size: int = 0,
    ) -> Listing[service.ViolationSummary]:
        """Iterates over summaries of the cases that meet all conditions, newest first."""
        wanted = service.ViolationFilter(
            license_id=license_id,
            state=state,
            partner_id=partner_id,
            clause=clause,
            severity=severity,
            credibility=credibility,
        )

        async def fetch(token: str) -> service.ListViolationsResponse:
            request = service.ListViolationsRequest(
                page_size=page_size, page_token=token, filter=wanted, order_by=order_by
            )
            return await self._calls.unary(self._stub.ListViolations, request)

        return Listing(fetch, lambda page: page.summaries)

    async def get(self, violation_id: str) -> service.GetViolationResponse:
        """Returns one case with the standing and the pending reinstatement of its license."""
        return await self._calls.unary(
            self._stub.GetViolation, service.GetViolationRequest(violation_id=violation_id)
        )

    async def propose_finding(
        self,
        violation_id: str,
        *,
        is_violation: bool,
        severity: model.Severity.ValueType = model.SEVERITY_UNSPECIFIED,
        rationale: str,
        etag: str,
        request_id: str = "",
        validate_only: bool = False,
    ) -> model.Violation:
        """Proposes a finding. `severity` is required for a violation."""
        request = service.ProposeFindingRequest(
            request_id=request_id or new_request_id(),
            violation_id=violation_id,
            is_violation=is_violation,
            severity=severity,
            rationale=rationale,
            etag=etag,
            validate_only=validate_only,
        )
        return (await self._calls.unary(self._stub.ProposeFinding, request)).violation

    async def confirm_finding(
        self,
        violation_id: str,
        finding_id: str,
        *,
        rationale: str,
        etag: str,
        request_id: str = "",
        validate_only: bool = False,
    ) -> model.Violation:
        """Confirms the pending finding of another officer."""
        request = service.ConfirmFindingRequest(
            request_id=request_id or new_request_id(),
            violation_id=violation_id,
            finding_id=finding_id,
            rationale=rationale,
            etag=etag,
            validate_only=validate_only,
        )
        return (await self._calls.unary(self._stub.ConfirmFinding, request)).violation

    async def reject_finding(
        self,
        violation_id: str,
        finding_id: str,
        *,
        rationale: str,
        etag: str,
        request_id: str = "",
        validate_only: bool = False,
    ) -> model.Violation:
        """Rejects the pending finding of another officer."""
        request = service.RejectFindingRequest(
            request_id=request_id or new_request_id(),
            violation_id=violation_id,
            finding_id=finding_id,
            rationale=rationale,
            etag=etag,
            validate_only=validate_only,
        )
        return (await self._calls.unary(self._stub.RejectFinding, request)).violation

    async def impose_warning(
        self,
        violation_id: str,
        *,
        rationale: str,
        etag: str,
        request_id: str = "",
        validate_only: bool = False,
    ) -> model.Violation:
        """Issues a warning; one officer suffices."""
        request = service.ImposeWarningRequest(
            request_id=request_id or new_request_id(),
            violation_id=violation_id,
            rationale=rationale,
            etag=etag,
            validate_only=validate_only,
        )
        return (await self._calls.unary(self._stub.ImposeWarning, request)).violation

    async def propose_measure(
        self,
        violation_id: str,
        *,
        kind: model.MeasureKind.ValueType,
        rationale: str,
        etag: str,
        request_id: str = "",
        validate_only: bool = False,
    ) -> model.Violation:
        """Proposes a suspension or a revocation."""
        request = service.ProposeMeasureRequest(
            request_id=request_id or new_request_id(),
            violation_id=violation_id,
            kind=kind,
            rationale=rationale,
            etag=etag,
            validate_only=validate_only,
        )
        return (await self._calls.unary(self._stub.ProposeMeasure, request)).violation

    async def confirm_measure(
        self,
        violation_id: str,
        measure_id: str,
        *,
        rationale: str,
        etag: str,
        request_id: str = "",
        validate_only: bool = False,
    ) -> service.ConfirmMeasureResponse:
        """Confirms the pending measure of another officer, which stops access."""
        request = service.ConfirmMeasureRequest(
            request_id=request_id or new_request_id(),
            violation_id=violation_id,
            measure_id=measure_id,
            rationale=rationale,
            etag=etag,
            validate_only=validate_only,
        )
        return await self._calls.unary(self._stub.ConfirmMeasure, request)

    async def reject_measure(
        self,
        violation_id: str,
        measure_id: str,
        *,
        rationale: str,
        etag: str,
        request_id: str = "",
        validate_only: bool = False,
    ) -> model.Violation:
        """Rejects the pending measure of another officer."""
        request = service.RejectMeasureRequest(
            request_id=request_id or new_request_id(),
            violation_id=violation_id,
            measure_id=measure_id,
            rationale=rationale,
            etag=etag,
            validate_only=validate_only,
        )
        return (await self._calls.unary(self._stub.RejectMeasure, request)).violation

    async def propose_reinstatement(
        self,
        license_id: str,
        *,
        rationale: str,
        etag: str,
        request_id: str = "",
        validate_only: bool = False,
    ) -> service.ProposeReinstatementResponse:
        """Proposes to reinstate a suspended license."""
        request = service.ProposeReinstatementRequest(
            request_id=request_id or new_request_id(),
            license_id=license_id,
            rationale=rationale,
            etag=etag,
            validate_only=validate_only,
        )
        return await self._calls.unary(self._stub.ProposeReinstatement, request)

    async def confirm_reinstatement(
        self,
        license_id: str,
        reinstatement_id: str,
        *,
        rationale: str,
        etag: str,
        request_id: str = "",
        validate_only: bool = False,
    ) -> service.ConfirmReinstatementResponse:
        """Confirms the pending reinstatement of another officer, which restores access."""
        request = service.ConfirmReinstatementRequest(
            request_id=request_id or new_request_id(),
            license_id=license_id,
            reinstatement_id=reinstatement_id,
            rationale=rationale,
            etag=etag,
            validate_only=validate_only,
        )
        return await self._calls.unary(self._stub.ConfirmReinstatement, request)

    async def reject_reinstatement(
        self,
        license_id: str,
        reinstatement_id: str,
        *,
        rationale: str,
        etag: str,
        request_id: str = "",
        validate_only: bool = False,
    ) -> service.RejectReinstatementResponse:
        """Rejects the pending reinstatement of another officer."""
        request = service.RejectReinstatementRequest(
            request_id=request_id or new_request_id(),
            license_id=license_id,
            reinstatement_id=reinstatement_id,
            rationale=rationale,
            etag=etag,
            validate_only=validate_only,
        )
        return await self._calls.unary(self._stub.RejectReinstatement, request)
