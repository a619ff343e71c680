"""Converts the core's values to this service's messages and back.

Names and fields of the core equal those of the contract. Whatever differs keeps this module from
being imported.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from safeconduct.applications.v1 import events_pb2, model_pb2, policy_pb2, service_pb2

from chassis.proto_mapping import CachedConverter, Converter, members_by_number, to_timestamp
from chassis.store.hash_chain import StoredEvent
from chassis.store.stream import UnknownEventError, etag_of
from services.applications.core import application_details, events, model, screening_summary
from services.applications.core.acceptance import acceptance_text, signatories
from services.applications.core.explanations import reasons
from services.applications.core.lifecycle import (
    OFFICER_METHODS,
    PARTNER_METHODS,
    allowed_commands,
)
from services.applications.core.policy_facts import PolicyBasis

for _module in (application_details, screening_summary, model):
    for _enum in vars(_module).values():
        if isinstance(_enum, type) and issubclass(_enum, StrEnum) and _enum is not StrEnum:
            members_by_number(_enum, model_pb2.DESCRIPTOR.enum_types_by_name[_enum.__name__])

DETAILS: Final = CachedConverter(
    application_details.ApplicationDetails, model_pb2.ApplicationDetails
)

_EVENTS: Final[Mapping[str, Converter[Any, Any]]] = {
    kind.__name__: Converter(kind, getattr(events_pb2, kind.__name__), inner=(DETAILS,))
    for kind in events.Event.__args__
}
"""The converter of every event of this service, by the event's short name."""

SCREENING: Final = Converter(screening_summary.ScreeningSummary, model_pb2.ScreeningSummary)
POLICY: Final = Converter(model.PolicyOutcome, model_pb2.PolicyOutcome)
RECOMMENDATION: Final = Converter(model.Recommendation, model_pb2.Recommendation)
DECISION: Final = Converter(model.Decision, model_pb2.Decision)
LICENSE: Final = Converter(model.License, model_pb2.License)
BASIS: Final = Converter(PolicyBasis, policy_pb2.PolicyBasis)

OUTCOMES: Final = members_by_number(model.Outcome, model_pb2.Outcome.DESCRIPTOR)
STATES: Final = members_by_number(model.ApplicationState, model_pb2.ApplicationState.DESCRIPTOR)
_STATE_NUMBERS: Final[Mapping[str, Any]] = {state: number for number, state in STATES.items()}


CodeTexts = Mapping[bytes, str]
"""Texts of the code of conduct by their SHA-256."""
_ALLOWED: Final[Mapping[bool, Mapping[str, tuple[str, ...]]]] = {
    for_officer: {state: allowed_commands(state, methods) for state in model.ApplicationState}
    for for_officer, methods in ((False, PARTNER_METHODS), (True, OFFICER_METHODS))
}


def encode_event(event: events.Event) -> tuple[str, bytes]:
    """Returns the short name and the bytes of an event of this service."""
    name = type(event).__name__
    return name, _EVENTS[name].to_proto(event).SerializeToString(deterministic=True)


def decode_event(name: str, payload: bytes) -> events.Event:
    """Returns the event that `encode_event` encoded. Raises UnknownEventError."""
    if name not in _EVENTS:
        raise UnknownEventError(name)
    event: events.Event = _EVENTS[name].from_proto(getattr(events_pb2, name).FromString(payload))
    return event


def state_number(name: str) -> model_pb2.ApplicationState.ValueType:
    """Returns the contract's number of a state; UNSPECIFIED for one of a later release.

    Stored events have the names of states. A timeline or a watch shows events of a later release
    too, and must not fail on them.
    """
    number: model_pb2.ApplicationState.ValueType = _STATE_NUMBERS.get(name, 0)
    return number


def application(
    record: model.Application, code_texts: CodeTexts, *, for_officer: bool = False
) -> model_pb2.Application:
    """Returns an application as its partner, or an officer, sees it.

    The two views differ in `allowed_commands` only. The code of conduct to sign is the version that
    the approval names.
    """
    view = model_pb2.Application(
        application_id=str(record.application_id),
        partner_id=record.partner_id,
        state=state_number(record.state),
        etag=etag_of(record.version),
        details=DETAILS.to_proto(record.details),
        submitted_at=to_timestamp(record.submitted_at),
        updated_at=to_timestamp(record.updated_at),
        reasons=reasons(record),
        decision_id=str(record.decision.decision_id) if record.decision is not None else "",
        license_id=str(record.license.license_id) if record.license is not None else "",
        allowed_commands=_ALLOWED[for_officer][record.state],
    )
    if record.state is model.ApplicationState.AWAITING_SIGNATURE and record.sign_by is not None:
        view.sign_by.CopyFrom(to_timestamp(record.sign_by))
        view.code_of_conduct.CopyFrom(
            model_pb2.CodeOfConduct(
                version=record.code_version,
                text=code_texts.get(record.code_digest, ""),
                digest=record.code_digest,
            )
        )
        for signer in signatories(record.details):
            text = acceptance_text(record, signer.party_id)
            view.signatory_texts.add(party_id=signer.party_id, acceptance_text=text)
        view.acceptance_text = next((each.acceptance_text for each in view.signatory_texts), b"")
    return view


def case(record: model.Application, code_texts: CodeTexts) -> service_pb2.Case:
    """Returns an application with its findings and its pending recommendation, for officers."""
    view = service_pb2.Case(application=application(record, code_texts, for_officer=True))
    if record.screening is not None:
        view.screening.CopyFrom(SCREENING.to_proto(record.screening))
    if record.policy is not None:
        view.policy.CopyFrom(POLICY.to_proto(record.policy))
    if record.recommendation is not None:
        view.recommendation.CopyFrom(RECOMMENDATION.to_proto(record.recommendation))
    return view


def explanation(
    record: model.Application, code_texts: CodeTexts
) -> service_pb2.ExplainDecisionResponse:
    """Returns what was stored about a decision or a case so far. Nothing is computed again."""
    view = service_pb2.ExplainDecisionResponse(case=case(record, code_texts))
    if record.basis is not None:
        view.basis.CopyFrom(BASIS.to_proto(record.basis))
        view.facts.CopyFrom(view.basis.facts)
        view.basis.ClearField("facts")
    if record.decision is not None:
        view.decision.CopyFrom(DECISION.to_proto(record.decision))
    return view


def timeline_entry(recorded: StoredEvent) -> service_pb2.ApplicationTimelineEntry:
    """Returns a stored event as an entry of the timeline, without its payload."""
    return service_pb2.ApplicationTimelineEntry(
        version=recorded.version,
        event_id=str(recorded.event_id),
        event_type=recorded.name,
        actor=recorded.actor,
        occurred_at=to_timestamp(recorded.occurred_at),
        state=state_number(recorded.state),
        trace_id=recorded.trace_id,
        hash=recorded.hash,
    )
