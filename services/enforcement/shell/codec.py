"""Converts between values of the core and bytes or messages: events, views, consumed events.

No other module of the service sees a message of another service.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final, Protocol
from uuid import UUID

from google.protobuf.message import DecodeError
from safeconduct.applications.v1 import events_pb2 as applications_pb2
from safeconduct.applications.v1 import model_pb2 as applications_model_pb2
from safeconduct.enforcement.v1 import events_pb2, model_pb2, service_pb2
from safeconduct.screening.v1 import events_pb2 as screening_pb2
from safeconduct.screening.v1 import model_pb2 as screening_model_pb2
from safeconduct.standing import AccessMode, AccessVerdict, EndUse, Grant

from chassis.proto_mapping import Converter, from_timestamp, to_timestamp
from chassis.store.hash_chain import StoredEvent
from chassis.store.stream import UnknownEventError, etag_of
from chassis.streams.envelope import Undecodable
from services.enforcement.core import commands, events, model
from services.enforcement.shell import earlier_releases, standing_codec


class _EventConverter(Protocol):
    """Converts one kind of event; `Converter` does so field by field."""

    def to_proto(self, record: Any, /) -> Any:
        """Returns the message of the event."""

    def from_proto(self, message: Any, /) -> Any:
        """Returns the event of the message."""


class _StandingChangedConverter:
    """Converts StandingChanged, whose standing the contract holds in a form of its own."""

    def to_proto(self, record: events.StandingChanged, /) -> events_pb2.StandingChanged:
        """Returns the message of the event."""
        return events_pb2.StandingChanged(standing=standing_codec.to_message(record.standing))

    def from_proto(self, message: events_pb2.StandingChanged, /) -> events.StandingChanged:
        """Returns the event of the message."""
        return events.StandingChanged(standing_codec.from_message(message.standing))


_EVENTS: Final[Mapping[str, _EventConverter]] = {
    kind.__name__: _StandingChangedConverter()
    if kind is events.StandingChanged
    else Converter(kind, getattr(events_pb2, kind.__name__))
    for kind in events.Event.__args__
}
"""Converters by event name. Core and contract give events the same names and fields."""

_VIOLATION: Final = Converter(model.Violation, model_pb2.Violation, only_proto=frozenset({"etag"}))
_END_USES: Final = {applications_model_pb2.EndUse.Value(f"END_USE_{use}"): use for use in EndUse}
"""End uses by their numbers in the contract of applications."""
_ACCESS_MODES: Final = {
    applications_model_pb2.AccessMode.Value(f"ACCESS_MODE_{mode}"): mode for mode in AccessMode
}
"""Forms of access by their numbers in the contract of applications."""
_REINSTATEMENT: Final = Converter(model.Reinstatement, model_pb2.Reinstatement)


def encode_event(event: events.Event) -> tuple[str, bytes]:
    """Returns the name and the bytes of an event."""
    name = type(event).__name__
    return name, _EVENTS[name].to_proto(event).SerializeToString(deterministic=True)


def decode_event(name: str, payload: bytes) -> events.Event:
    """Returns the stored event, also one of an earlier release. Raises UnknownEventError."""
    if name not in _EVENTS:
        raise UnknownEventError(name)
    message = getattr(events_pb2, name).FromString(payload)
    earlier_releases.complete(message)
    event: events.Event = _EVENTS[name].from_proto(message)
    return event


def violation(record: model.Violation, version: int) -> model_pb2.Violation:
    """Returns the case as a message; `version` of its license makes the etag."""
    view = _VIOLATION.to_proto(record)
    view.etag = etag_of(version)
    return view


def violation_summary(record: model.Violation, partner_id: str) -> service_pb2.ViolationSummary:
    """Returns the case as lists show it. `partner_id` is that of its license."""
    finding, latest = record.finding, record.measures[-1] if record.measures else None
    return service_pb2.ViolationSummary(
        violation_id=str(record.violation_id),
        license_id=str(record.license_id),
        partner_id=partner_id,
        clause=_number(model_pb2.Clause, record.clause),
        state=_number(model_pb2.ViolationState, record.state),
        credibility=_number(model_pb2.Credibility, record.credibility),
        report_count=len(record.reports),
        severity=_number(model_pb2.Severity, finding.severity if finding is not None else None),
        measure_kind=_number(model_pb2.MeasureKind, latest.kind if latest is not None else None),
        opened_at=to_timestamp(record.opened_at),
        last_reported_at=to_timestamp(max(each.reported_at for each in record.reports)),
    )


def pending_reinstatement(conduct: model.LicenseConduct) -> model_pb2.Reinstatement | None:
    """Returns the reinstatement that waits for a second officer, or None."""
    pending = conduct.reinstatement
    return None if pending is None else _REINSTATEMENT.to_proto(pending)


def _number(enum: Any, member: StrEnum | None) -> Any:
    """Returns the number of a member of the core in the contract's enum, 0 for None."""
    prefix = enum.Name(0).removesuffix("UNSPECIFIED")
    return 0 if member is None else enum.Value(f"{prefix}{member}")


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


