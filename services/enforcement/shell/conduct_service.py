"""ConductService: partners, gates and officers report conduct."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from safeconduct.enforcement.v1 import service_pb2 as pb
from safeconduct.enforcement.v1 import service_pb2_grpc

from chassis.rpc.authentication import current_principal
from chassis.telemetry.tracing import annotate
from services.enforcement.core.model import LicenseConduct
from services.enforcement.core.reports import find_report
from services.enforcement.shell import request_codec
from services.enforcement.shell.dependencies import Dependencies


class ConductServicer(service_pb2_grpc.ConductServiceServicer):
    """Serves `safeconduct.enforcement.v1.ConductService`."""

    def __init__(self, dependencies: Dependencies) -> None:
        self._mutations = dependencies.mutations()

    async def ReportConduct(
        self, request: pb.ReportConductRequest, context: Any
    ) -> pb.ReportConductResponse:
        """Stores the report and returns its case."""
        annotate({"license.id": request.license_id})
        reporter = request_codec.reporter(current_principal())
        command = request_codec.report_conduct(request, reporter, uuid4(), uuid4())

        def view(conduct: LicenseConduct) -> pb.ReportConductResponse:
            case, report = find_report(conduct, command)
            return pb.ReportConductResponse(
                violation_id=str(case.violation_id), report_id=str(report.report_id)
            )

        response = await self._mutations.run(UUID(request.license_id), request, command, view)
        # A dry run names no case: its id would reveal whether others had reported before.
        return pb.ReportConductResponse() if request.validate_only else response
