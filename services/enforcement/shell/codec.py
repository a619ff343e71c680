"""The one wall of enforcement: core values become messages here and messages become core values here.

What applications tells is turned into our own words; nothing of theirs goes further in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, TypeVar
from uuid import UUID

from google.protobuf.message import DecodeError
from safeconduct.applications.v1 import events_pb2 as applications_pb2
from safeconduct.applications.v1 import model_pb2 as applications_model_pb2
from safeconduct.enforcement.v1 import events_pb2, model_pb2, service_pb2
from safeconduct.screening.v1 import events_pb2 as screening_pb2
from safeconduct.screening.v1 import model_pb2 as screening_model_pb2

from chassis.proto_mapping import Converter, from_timestamp, to_timestamp
from chassis.rpc.authentication import Principal
from chassis.store.hash_chain import StoredEvent
from chassis.store.stream import etag_of
from chassis.streams.envelope import Undecodable
from services.enforcement.core import commands, events, model
from services.enforcement.core.access import Access, Judgement
from services.enforcement.core.credibility import ReporterRole
from services.enforcement.shell import earlier_releases

K = TypeVar("K", bound=StrEnum)

_EVENTS: Final[Mapping[str, Converter[Any, Any]]] = {
    kind.__name__: Converter(kind, getattr(events_pb2, kind.__name__))
    for kind in events.Event.__args__
}
"""Converters by event name. Core and contract give events the same names and fields."""

_STANDING: Final = Converter(model.Standing, model_pb2.Standing)
_VIOLATION: Final = Converter(model.Violation, model_pb2.Violation, only_proto=frozenset({"etag"}))
_REINSTATEMENT: Final = Converter(model.Reinstatement, model_pb2.Reinstatement)


def encode_event(event: events.Event) -> tuple[str, bytes]:
    """Returns the name and the bytes of an event."""
    name = type(event).__name__
    return name, _EVENTS[name].to_proto(event).SerializeToString(deterministic=True)


def decode_event(name: str, payload: bytes) -> events.Event:
    """Returns the stored event, also one of an earlier release."""
    message = getattr(events_pb2, name).FromString(payload)
    earlier_releases.complete(message)
    event: events.Event = _EVENTS[name].from_proto(message)
    return event


def standing(record: model.Standing) -> model_pb2.Standing:
    """Returns the standing as a message."""
    return _STANDING.to_proto(record)


def violation(record: model.Violation, version: int) -> model_pb2.Violation:
    """Returns the case as a message; `version` of its license makes the etag."""
    view = _VIOLATION.to_proto(record)
    view.etag = etag_of(version)
    return view


def pending_reinstatement(conduct: model.LicenseConduct) -> model_pb2.Reinstatement | None:
    """Returns the reinstatement that waits for a second officer, or None."""
    pending = conduct.reinstatement
    return None if pending is None else _REINSTATEMENT.to_proto(pending)


def timeline_entry(recorded: StoredEvent, actor: str) -> service_pb2.LicenseTimelineEntry:
    """Returns one stored event for the timeline, caused by `actor`."""
    return service_pb2.LicenseTimelineEntry(
        version=recorded.version,
        event_id=str(recorded.event_id),
        event_type=recorded.name,
        actor=actor,
        occurred_at=to_timestamp(recorded.occurred_at),
        trace_id=recorded.trace_id,
        hash=recorded.hash,
    )


def verdict(judgement: Judgement) -> model_pb2.AccessVerdict.ValueType:
    """A verdict as the contract numbers it."""
    return model_pb2.AccessVerdict.Value(f"ACCESS_VERDICT_{judgement.verdict}")


def access(request: service_pb2.CheckAccessRequest) -> Access:
    """The access that is asked for."""
    return Access(request.model_id, request.destination, request.end_use)


def reporter(principal: Principal) -> commands.Reporter:
    """Returns the calling reporter as the core's value."""
    return commands.Reporter(principal.name, ReporterRole(principal.kind), principal.partner_id)


def report_conduct(
    request: service_pb2.ReportConductRequest,
    reporter: commands.Reporter,
    report_id: UUID,
    violation_id: UUID,
) -> commands.ReportConduct:
    """Returns the command of the request."""
    return commands.ReportConduct(
        reporter=reporter,
        reporter_kind=_member(model.ReporterKind, model_pb2.ReporterKind, request.reporter_kind),
        clause=_member(model.Clause, model_pb2.Clause, request.clause),
        evidence_digests=tuple(request.evidence_digests),
        report_id=report_id,
        violation_id=violation_id,
    )


