"""The one wall of screening: core values become messages here and messages become core values here.

What applications tells is turned into our own words; nothing of theirs goes further in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import NAMESPACE_OID, UUID, uuid5

from google.protobuf.message import DecodeError
from safeconduct.applications.v1 import events_pb2 as applications_pb2
from safeconduct.applications.v1 import model_pb2 as applications_model_pb2
from safeconduct.screening.v1 import events_pb2, model_pb2, service_pb2

from chassis.consumer import Envelope, Undecodable
from chassis.journal import Recorded
from chassis.mapping import Converter, to_timestamp
from services.screening.core import model, record, register

COMPLETED: Final = Converter(record.ScreeningCompleted, events_pb2.ScreeningCompleted)
_REGISTER_EVENTS: Final[Mapping[str, Converter[Any, Any]]] = {
    kind.__name__: Converter(kind, getattr(events_pb2, kind.__name__)) for kind in register.Event.__args__
}
_PARTY: Final = Converter(record.PartyScreening, model_pb2.PartyScreening)
_SCREENING: Final = Converter(
    record.ScreeningCompleted,
    model_pb2.Screening,
    only_record=frozenset({"partner_id"}),
    only_proto=frozenset({"trace_id"}),
)


@dataclass(frozen=True, slots=True)
class Submission:
    """An application as screening hears of it: its parties by their id, as questions to the engine."""

    screening_id: UUID
    application_id: UUID
    partner_id: str
    parties: tuple[tuple[str, model.PartyQuery], ...]


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
        parties=tuple((party.party_id, _applicant_query(party)) for party in told.details.parties),
    )


def _applicant_query(party: applications_model_pb2.Party) -> model.PartyQuery:
    return model.PartyQuery(
        names=(party.name, *party.aliases),
        kind=_APPLICANT_KINDS.get(party.kind, model.PartyKind.UNKNOWN),
        birth_date=party.birth_date or None,
        countries=(party.country,) if party.country else (),
        identifiers=tuple((each.type, each.value) for each in party.identifiers),
        addresses=(party.address,) if party.address else (),
    )


_APPLICANT_KINDS: Final[Mapping[int, model.PartyKind]] = {
    applications_model_pb2.PARTY_KIND_PERSON: model.PartyKind.PERSON,
    applications_model_pb2.PARTY_KIND_ORGANISATION: model.PartyKind.ORGANISATION,
    applications_model_pb2.PARTY_KIND_VESSEL: model.PartyKind.VESSEL,
}
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
        party=_PARTY.to_proto(record.bounded((record.recorded("", screening),))[0]),
        list_version=screening.list_version_id,
        config_version=screening.config_version,
        expected_alert_rate=screening.expected_alert_rate,
    )


def encode_completed(event: record.ScreeningCompleted) -> tuple[str, bytes]:
    """Short name and bytes of the event."""
    return type(event).__name__, COMPLETED.to_proto(event).SerializeToString(deterministic=True)


def decode_completed(name: str, payload: bytes) -> record.ScreeningCompleted:
    """The event again."""
    assert name == record.ScreeningCompleted.__name__, name
    return COMPLETED.from_proto(events_pb2.ScreeningCompleted.FromString(payload))


def encode_register_event(event: register.Event) -> tuple[str, bytes]:
    """Short name and bytes of an event of a list."""
    name = type(event).__name__
    return name, _REGISTER_EVENTS[name].to_proto(event).SerializeToString(deterministic=True)


def decode_register_event(name: str, payload: bytes) -> register.Event:
    """An event of a list again."""
    event: register.Event = _REGISTER_EVENTS[name].from_proto(getattr(events_pb2, name).FromString(payload))
    return event


def screening(latest: record.ScreeningCompleted, trace_id: str) -> model_pb2.Screening:
    """A screening as officers see it."""
    view = _SCREENING.to_proto(latest)
    view.trace_id = trace_id
    return view


def timeline_entry(recorded: Recorded) -> service_pb2.ScreeningTimelineEntry:
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