def access_verdict(verdict: AccessVerdict) -> model_pb2.AccessVerdict.ValueType:
    """Returns the number of the verdict in the contract."""
    return model_pb2.AccessVerdict.Value(f"ACCESS_VERDICT_{verdict}")


def license_issued(payload: bytes) -> commands.RegisterLicense:
    """Returns the command that LicenseIssued of applications leads to. Raises Undecodable."""
    try:
        issued = applications_pb2.LicenseIssued.FromString(payload)
        grant = issued.license
        if not (grant.HasField("not_before") and grant.HasField("not_after")):
            raise Undecodable("a license without validity")
        return commands.RegisterLicense(
            license_id=UUID(grant.license_id),
            application_id=UUID(issued.application_id),
            partner_id=grant.partner_id,
            license_number=grant.license_number,
            # A form of access that this release does not know is not granted at any gate.
            grants=frozenset(
                Grant(item.model_id, _ACCESS_MODES.get(item.access_mode)) for item in grant.items
            ),
            destinations=frozenset(grant.destinations),
            # An end use that this release does not know is not granted at any gate.
            end_uses=frozenset(
                _END_USES[number] for number in grant.end_uses if number in _END_USES
            ),
            not_before=from_timestamp(grant.not_before),
            not_after=from_timestamp(grant.not_after),
            lease_seconds=grant.lease_seconds,
        )
    except (DecodeError, ValueError) as error:
        raise Undecodable("not a LicenseIssued") from error


def list_match(
    name: str, payload: bytes
) -> commands.RecordListMatch | commands.FollowHitVerdict | None:
    """Returns the command that an event of screening leads to.

    Returns None for other events and for parties without a license. Raises Undecodable.
    """
    try:
        if name == "PartyListed":
            listed = screening_pb2.PartyListed.FromString(payload)
            return _record_match(listed) if listed.license_id else None
        if name == "HitAdjudicated":
            verdict = screening_pb2.HitAdjudicated.FromString(payload)
            return _follow_verdict(verdict) if verdict.license_id else None
    except (DecodeError, ValueError) as error:
        raise Undecodable(f"not a {name}") from error
    return None


def _record_match(listed: screening_pb2.PartyListed) -> commands.RecordListMatch:
    return commands.RecordListMatch(
        license_id=UUID(listed.license_id),
        party_id=listed.party_id,
        screening_id=UUID(listed.screening_id),
        entry_ids=tuple(listed.entry_ids),
        list_codes=tuple(listed.list_codes),
        list_version=listed.list_version,
    )


def _follow_verdict(verdict: screening_pb2.HitAdjudicated) -> commands.FollowHitVerdict:
    return commands.FollowHitVerdict(
        license_id=UUID(verdict.license_id),
        party_id=verdict.party_id,
        is_false_positive=verdict.verdict == screening_model_pb2.HIT_VERDICT_FALSE_POSITIVE,
        open_entry_ids=tuple(verdict.party_entry_ids),
        list_codes=tuple(verdict.party_list_codes),
    )
