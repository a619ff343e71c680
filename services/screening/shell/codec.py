"""The one wall of screening: core values become messages here and messages become core values here.

What applications tells is turned into our own words; nothing of theirs goes further in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import NAMESPACE_OID, UUID, uuid5

from google.protobuf.message import DecodeError, Message
from safeconduct.applications.v1 import events_pb2 as applications_pb2
from safeconduct.applications.v1 import model_pb2 as applications_model_pb2
from safeconduct.enforcement.v1 import events_pb2 as enforcement_pb2
from safeconduct.screening.v1 import events_pb2, model_pb2, service_pb2

from chassis.proto_mapping import Converter, to_timestamp
from chassis.store.hash_chain import StoredEvent
from chassis.store.stream import etag_of
from chassis.streams.envelope import Envelope, Undecodable
from services.screening.core import events, model, records
from services.screening.core.cases.recording import limit_hits, record_party
from services.screening.core.commands import EndMonitoring, MonitorLicense
from services.screening.core.evolve import KnownHit, ScreenedApplication
from services.screening.core.lists import versions
from services.screening.core.lists.formats import Delta
from services.screening.core.lists.parsed_list import Part
from services.screening.core.ownership.assessment import Stake
from services.screening.core.ownership.findings import ShareRange, aloud

_EVENTS: Final[Mapping[str, Converter[Any, Any]]] = {
    kind.__name__: Converter(kind, getattr(events_pb2, kind.__name__))
    for kind in events.Event.__args__
}
_REGISTER_EVENTS: Final[Mapping[str, Converter[Any, Any]]] = {
    kind.__name__: Converter(kind, getattr(events_pb2, kind.__name__))
    for kind in versions.Event.__args__
}
_PARTY: Final = Converter(records.PartyScreening, model_pb2.PartyScreening)
_HIT: Final = Converter(records.RecordedHit, model_pb2.Hit)
_ACT: Final = Converter(records.HitAct, model_pb2.HitAct)
_VERSION: Final = Converter(versions.ListVersion, model_pb2.ListVersion)
_SCREENING: Final = Converter(
    events.ScreeningCompleted,
    model_pb2.Screening,
    only_record=frozenset({"partner_id", "subjects"}),
    only_proto=frozenset({"trace_id", "ownership_explanations"}),
)


@dataclass(frozen=True, slots=True)
class Submission:
    """An application as screening hears of it: its parties by their id, as questions to the engine."""

    screening_id: UUID
    application_id: UUID
    partner_id: str
    subjects: tuple[records.Subject, ...]


def submission(envelope: Envelope) -> Submission:
    """What was submitted. Raises Undecodable when it cannot be read or says less than the contract promises."""
    try:
        told = applications_pb2.ApplicationSubmitted.FromString(envelope.payload)
        application_id = UUID(told.application_id)
    except (DecodeError, ValueError) as error:
        raise Undecodable("not an ApplicationSubmitted") from error
    if not told.partner_id or not told.details.parties:
        # An application of nobody would come back without a single doubt.
        raise Undecodable("an ApplicationSubmitted without partner or parties")
    return Submission(
        # The same submission, heard again, is the same screening.
        screening_id=uuid5(NAMESPACE_OID, f"screening/{envelope.event_id}"),
        application_id=application_id,
        partner_id=told.partner_id,
        subjects=tuple(map(_subject, told.details.parties)),
    )


def _subject(party: applications_model_pb2.Party) -> records.Subject:
    return records.Subject(
        party_id=party.party_id,
        names=(party.name, *party.aliases),
        kind=_APPLICANT_KINDS.get(party.kind),
        birth_date=party.birth_date,
        countries=(party.country,) if party.country else (),
        identifiers=tuple(
            records.SubjectIdentifier(each.type, each.value) for each in party.identifiers
        ),
        addresses=(party.address,) if party.address else (),
        owns=tuple(map(_stake, party.owns)),
        is_beneficial_owner=applications_model_pb2.PARTY_ROLE_BENEFICIAL_OWNER in party.roles,
    )


def _stake(stake: applications_model_pb2.Ownership) -> Stake:
    if stake.HasField("share_percent"):
        return Stake(stake.owned_party_id, ShareRange(stake.share_percent, stake.share_percent))
    if stake.HasField("share_range"):
        bounds = stake.share_range
        return Stake(
            stake.owned_party_id, ShareRange(bounds.at_least_percent, bounds.at_most_percent)
        )
    return Stake(stake.owned_party_id)


_APPLICANT_KINDS: Final[Mapping[int, records.SubjectKind]] = {
    applications_model_pb2.PARTY_KIND_PERSON: records.SubjectKind.PERSON,
    applications_model_pb2.PARTY_KIND_ORGANISATION: records.SubjectKind.ORGANISATION,
    applications_model_pb2.PARTY_KIND_VESSEL: records.SubjectKind.VESSEL,
}
_ENDINGS: Final[Mapping[tuple[str, str], type[Message]]] = {
    ("applications", "ApplicationDenied"): applications_pb2.ApplicationDenied,
    ("applications", "ApplicationWithdrawn"): applications_pb2.ApplicationWithdrawn,
    ("applications", "ApplicationLapsed"): applications_pb2.ApplicationLapsed,
    ("applications", "LicenseExpired"): applications_pb2.LicenseExpired,
    ("enforcement", "LicenseRevoked"): enforcement_pb2.LicenseRevoked,
}
"""Facts after which the lists do not concern an application any more."""


def ended(teller: str, envelope: Envelope) -> tuple[UUID, EndMonitoring] | None:
    """Which application is over; None for what does not concern us. Raises Undecodable."""
    kind = _ENDINGS.get((teller, envelope.type))
    if kind is None:
        return None
    try:
        told: Any = kind.FromString(envelope.payload)
        return UUID(told.application_id), EndMonitoring(envelope.type)
    except (DecodeError, ValueError) as error:
        raise Undecodable(f"not a {envelope.type}") from error


def license_issued(envelope: Envelope) -> tuple[UUID, MonitorLicense]:
    """For which application which license was issued, on which screening. Raises Undecodable."""
    try:
        told = applications_pb2.LicenseIssued.FromString(envelope.payload)
        decided_on = UUID(told.license.screening_id) if told.license.screening_id else None
        return UUID(told.application_id), MonitorLicense(UUID(told.license.license_id), decided_on)
    except (DecodeError, ValueError) as error:
        raise Undecodable("not a LicenseIssued") from error


_KINDS: Final[Mapping[int, model.PartyKind]] = {
    model_pb2.PARTY_KIND_PERSON: model.PartyKind.PERSON,
    model_pb2.PARTY_KIND_ORGANISATION: model.PartyKind.ORGANISATION,
    model_pb2.PARTY_KIND_VESSEL: model.PartyKind.VESSEL,
}


def query(party: model_pb2.PartyQuery) -> model.PartyQuery:
    """A direct question."""
    return model.PartyQuery(
        names=tuple(party.names),
        kind=_KINDS.get(party.kind, model.PartyKind.UNKNOWN),
        birth_date=party.birth_date or None,
        countries=tuple(party.countries),
        identifiers=tuple((each.type, each.value) for each in party.identifiers),
        addresses=tuple(party.addresses),
    )


def answer(screening: model.Screening) -> service_pb2.ScreenPartyResponse:
    """The answer to a direct question."""
    return service_pb2.ScreenPartyResponse(
        party=_told(screening),
        list_version=screening.list_version_id,
        config_version=screening.config_version,
        expected_alert_rate=screening.expected_alert_rate,
    )


def answer_of_many(query_id: str, screening: model.Screening) -> service_pb2.ScreenPartiesResponse:
    """The answer to a question of a stream."""
    return service_pb2.ScreenPartiesResponse(
        query_id=query_id,
        party=_told(screening),
        list_version=screening.list_version_id,
        config_version=screening.config_version,
        expected_alert_rate=screening.expected_alert_rate,
    )


def _told(screening: model.Screening) -> model_pb2.PartyScreening:
    return _PARTY.to_proto(limit_hits((record_party("", screening),))[0])


def encode_event(event: events.Event) -> tuple[str, bytes]:
    """Short name and bytes of an event of an application's screening."""
    name = type(event).__name__
    return name, _EVENTS[name].to_proto(event).SerializeToString(deterministic=True)