def propose_finding(
    request: service_pb2.ProposeFindingRequest, officer: commands.Officer, finding_id: UUID
) -> commands.ProposeFinding:
    """Returns the command of the request."""
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
    """Returns the command of the request."""
    return commands.ConfirmFinding(
        officer, UUID(request.violation_id), UUID(request.finding_id), request.rationale
    )


def reject_finding(
    request: service_pb2.RejectFindingRequest, officer: commands.Officer
) -> commands.RejectFinding:
    """Returns the command of the request."""
    return commands.RejectFinding(
        officer, UUID(request.violation_id), UUID(request.finding_id), request.rationale
    )


def impose_warning(
    request: service_pb2.ImposeWarningRequest, officer: commands.Officer, measure_id: UUID
) -> commands.ImposeWarning:
    """Returns the command of the request."""
    return commands.ImposeWarning(
        officer, UUID(request.violation_id), measure_id, request.rationale
    )


def propose_measure(
    request: service_pb2.ProposeMeasureRequest, officer: commands.Officer, measure_id: UUID
) -> commands.ProposeMeasure:
    """Returns the command of the request."""
    kind = _member(model.MeasureKind, model_pb2.MeasureKind, request.kind)
    return commands.ProposeMeasure(
        officer, UUID(request.violation_id), measure_id, kind, request.rationale
    )


def confirm_measure(
    request: service_pb2.ConfirmMeasureRequest, officer: commands.Officer
) -> commands.ConfirmMeasure:
    """Returns the command of the request."""
    return commands.ConfirmMeasure(
        officer, UUID(request.violation_id), UUID(request.measure_id), request.rationale
    )


def reject_measure(
    request: service_pb2.RejectMeasureRequest, officer: commands.Officer
) -> commands.RejectMeasure:
    """Returns the command of the request."""
    return commands.RejectMeasure(
        officer, UUID(request.violation_id), UUID(request.measure_id), request.rationale
    )


def propose_reinstatement(
    request: service_pb2.ProposeReinstatementRequest,
    officer: commands.Officer,
    reinstatement_id: UUID,
) -> commands.ProposeReinstatement:
    """Returns the command of the request."""
    return commands.ProposeReinstatement(officer, reinstatement_id, request.rationale)


def confirm_reinstatement(
    request: service_pb2.ConfirmReinstatementRequest, officer: commands.Officer
) -> commands.ConfirmReinstatement:
    """Returns the command of the request."""
    return commands.ConfirmReinstatement(officer, UUID(request.reinstatement_id), request.rationale)


def reject_reinstatement(
    request: service_pb2.RejectReinstatementRequest, officer: commands.Officer
) -> commands.RejectReinstatement:
    """Returns the command of the request."""
    return commands.RejectReinstatement(officer, UUID(request.reinstatement_id), request.rationale)


def violation_state(number: model_pb2.ViolationState.ValueType) -> str | None:
    """Returns the name of the state to filter by, or None for all states."""
    return (
        model_pb2.ViolationState.Name(number).removeprefix("VIOLATION_STATE_") if number else None
    )


def _member(kind: type[K], enum: Any, number: int) -> K:
    """Returns the core's member for a number of the contract's enum: `SEVERITY_MINOR` is MINOR."""
    prefix = enum.Name(0).removesuffix("UNSPECIFIED")
    return kind(enum.Name(number).removeprefix(prefix))


_END_USES: Final = {
    number: name.removeprefix("END_USE_")
    for name, number in applications_model_pb2.EndUse.items()
    if number
}


def license_issued(payload: bytes) -> commands.RegisterLicense:
    """The license that applications issued. Raises Undecodable."""
    try:
        told = applications_pb2.LicenseIssued.FromString(payload)
        grant = told.license
        if not (grant.HasField("not_before") and grant.HasField("not_after")):
            raise Undecodable("a license without validity")
        return commands.RegisterLicense(
            license_id=UUID(grant.license_id),
            application_id=UUID(told.application_id),
            partner_id=grant.partner_id,
            license_number=grant.license_number,
            model_ids=tuple(dict.fromkeys(item.model_id for item in grant.items)),
            destinations=tuple(grant.destinations),
            # An end use that we have no word for yet is not granted at any gate.
            end_uses=tuple(_END_USES[number] for number in grant.end_uses if number in _END_USES),
            not_before=from_timestamp(grant.not_before),
            not_after=from_timestamp(grant.not_after),
            lease_seconds=grant.lease_seconds,
        )
    except (DecodeError, ValueError) as error:
        raise Undecodable("not a LicenseIssued") from error


