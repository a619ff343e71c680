"""ViolationService: enforcement officers read cases and decide on them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID, uuid4

from google.protobuf.message import Message
from safeconduct.enforcement.v1 import model_pb2, service_pb2_grpc
from safeconduct.enforcement.v1 import service_pb2 as pb

from chassis.rpc.authentication import current_principal
from chassis.rpc.errors import rpc_error
from chassis.store.list_pages import Lists
from chassis.store.stream import etag_of
from chassis.telemetry.tracing import annotate
from services.enforcement.core.commands import CaseCommand, Officer, ReinstatementCommand
from services.enforcement.core.errors import not_found
from services.enforcement.core.model import LicenseConduct, Violation
from services.enforcement.core.visibility import refuse_conflict
from services.enforcement.shell import codec, listings, request_codec, standing_codec
from services.enforcement.shell.dependencies import Dependencies, officer_of

M = TypeVar("M", bound=Message)


class ViolationServicer(service_pb2_grpc.ViolationServiceServicer):
    """Serves `safeconduct.enforcement.v1.ViolationService`."""

    def __init__(self, dependencies: Dependencies) -> None:
        self._journal = dependencies.journal
        self._lists = Lists(dependencies.journal, dependencies.page_tokens)
        self._summaries = self._lists.summaries(
            pb.ViolationSummary,
            "license_id",
            lambda stream, row: codec.violation_summary(
                _case(stream.state, row["violation_id"]), stream.state.partner_id
            ),
        )
        self._details = self._lists.details(
            "license_id", lambda stream, row: _view(stream.state, row["violation_id"])
        )
        self._mutations = dependencies.mutations()

    async def ListViolations(
        self, request: pb.ListViolationsRequest, context: Any
    ) -> pb.ListViolationsResponse:
        """Returns one page of cases."""
        caller = current_principal()
        query = listings.violations(request, caller)
        if request.HasField("filter"):
            summaries = await self._lists.read(caller.name, request, query, self._summaries)
            return pb.ListViolationsResponse(
                summaries=summaries.elements,
                next_page_token=summaries.next_page_token,
                total_size=summaries.total_size,
                has_more_than_total=summaries.has_more_than_total,
            )
        # Clients of the release before read whole cases.
        cases = await self._lists.read(caller.name, request, query, self._details)
        return pb.ListViolationsResponse(
            violations=cases.elements,
            next_page_token=cases.next_page_token,
            total_size=cases.total_size,
            has_more_than_total=cases.has_more_than_total,
        )

    async def GetViolation(
        self, request: pb.GetViolationRequest, context: Any
    ) -> pb.GetViolationResponse:
        """Returns one case with the standing of its license."""
        violation_id = UUID(request.violation_id)
        current = await self._journal.read(await self._license_of(violation_id))
        assert current is not None, "a case is stored with its license"
        conduct = current.state
        conflict = refuse_conflict(conduct.partner_id, current_principal())
        if conflict is not None:
            raise rpc_error(conflict)
        return pb.GetViolationResponse(
            violation=_view(conduct, violation_id),
            standing=standing_codec.to_message(conduct.known_standing),
            pending_reinstatement=codec.pending_reinstatement(conduct),
        )

    async def ProposeFinding(
        self, request: pb.ProposeFindingRequest, context: Any
    ) -> pb.ProposeFindingResponse:
        """Proposes a finding."""
        command = request_codec.propose_finding(request, _officer(), uuid4())
        return await self._run_on_case(
            request, command, lambda case, _: pb.ProposeFindingResponse(violation=case)
        )

    async def ConfirmFinding(
        self, request: pb.ConfirmFindingRequest, context: Any
    ) -> pb.ConfirmFindingResponse:
        """Confirms the pending finding."""
        command = request_codec.confirm_finding(request, _officer())
        return await self._run_on_case(
            request, command, lambda case, _: pb.ConfirmFindingResponse(violation=case)
        )

    async def RejectFinding(
        self, request: pb.RejectFindingRequest, context: Any
    ) -> pb.RejectFindingResponse:
        """Rejects the pending finding."""
        command = request_codec.reject_finding(request, _officer())
        return await self._run_on_case(
            request, command, lambda case, _: pb.RejectFindingResponse(violation=case)
        )

    async def ImposeWarning(
        self, request: pb.ImposeWarningRequest, context: Any
    ) -> pb.ImposeWarningResponse:
        """Issues a warning."""
        command = request_codec.impose_warning(request, _officer(), uuid4())
        return await self._run_on_case(
            request, command, lambda case, _: pb.ImposeWarningResponse(violation=case)
        )

    async def ProposeMeasure(
        self, request: pb.ProposeMeasureRequest, context: Any
    ) -> pb.ProposeMeasureResponse:
        """Proposes a suspension or a revocation."""
        command = request_codec.propose_measure(request, _officer(), uuid4())
        return await self._run_on_case(
            request, command, lambda case, _: pb.ProposeMeasureResponse(violation=case)
        )

    async def ConfirmMeasure(
        self, request: pb.ConfirmMeasureRequest, context: Any
    ) -> pb.ConfirmMeasureResponse:
        """Confirms the pending measure, which stops access."""
        command = request_codec.confirm_measure(request, _officer())
        return await self._run_on_case(
            request,
            command,
            lambda case, conduct: pb.ConfirmMeasureResponse(
                violation=case, standing=standing_codec.to_message(conduct.known_standing)
            ),
        )

    async def RejectMeasure(
        self, request: pb.RejectMeasureRequest, context: Any
    ) -> pb.RejectMeasureResponse:
        """Rejects the pending measure."""
        command = request_codec.reject_measure(request, _officer())
        return await self._run_on_case(
            request, command, lambda case, _: pb.RejectMeasureResponse(violation=case)
        )

    async def ProposeReinstatement(
        self, request: pb.ProposeReinstatementRequest, context: Any
    ) -> pb.ProposeReinstatementResponse:
        """Proposes to reinstate a suspended license."""
        command = request_codec.propose_reinstatement(request, _officer(), uuid4())
        return await self._run_on_license(
            request,
            command,
            lambda conduct: pb.ProposeReinstatementResponse(
                reinstatement=codec.pending_reinstatement(conduct), etag=etag_of(conduct.version)
            ),
        )

    async def ConfirmReinstatement(
        self, request: pb.ConfirmReinstatementRequest, context: Any
    ) -> pb.ConfirmReinstatementResponse:
        """Confirms the pending reinstatement, which restores access."""
        command = request_codec.confirm_reinstatement(request, _officer())
        return await self._run_on_license(
            request,
            command,
            lambda conduct: pb.ConfirmReinstatementResponse(
                standing=standing_codec.to_message(conduct.known_standing),
                etag=etag_of(conduct.version),
            ),
        )

    async def RejectReinstatement(
        self, request: pb.RejectReinstatementRequest, context: Any
    ) -> pb.RejectReinstatementResponse:
        """Rejects the pending reinstatement."""
        command = request_codec.reject_reinstatement(request, _officer())
        return await self._run_on_license(
            request,
            command,
            lambda conduct: pb.RejectReinstatementResponse(
                standing=standing_codec.to_message(conduct.known_standing),
                etag=etag_of(conduct.version),
            ),
        )

    async def _run_on_case(
        self,
        request: Message,
        command: CaseCommand,
        view: Callable[[model_pb2.Violation, LicenseConduct], M],
    ) -> M:
        """Runs the command; `view` builds the response from the case and its license."""
        violation_id = command.violation_id
        license_id = await self._license_of(violation_id)
        annotate({"license.id": str(license_id)})
        return await self._mutations.run(
            license_id,
            request,
            command,
            lambda conduct: view(_view(conduct, violation_id), conduct),
        )

    async def _run_on_license(
        self,
        request: Any,
        command: ReinstatementCommand,
        view: Callable[[LicenseConduct], M],
    ) -> M:
        annotate({"license.id": request.license_id})
        return await self._mutations.run(UUID(request.license_id), request, command, view)

    async def _license_of(self, violation_id: UUID) -> UUID:
        """Returns the license that the case is about. Raises `RpcError` NOT_FOUND."""
        annotate({"violation.id": str(violation_id)})
        rows = await self._journal.fetch(
            "select license_id from violation where violation_id = $1", violation_id
        )
        if not rows:
            raise rpc_error(not_found("case"))
        license_id: UUID = rows[0]["license_id"]
        return license_id


def _case(conduct: LicenseConduct, violation_id: UUID) -> Violation:
    violation = conduct.violation(violation_id)
    assert violation is not None, "the row of a case is written together with its license"
    return violation


def _view(conduct: LicenseConduct, violation_id: UUID) -> model_pb2.Violation:
    return codec.violation(_case(conduct, violation_id), conduct.version)


def _officer() -> Officer:
    return officer_of(current_principal())
