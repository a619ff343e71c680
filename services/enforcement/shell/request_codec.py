"""Converts requests of RPCs to values of the core."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, TypeVar
from uuid import UUID

from safeconduct.enforcement.v1 import model_pb2, service_pb2
from safeconduct.standing import Access, Clause, MeasureKind

from chassis.rpc.authentication import Principal
from services.enforcement.core import commands, model
from services.enforcement.core.credibility import ReporterRole

K = TypeVar("K", bound=StrEnum)


def access(request: service_pb2.CheckAccessRequest) -> Access:
    """Returns the access of the request."""
    end_use = (
        model_pb2.EndUse.Name(request.requested_end_use).removeprefix("END_USE_")
        if request.requested_end_use
        # Clients of earlier releases send the name.
        else request.end_use
    )
    mode = model_pb2.AccessMode.Name(request.access_mode).removeprefix("ACCESS_MODE_")
    return Access(
        str(UUID(request.license_id)), request.model_id, mode, request.destination, end_use
    )


def reporter(principal: Principal) -> commands.Reporter:
    """Returns the calling reporter as the core's value."""
    return commands.Reporter(principal.name, ReporterRole(principal.kind), principal.partner_id)


def report_conduct(
    request: service_pb2.ReportConductRequest,
    reporter: commands.Reporter,
    report_id: UUID,
    violation_id: UUID,
) -> commands.ReportConduct:
    """Returns the command. The ids are those of the new report, and of the case it may open."""
    return commands.ReportConduct(
        reporter=reporter,
        reporter_kind=_member(model.ReporterKind, model_pb2.ReporterKind, request.reporter_kind),
        clause=_member(Clause, model_pb2.Clause, request.clause),
        evidence_digests=tuple(request.evidence_digests),
        report_id=report_id,
        violation_id=violation_id,
    )


def propose_finding(
    request: service_pb2.ProposeFindingRequest, officer: commands.Officer, finding_id: UUID
) -> commands.ProposeFinding:
    """Returns the command. `finding_id` is the id of the new finding."""
    severity = (
        _member(model.Severity, model_pb2.Severity, request.severity) if request.severity else None
    )
    return commands.ProposeFinding(
        officer,
        UUID(request.violation_id),
        finding_id,
        request.is_violation,
        severity,
        request.rationale,
    )


def confirm_finding(
    request: service_pb2.ConfirmFindingRequest, officer: commands.Officer
) -> commands.ConfirmFinding:
    """Returns the command on the finding that the officer read."""
    return commands.ConfirmFinding(
        officer, UUID(request.violation_id), UUID(request.finding_id), request.rationale
    )


def reject_finding(
    request: service_pb2.RejectFindingRequest, officer: commands.Officer
) -> commands.RejectFinding:
    """Returns the command on the finding that the officer read."""
    return commands.RejectFinding(
        officer, UUID(request.violation_id), UUID(request.finding_id), request.rationale
    )


def impose_warning(
    request: service_pb2.ImposeWarningRequest, officer: commands.Officer, measure_id: UUID
) -> commands.ImposeWarning:
    """Returns the command. `measure_id` is the id of the new measure."""
    return commands.ImposeWarning(
        officer, UUID(request.violation_id), measure_id, request.rationale
    )


def propose_measure(
    request: service_pb2.ProposeMeasureRequest, officer: commands.Officer, measure_id: UUID
) -> commands.ProposeMeasure:
    """Returns the command. `measure_id` is the id of the new measure."""
    kind = _member(MeasureKind, model_pb2.MeasureKind, request.kind)
    return commands.ProposeMeasure(
        officer, UUID(request.violation_id), measure_id, kind, request.rationale
    )


def confirm_measure(
    request: service_pb2.ConfirmMeasureRequest, officer: commands.Officer
) -> commands.ConfirmMeasure:
    """Returns the command on the measure that the officer read."""
    return commands.ConfirmMeasure(
        officer, UUID(request.violation_id), UUID(request.measure_id), request.rationale
    )


def reject_measure(
    request: service_pb2.RejectMeasureRequest, officer: commands.Officer
) -> commands.RejectMeasure:
    """Returns the command on the measure that the officer read."""
    return commands.RejectMeasure(
        officer, UUID(request.violation_id), UUID(request.measure_id), request.rationale
    )


def propose_reinstatement(
    request: service_pb2.ProposeReinstatementRequest,
    officer: commands.Officer,
    reinstatement_id: UUID,
) -> commands.ProposeReinstatement:
    """Returns the command. `reinstatement_id` is the id of the new proposal."""
    return commands.ProposeReinstatement(officer, reinstatement_id, request.rationale)


def confirm_reinstatement(
    request: service_pb2.ConfirmReinstatementRequest, officer: commands.Officer
) -> commands.ConfirmReinstatement:
    """Returns the command on the proposal that the officer read."""
    return commands.ConfirmReinstatement(officer, UUID(request.reinstatement_id), request.rationale)


def reject_reinstatement(
    request: service_pb2.RejectReinstatementRequest, officer: commands.Officer
) -> commands.RejectReinstatement:
    """Returns the command on the proposal that the officer read."""
    return commands.RejectReinstatement(officer, UUID(request.reinstatement_id), request.rationale)


def filtered(enum: Any, number: int) -> str | None:
    """Returns the name to filter by, without the prefix of the contract, or None for all."""
    return enum.Name(number).removeprefix(enum.Name(0)[: -len("UNSPECIFIED")]) if number else None


def _member(kind: type[K], enum: Any, number: int) -> K:
    """Returns the core's member for a number of the contract's enum: `SEVERITY_MINOR` is MINOR."""
    prefix = enum.Name(0).removesuffix("UNSPECIFIED")
    return kind(enum.Name(number).removeprefix(prefix))
