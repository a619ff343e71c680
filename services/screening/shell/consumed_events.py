"""Decodes the events of applications and enforcement into commands and values of screening.

The wall to the other services: their messages go no further. Which events matter, and what follows
from them, is decided in the core.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import NAMESPACE_OID, UUID, uuid5

from google.protobuf.message import DecodeError
from safeconduct.applications.v1 import events_pb2 as applications_pb2
from safeconduct.applications.v1 import model_pb2 as applications_model_pb2
from safeconduct.enforcement.v1 import events_pb2 as enforcement_pb2

from chassis.streams.envelope import Envelope, Undecodable
from services.screening.core.cases.monitoring import is_ending
from services.screening.core.cases.submission import Submission
from services.screening.core.commands import EndMonitoring, MonitorLicense
from services.screening.core.ownership.assessment import Stake
from services.screening.core.ownership.findings import ShareRange
from services.screening.core.records import Subject, SubjectIdentifier, SubjectKind

_MESSAGES: Final[Mapping[str, Any]] = {
    "applications": applications_pb2,
    "enforcement": enforcement_pb2,
}
_KINDS: Final[Mapping[int, SubjectKind]] = {
    applications_model_pb2.PARTY_KIND_PERSON: SubjectKind.PERSON,
    applications_model_pb2.PARTY_KIND_ORGANISATION: SubjectKind.ORGANISATION,
    applications_model_pb2.PARTY_KIND_VESSEL: SubjectKind.VESSEL,
}


def submission(envelope: Envelope) -> Submission:
    """Returns the submission of an ApplicationSubmitted. Raises Undecodable."""
    try:
        event = applications_pb2.ApplicationSubmitted.FromString(envelope.payload)
        application_id = UUID(event.application_id)
    except (DecodeError, ValueError) as error:
        raise Undecodable("not an ApplicationSubmitted") from error
    submitted = Submission(
        # Derived from the event, so that an event that is consumed twice has one screening.
        screening_id=uuid5(NAMESPACE_OID, f"screening/{envelope.event_id}"),
        application_id=application_id,
        partner_id=event.partner_id,
        subjects=tuple(map(_subject, event.details.parties)),
    )
    if (defect := submitted.defect) is not None:
        raise Undecodable(f"an ApplicationSubmitted {defect}")
    return submitted


def license_issued(envelope: Envelope) -> tuple[UUID, MonitorLicense]:
    """Returns application id and command of a LicenseIssued. Raises Undecodable."""
    try:
        event = applications_pb2.LicenseIssued.FromString(envelope.payload)
        decided_on = UUID(event.license.screening_id) if event.license.screening_id else None
        command = MonitorLicense(UUID(event.license.license_id), decided_on)
        return UUID(event.application_id), command
    except (DecodeError, ValueError) as error:
        raise Undecodable("not a LicenseIssued") from error


def ending(service: str, envelope: Envelope) -> tuple[UUID, EndMonitoring] | None:
    """Returns application id and command of an event that ends monitoring, else None.

    `service` is "applications" or "enforcement". Raises Undecodable.
    """
    if not is_ending(service, envelope.type):
        return None
    try:
        event = getattr(_MESSAGES[service], envelope.type).FromString(envelope.payload)
        return UUID(event.application_id), EndMonitoring(envelope.type)
    except (DecodeError, ValueError) as error:
        raise Undecodable(f"not a {envelope.type}") from error


def _subject(party: applications_model_pb2.Party) -> Subject:
    return Subject(
        party_id=party.party_id,
        names=(party.name, *party.aliases),
        kind=_KINDS.get(party.kind),
        birth_date=party.birth_date,
        countries=(party.country,) if party.country else (),
        identifiers=tuple(SubjectIdentifier(each.type, each.value) for each in party.identifiers),
        addresses=(party.address,) if party.address else (),
        owns=tuple(map(_stake, party.owns)),
        is_beneficial_owner=applications_model_pb2.PARTY_ROLE_BENEFICIAL_OWNER in party.roles,
    )


def _stake(stake: applications_model_pb2.Ownership) -> Stake:
    if stake.HasField("share_percent"):
        return Stake(stake.owned_party_id, ShareRange(stake.share_percent, stake.share_percent))
    if stake.HasField("share_range"):
        bounds = stake.share_range
        share = ShareRange(bounds.at_least_percent, bounds.at_most_percent)
        return Stake(stake.owned_party_id, share)
    return Stake(stake.owned_party_id)