def decode_event(name: str, payload: bytes) -> events.Event:
    """An event of an application's screening again."""
    event: events.Event = _EVENTS[name].from_proto(getattr(events_pb2, name).FromString(payload))
    return event


def encode_register_event(event: versions.Event) -> tuple[str, bytes]:
    """Short name and bytes of an event of a list."""
    name = type(event).__name__
    return name, _REGISTER_EVENTS[name].to_proto(event).SerializeToString(deterministic=True)


def decode_register_event(name: str, payload: bytes) -> versions.Event:
    """An event of a list again."""
    event: versions.Event = _REGISTER_EVENTS[name].from_proto(
        getattr(events_pb2, name).FromString(payload)
    )
    return event


def screening(latest: events.ScreeningCompleted, trace_id: str) -> model_pb2.Screening:
    """A screening as officers see it: what it says of owners once more with their names."""
    view = _SCREENING.to_proto(latest)
    view.trace_id = trace_id
    names = {subject.party_id: subject.names[0] for subject in latest.subjects}
    found = latest.ownership.findings if latest.ownership is not None else ()
    view.ownership_explanations.extend(aloud(finding, names) for finding in found)
    return view


def timeline_entry(recorded: StoredEvent) -> service_pb2.ScreeningTimelineEntry:
    """An event as the timeline shows it."""
    return service_pb2.ScreeningTimelineEntry(
        version=recorded.version,
        event_id=str(recorded.event_id),
        event_type=recorded.name,
        actor=recorded.actor,
        occurred_at=to_timestamp(recorded.occurred_at),
        trace_id=recorded.trace_id,
        hash=recorded.hash,
    )


