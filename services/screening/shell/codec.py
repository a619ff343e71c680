"""Converts between core values and messages of screening: requests, responses, stored events.

The messages of other services are decoded in `consumed_events`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from safeconduct.screening.v1 import events_pb2, model_pb2, service_pb2

from chassis.proto_mapping import Converter, to_timestamp
from chassis.store.hash_chain import StoredEvent
from chassis.store.stream import UnknownEventError, etag_of
from services.screening.core import events, model, records
from services.screening.core.cases.recording import limit_hits, record_party
from services.screening.core.evolve import KnownHit, ScreenedApplication
from services.screening.core.lists import versions
from services.screening.core.lists.formats import Delta
from services.screening.core.lists.parsed_list import Part
from services.screening.core.ownership.findings import describe

_NAME_CHARACTERS: Final = 100
_EVENTS: Final[Mapping[str, Converter[Any, Any]]] = {
    kind.__name__: Converter(kind, getattr(events_pb2, kind.__name__))
    for kind in events.Event.__args__
}
_LIST_EVENTS: Final[Mapping[str, Converter[Any, Any]]] = {
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
_KINDS: Final[Mapping[int, model.PartyKind]] = {
    model_pb2.PARTY_KIND_PERSON: model.PartyKind.PERSON,
    model_pb2.PARTY_KIND_ORGANISATION: model.PartyKind.ORGANISATION,
    model_pb2.PARTY_KIND_VESSEL: model.PartyKind.VESSEL,
}


def query(party: model_pb2.PartyQuery) -> model.PartyQuery:
    """Returns the query of a PartyQuery message."""
    return model.PartyQuery(
        names=tuple(party.names),
        kind=_KINDS.get(party.kind, model.PartyKind.UNKNOWN),
        birth_date=party.birth_date or None,
        countries=tuple(party.countries),
        identifiers=tuple((each.type, each.value) for each in party.identifiers),
        addresses=tuple(party.addresses),
    )


def answer(screening: model.Screening) -> service_pb2.ScreenPartyResponse:
    """Returns the answer of ScreenParty."""
    return service_pb2.ScreenPartyResponse(
        party=_party(screening),
        list_version=screening.list_version_id,
        config_version=screening.config_version,
        expected_alert_rate=screening.expected_alert_rate,
    )


def bulk_answer(query_id: str, screening: model.Screening) -> service_pb2.ScreenPartiesResponse:
    """Returns the answer to one request of ScreenParties."""
    return service_pb2.ScreenPartiesResponse(
        query_id=query_id,
        party=_party(screening),
        list_version=screening.list_version_id,
        config_version=screening.config_version,
        expected_alert_rate=screening.expected_alert_rate,
    )


def _party(screening: model.Screening) -> model_pb2.PartyScreening:
    return _PARTY.to_proto(limit_hits((record_party("", screening),))[0])


def encode_event(event: events.Event) -> tuple[str, bytes]:
    """Returns short name and bytes of an event of an application."""
    name = type(event).__name__
    return name, _EVENTS[name].to_proto(event).SerializeToString(deterministic=True)


def decode_event(name: str, payload: bytes) -> events.Event:
    """Returns the event of an application that `encode_event` encoded. Raises UnknownEventError."""
    if name not in _EVENTS:
        raise UnknownEventError(name)
    event: events.Event = _EVENTS[name].from_proto(getattr(events_pb2, name).FromString(payload))
    return event


def encode_list_event(event: versions.Event) -> tuple[str, bytes]:
    """Returns short name and bytes of an event of a list."""
    name = type(event).__name__
    return name, _LIST_EVENTS[name].to_proto(event).SerializeToString(deterministic=True)


def decode_list_event(name: str, payload: bytes) -> versions.Event:
    """Returns the event of a list that `encode_list_event` encoded. Raises UnknownEventError."""
    if name not in _LIST_EVENTS:
        raise UnknownEventError(name)
    event: versions.Event = _LIST_EVENTS[name].from_proto(
        getattr(events_pb2, name).FromString(payload)
    )
    return event


def screening(latest: events.ScreeningCompleted, trace_id: str) -> model_pb2.Screening:
    """Returns a screening for officers, with the ownership findings by the parties' names."""
    view = _SCREENING.to_proto(latest)
    view.trace_id = trace_id
    names = {subject.party_id: subject.names[0] for subject in latest.subjects}
    found = latest.ownership.findings if latest.ownership is not None else ()
    view.ownership_explanations.extend(describe(finding, names) for finding in found)
    return view


def timeline_entry(recorded: StoredEvent) -> service_pb2.ScreeningTimelineEntry:
    """Returns an event for the timeline."""
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
    """Returns a hit with its present state."""
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
        verdict_id=str(hit.verdict_id or ""),
        remembered_hit_id=str(hit.remembered_hit_id or ""),
    )
    view.hit.state = view.state
    return view


def hit_summary(application: ScreenedApplication, hit: KnownHit) -> service_pb2.HitSummary:
    """Returns a hit as lists show it. It is stored beside the state, so it is small."""
    found = hit.hit
    return service_pb2.HitSummary(
        hit_id=str(hit.hit_id),
        application_id=str(application.application_id),
        partner_id=application.partner_id,
        party_id=hit.party_id,
        state=model_pb2.HitState.Value(f"HIT_STATE_{hit.state}"),
        strength=model_pb2.MatchStrength.Value(f"MATCH_STRENGTH_{found.strength}"),
        score=found.score,
        queried_name=_cut(found.queried_name),
        matched_name=_cut(found.matched_name),
        list_code=found.list_code,
        found_at=to_timestamp(hit.found_at),
    )


def _cut(name: str) -> str:
    return name if len(name) <= _NAME_CHARACTERS else name[: _NAME_CHARACTERS - 1] + "\u2026"


def filtered(enum: Any, number: int) -> str | None:
    """Returns the name to filter by, without the prefix of the contract, or None for all."""
    return enum.Name(number).removeprefix(enum.Name(0)[: -len("UNSPECIFIED")]) if number else None


def verdict(number: model_pb2.HitVerdict.ValueType) -> records.HitVerdict:
    """Returns the verdict of a request. The contract refuses UNSPECIFIED."""
    return records.HitVerdict(model_pb2.HitVerdict.Name(number).removeprefix("HIT_VERDICT_"))


def list_version(version: versions.ListVersion) -> model_pb2.ListVersion:
    """Returns a list version; fields that older events leave empty are filled in."""
    return _VERSION.to_proto(replace(version, list_code=version.code, format=version.kind))


def list_status(found: versions.ScreeningList) -> model_pb2.ListStatus:
    """Returns a list with its versions."""
    return model_pb2.ListStatus(
        list_code=found.versions[0].code,
        active_version=found.active or "",
        versions=map(list_version, found.versions),
        etag=etag_of(found.version),
    )


def list_delta(delta: Delta) -> model_pb2.ListDelta:
    """Returns the numbers of entries that a version changes."""
    return model_pb2.ListDelta(
        added=len(delta.added), changed=len(delta.changed), removed=len(delta.removed)
    )


def list_format(number: model_pb2.ListFormat.ValueType) -> versions.ListFormat:
    """Returns the format of a list. The caller refuses UNSPECIFIED."""
    return versions.ListFormat(model_pb2.ListFormat.Name(number).removeprefix("LIST_FORMAT_"))


def list_part(number: model_pb2.ListPart.ValueType) -> Part:
    """Returns the file of a list that a message belongs to; UNSPECIFIED is PRIMARY."""
    return (
        Part(model_pb2.ListPart.Name(number).removeprefix("LIST_PART_")) if number else Part.PRIMARY
    )
