"""Compares what the three services have recorded about one case.

Each service keeps its own record: applications the declared parties and the granted license,
screening the parties that it screened, enforcement the standing that gates obey. A forger who
changes one of them must change all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from safeconduct.applications.v1 import events_pb2 as applications
from safeconduct.applications.v1 import model_pb2 as model
from safeconduct.cli.enum_names import short
from safeconduct.enforcement.v1 import events_pb2 as enforcement
from safeconduct.enforcement.v1 import model_pb2 as enforcement_model
from safeconduct.screening.v1 import events_pb2 as screening
from safeconduct.screening.v1 import model_pb2 as screening_model

from operations.audit.decoded_events import DecodedEvent, issued_grant, newest


def scope_faults(events: Sequence[DecodedEvent]) -> Iterator[str]:
    """Yields the differences between the services, each in one sentence without names."""
    submitted, grant = newest(events, applications.ApplicationSubmitted), issued_grant(events)
    if submitted is None:
        return
    messages = [each.message for each in events]
    for message in messages:
        if isinstance(message, screening.ScreeningCompleted):
            yield from _screened(submitted, message)
    if grant is None:
        return
    yield from _granted(submitted, grant)
    for message in messages:
        if isinstance(message, enforcement.LicenseRegistered):
            if message.partner_id != grant.partner_id:
                yield "enforcement registered the license for another partner"
        elif isinstance(message, enforcement.StandingChanged):
            yield from _standing(grant, message.standing)


def _screened(
    submitted: applications.ApplicationSubmitted, completed: screening.ScreeningCompleted
) -> Iterator[str]:
    where = f"screening {completed.screening_id}"
    if completed.partner_id != submitted.partner_id:
        yield f"{where} is of another partner"
    declared = {each.party_id: each for each in submitted.details.parties}
    if {each.party_id for each in completed.parties} != set(declared):
        yield f"{where} has other parties than the application"
    for subject in completed.subjects:
        party = declared.get(subject.party_id)
        if party is None:
            yield f"{where} screened {subject.party_id}, which the application does not have"
        elif _of_subject(subject) != _of_party(party):
            yield f"{where} screened {subject.party_id} with other details than were declared"


def _of_party(party: model.Party) -> tuple[object, ...]:
    return (
        [party.name, *party.aliases],
        short(model.PartyKind, party.kind),
        party.birth_date,
        [party.country] if party.country else [],
        [(each.type, each.value) for each in party.identifiers],
        [party.address] if party.address else [],
    )


def _of_subject(subject: screening_model.Subject) -> tuple[object, ...]:
    return (
        list(subject.names),
        short(screening_model.PartyKind, subject.kind),
        subject.birth_date,
        list(subject.countries),
        [(each.type, each.value) for each in subject.identifiers],
        list(subject.addresses),
    )


def _granted(
    submitted: applications.ApplicationSubmitted, grant: applications.LicenseGrant
) -> Iterator[str]:
    details = submitted.details
    if grant.partner_id != submitted.partner_id:
        yield "the license was issued to another partner than the one that applied"
    if _items(grant.items) - _items(details.items):
        yield "the license grants a model or a form of access that was not applied for"
    if set(grant.destinations) - set(details.destinations):
        yield "the license grants a destination that was not applied for"
    if set(grant.end_uses) - set(details.end_uses):
        yield "the license grants an end use that was not applied for"


def _standing(
    grant: applications.LicenseGrant, standing: enforcement_model.Standing
) -> Iterator[str]:
    where = f"standing {standing.version}"
    for name in ("partner_id", "license_number", "lease_seconds", "not_before", "not_after"):
        if getattr(standing, name) != getattr(grant, name):
            yield f"{where} has another {name} than the license"
    if set(standing.destinations) != set(grant.destinations):
        yield f"{where} has other destinations than the license"
    granted = _items(grant.items)
    models = {model_id for model_id, _ in granted}
    given = {
        (each.model_id, short(enforcement_model.AccessMode, each.access_mode))
        for each in standing.grants
    }
    # Standings of earlier releases name models only, or no form of access, which grants nothing.
    named = {model_id for model_id, _ in given} | set(standing.model_ids)
    if named != models or {each for each in given if each[1]} - granted:
        yield f"{where} grants other models or forms of access than the license"
    uses = {short(model.EndUse, each) for each in grant.end_uses}
    # A release that does not know an end use leaves it out.
    if {short(enforcement_model.EndUse, each) for each in standing.granted_end_uses} - uses:
        yield f"{where} grants an end use that the license does not"


def _items(items: Sequence[model.Item]) -> set[tuple[str, str]]:
    return {(each.model_id, short(model.AccessMode, each.access_mode)) for each in items}