def hit_case(application: ScreenedApplication, hit: KnownHit) -> model_pb2.HitCase:
    """A hit as officers judge it."""
    view = model_pb2.HitCase(
        hit_id=str(hit.hit_id),
        application_id=str(application.application_id),
        party_id=hit.party_id,
        state=model_pb2.HitState.Value(f"HIT_STATE_{hit.state}"),
        hit=_HIT.to_proto(hit.hit),
        acts=[_ACT.to_proto(act) for act in hit.acts],
        list_version=hit.list_version,
        found_at=to_timestamp(hit.found_at),
        license_id=str(application.license_id or ""),
        etag=etag_of(application.version),
        clearing_id=str(hit.pending_clearing_id or ""),
    )
    view.hit.state = view.state
    return view


def hit_state(number: model_pb2.HitState.ValueType) -> str | None:
    """The state asked for, None for all."""
    return model_pb2.HitState.Name(number).removeprefix("HIT_STATE_") if number else None


def verdict(number: model_pb2.HitVerdict.ValueType) -> records.HitVerdict:
    """An officer's verdict."""
    return records.HitVerdict(model_pb2.HitVerdict.Name(number).removeprefix("HIT_VERDICT_"))


def list_version(version: versions.ListVersion) -> model_pb2.ListVersion:
    """A version as officers see it, with what older events leave out."""
    return _VERSION.to_proto(replace(version, list_code=version.code, format=version.kind))


def list_status(found: versions.ScreeningList) -> model_pb2.ListStatus:
    """A list as officers see it."""
    return model_pb2.ListStatus(
        list_code=found.versions[0].code,
        active_version=found.active or "",
        versions=map(list_version, found.versions),
        etag=etag_of(found.version),
    )


def list_delta(delta: Delta) -> model_pb2.ListDelta:
    """What a version changes, counted."""
    return model_pb2.ListDelta(
        added=len(delta.added), changed=len(delta.changed), removed=len(delta.removed)
    )


def list_format(number: model_pb2.ListFormat.ValueType) -> versions.ListFormat:
    """How a list is published; UNSPECIFIED has no meaning here."""
    return versions.ListFormat(model_pb2.ListFormat.Name(number).removeprefix("LIST_FORMAT_"))


def list_part(number: model_pb2.ListPart.ValueType) -> Part:
    """Which file of a list."""
    return (
        Part(model_pb2.ListPart.Name(number).removeprefix("LIST_PART_")) if number else Part.PRIMARY
    )
