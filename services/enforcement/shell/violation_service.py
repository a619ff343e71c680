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
from chassis.rpc.page_tokens import Page
from chassis.store.stream import etag_of
from chassis.telemetry.tracing import annotate
from services.enforcement.core.commands import CaseCommand, Officer, ReinstatementCommand
from services.enforcement.core.errors import not_found
from services.enforcement.core.model import LicenseConduct, Violation
from services.enforcement.shell import codec, request_codec, standing_codec
from services.enforcement.shell.dependencies import Dependencies, officer_of

M = TypeVar("M", bound=Message)


class ViolationServicer(service_pb2_grpc.ViolationServiceServicer):
    """Serves `safeconduct.enforcement.v1.ViolationService`."""

    def __init__(self, dependencies: Dependencies) -> None:
        self._journal = dependencies.journal
        self._page_tokens = dependencies.page_tokens
        self._mutations = dependencies.mutations()

    async def ListViolations(
        self, request: pb.ListViolationsRequest, context: Any
    ) -> pb.ListViolationsResponse:
        """Returns one page of cases, newest first."""
        state = request_codec.violation_state(request.state)
        license_id = UUID(request.license_id) if request.license_id else None
        purpose = f"ListViolations/{current_principal().name}/{state}/{license_id}"
        page = self._page_tokens.page(purpose, request)
        found = await self._find(state, license_id, page)
        return pb.ListViolationsResponse(
            violations=[codec.violation(each, version) for each, version in page.rows(found)],
            next_page_token=page.next_token(
                found, lambda row: (row[0].opened_at, row[0].violation_id)
            ),
        )

    async def GetViolation(
        self, request: pb.GetViolationRequest, context: Any
    ) -> pb.GetViolationResponse:
        """Returns one case with the standing of its license."""
        violation_id = UUID(request.violation_id)
        current = await self._journal.read(await self._license_of(violation_id))
        assert current is not None, "a case is stored with its license"
        conduct = current.state
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

    async def _find(
        self, state: str | None, license_id: UUID | None, page: Page
    ) -> list[tuple[Violation, int]]:
        """Returns the cases of the page, each with the version of its license."""
        filters = [value for value in (state, license_id) if value is not None]
        rows = await self._journal.fetch(
            _query(state, license_id), *page.after, page.limit, *filters
        )
        licenses = await self._journal.select(
            "where id = any($1::uuid[])", list({row["license_id"] for row in rows})
        )
        conducts = {each.id: each.state for each in licenses}
        return [
            (
                _case(conducts[row["license_id"]], row["violation_id"]),
                conducts[row["license_id"]].version,
            )
            for row in rows
        ]


def _query(state: str | None, license_id: UUID | None) -> str:
    """Returns the query of one page. For each combination of filters there is an index to walk."""
    columns = [
        name for name, value in (("state", state), ("license_id", license_id)) if value is not None
    ]
    filters = "".join(f" and {name} = ${number}" for number, name in enumerate(columns, 4))
    return (
        "select violation_id, license_id from violation"  # noqa: S608 - column names of this function
        f" where ($1::timestamptz is null or (opened_at, violation_id) < ($1, $2::uuid)){filters}"
        " order by opened_at desc, violation_id desc limit $3"
    )


def _case(conduct: LicenseConduct, violation_id: UUID) -> Violation:
    violation = conduct.violation(violation_id)
    assert violation is not None, "the row of a case is written together with its license"
    return violation


def _view(conduct: LicenseConduct, violation_id: UUID) -> model_pb2.Violation:
    return codec.violation(_case(conduct, violation_id), conduct.version)


def _officer() -> Officer:
    return officer_of(current_principal())