def list_match(
    name: str, payload: bytes
) -> tuple[UUID, commands.RecordListMatch | commands.FollowHitVerdict] | None:
    """Returns the license and the command that an event of screening leads to.

    Returns None for other events and for parties without a license. Raises Undecodable.
    """
    try:
        if name == "PartyListed":
            listed = screening_pb2.PartyListed.FromString(payload)
            return (UUID(listed.license_id), _record_match(listed)) if listed.license_id else None
        if name == "HitAdjudicated":
            verdict = screening_pb2.HitAdjudicated.FromString(payload)
            return (
                (UUID(verdict.license_id), _follow_verdict(verdict)) if verdict.license_id else None
            )
    except (DecodeError, ValueError) as error:
        raise Undecodable(f"not a {name}") from error
    return None


def _record_match(listed: screening_pb2.PartyListed) -> commands.RecordListMatch:
    return commands.RecordListMatch(
        party_id=listed.party_id,
        screening_id=UUID(listed.screening_id),
        entry_ids=tuple(listed.entry_ids),
        list_codes=tuple(listed.list_codes),
        list_version=listed.list_version,
    )


def _follow_verdict(verdict: screening_pb2.HitAdjudicated) -> commands.FollowHitVerdict:
    return commands.FollowHitVerdict(
        party_id=verdict.party_id,
        is_false_positive=verdict.verdict == screening_model_pb2.HIT_VERDICT_FALSE_POSITIVE,
        open_entry_ids=tuple(verdict.party_entry_ids),
        list_codes=tuple(verdict.party_list_codes),
    )


def standing_changed(payload: bytes) -> tuple[model.Standing, bytes]:
    """A standing from the compacted topic, and the same for `standing_changes`. Raises ValueError when unreadable."""
    try:
        message = events_pb2.StandingChanged.FromString(payload).standing
    except DecodeError as error:
        raise ValueError("not a StandingChanged") from error
    changes = service_pb2.WatchStandingResponse.StandingChanges(standings=[message])
    return _STANDING.from_proto(message), changes.SerializeToString()


def standing_changes(
    parts: Iterable[bytes], resume_token: str, *, is_snapshot: bool, has_more: bool
) -> bytes:
    """A WatchStandingResponse of standings that were serialized once for all gates.

    Serialized messages of one type that are joined are the message with all their fields (protobuf's encoding), so the
    parts are joined with the rest and nothing is serialized again.
    """
    rest = service_pb2.WatchStandingResponse.StandingChanges(
        resume_token=resume_token, is_snapshot=is_snapshot, has_more=has_more
    )
    changes = b"".join((*parts, rest.SerializeToString()))
    return _CHANGES_TAG + _varint(len(changes)) + changes


_CHANGES_TAG: Final = bytes([service_pb2.WatchStandingResponse.CHANGES_FIELD_NUMBER << 3 | 2])
"""Field number and wire type 2, length-delimited."""


def _varint(number: int) -> bytes:
    """Base 128, lowest group first, the high bit on every byte but the last."""
    groups = bytearray()
    while number > 0x7F:
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    groups.append(number)
    return bytes(groups)


def encode_tick(replica_id: str, sequence: int, shard: int, written_at: datetime) -> bytes:
    """A tick of a replica."""
    tick = events_pb2.StandingTick(replica_id=replica_id, sequence=sequence, shard=shard)
    tick.written_at.CopyFrom(to_timestamp(written_at))
    return tick.SerializeToString()


def decode_tick(payload: bytes) -> tuple[str, int]:
    """Whose tick and its number. Raises ValueError when it cannot be understood."""
    try:
        tick = events_pb2.StandingTick.FromString(payload)
    except DecodeError as error:
        raise ValueError("not a StandingTick") from error
    return tick.replica_id, tick.sequence
