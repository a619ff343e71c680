"""The one wall of applications: core values become messages here and messages become core values here.

What enforcement and screening tell is turned into our own words; nothing of theirs goes further in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from google.protobuf.message import DecodeError, Message
from safeconduct.applications.v1 import events_pb2, model_pb2, policy_pb2, service_pb2
from safeconduct.enforcement.v1 import events_pb2 as enforcement_pb2
from safeconduct.screening.v1 import events_pb2 as screening_pb2
from safeconduct.screening.v1 import model_pb2 as screening_model_pb2

from chassis.proto_mapping import CachedConverter, Converter, from_timestamp, to_timestamp
from chassis.store.journal import Recorded, etag_of
from chassis.streams.consumer import Undecodable
from services.applications.core import events, model
from services.applications.core.acceptance import acceptance_text, signatory
from services.applications.core.commands import Cause, FollowStanding
from services.applications.core.explanations import reasons
from services.applications.core.lifecycle import allowed_commands
from services.applications.core.policy_facts import PolicyFacts
from services.applications.core.screening_findings import revised

DETAILS: Final = CachedConverter(model.ApplicationDetails, model_pb2.ApplicationDetails)

_EVENTS: Final[Mapping[str, Converter[Any, Any]]] = {
    kind.__name__: Converter(kind, getattr(events_pb2, kind.__name__), inner=(DETAILS,))
    for kind in events.Event.__args__
}
"""Every event by its short name: ours and the contract's have the same names and fields."""

SCREENING: Final = Converter(model.ScreeningSummary, model_pb2.ScreeningSummary)
POLICY: Final = Converter(model.PolicyOutcome, model_pb2.PolicyOutcome)
RECOMMENDATION: Final = Converter(model.Recommendation, model_pb2.Recommendation)
DECISION: Final = Converter(model.Decision, model_pb2.Decision)
LICENSE: Final = Converter(model.License, model_pb2.License)
FACTS: Final = Converter(PolicyFacts, policy_pb2.PolicyFacts)

STATES: Final = {
    state.value: model_pb2.ApplicationState.Value(f"APPLICATION_STATE_{state}")
    for state in model.ApplicationState
}

_ALLOWED: Final = {state: allowed_commands(state) for state in model.ApplicationState}


def encode_event(event: events.Event) -> tuple[str, bytes]:
    """Short name and bytes of an event of ours."""
    name = type(event).__name__
    return name, _EVENTS[name].to_proto(event).SerializeToString(deterministic=True)


def decode_event(name: str, payload: bytes) -> events.Event:
    """An event of ours again."""
    converter = _EVENTS[name]
    event: events.Event = converter.from_proto(getattr(events_pb2, name).FromString(payload))
    return event


def state_number(name: str) -> model_pb2.ApplicationState.ValueType:
    """A state as the contract numbers it."""
    return STATES[name]


def application(record: model.Application, code: model.CodeOfConduct) -> model_pb2.Application:
    """An application as its partner and the officers see it. `code` is the text in force."""
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
        allowed_commands=_ALLOWED[record.state],
    )
    if record.state is model.ApplicationState.AWAITING_SIGNATURE and record.sign_by is not None:
        view.sign_by.CopyFrom(to_timestamp(record.sign_by))
        view.code_of_conduct.CopyFrom(
            model_pb2.CodeOfConduct(version=code.version, text=code.text, digest=code.digest)
        )
        signer = signatory(record.details)
        if signer is not None:
            view.acceptance_text = acceptance_text(record, signer.party_id)
    return view


def case(record: model.Application, code: model.CodeOfConduct) -> service_pb2.Case:
    """An application as an officer sees it."""
    view = service_pb2.Case(application=application(record, code))
    if record.screening is not None:
        view.screening.CopyFrom(SCREENING.to_proto(record.screening))
    if record.policy is not None:
        view.policy.CopyFrom(POLICY.to_proto(record.policy))
    if record.recommendation is not None:
        view.recommendation.CopyFrom(RECOMMENDATION.to_proto(record.recommendation))
    return view


def timeline_entry(recorded: Recorded) -> service_pb2.ApplicationTimelineEntry:
    """An event as the timeline shows it."""
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


_RESULTS: Final = {
    number: model.ScreeningResult(name.removeprefix("SCREENING_RESULT_"))
    for name, number in screening_model_pb2.ScreeningResult.items()
    if number
}
_STRENGTHS: Final = {
    number: model.MatchStrength(name.removeprefix("MATCH_STRENGTH_"))
    for name, number in screening_model_pb2.MatchStrength.items()
    if number
}
_RANK: Final = (model.MatchStrength.WEAK, model.MatchStrength.STRONG, model.MatchStrength.EXACT)


def screening_completed(payload: bytes) -> tuple[UUID, model.ScreeningSummary]:
    """Whose screening it is and what it found, without names. Raises Undecodable."""
    try:
        told = screening_pb2.ScreeningCompleted.FromString(payload)
        summary = model.ScreeningSummary(
            screening_id=UUID(told.screening_id),
            findings=tuple(_finding(party) for party in told.parties),
            list_version=told.list_version,
            config_version=told.config_version,
            screened_at=from_timestamp(told.screened_at),
            ownership=_ownership(told),
        )
        return UUID(told.application_id), summary
    except (DecodeError, ValueError) as error:
        raise Undecodable("not a ScreeningCompleted") from error


@dataclass(frozen=True, slots=True)
class PartyNews:
    """What screening tells about one party after its first answer. What is None, or empty, has not changed."""

    application_id: UUID
    cause: Cause
    finding: model.PartyFinding
    screening_id: UUID | None = None
    list_version: str = ""
    screened_at: datetime | None = None
    ownership: model.OwnershipAssessment | None = None

    def on(self, known: model.ScreeningSummary) -> model.ScreeningSummary:
        """The screening that is known, with it."""
        summary = revised(known, self.finding)
        if self.ownership is not None:
            summary = replace(summary, ownership=self.ownership)
        if self.screening_id is None or self.screened_at is None:
            return summary
        return replace(
            summary,
            screening_id=self.screening_id,
            list_version=self.list_version,
            screened_at=self.screened_at,
        )


def party_listed(payload: bytes) -> PartyNews:
    """Whom a list names now. Raises Undecodable."""
    try:
        told = screening_pb2.PartyListed.FromString(payload)
        finding = model.PartyFinding(
            party_id=told.party_id,
            # A result that a later screening may invent is a doubt to us.
            result=_RESULTS.get(told.result, model.ScreeningResult.UNDETERMINED),
            strength=_STRENGTHS.get(told.strength),
            entry_ids=tuple(told.entry_ids),
            list_codes=tuple(told.list_codes),
        )
        return PartyNews(
            UUID(told.application_id),
            Cause.LISTED,
            finding,
            UUID(told.screening_id),
            told.list_version,
            from_timestamp(told.listed_at),
            _ownership(told),
        )
    except (DecodeError, ValueError) as error:
        raise Undecodable("not a PartyListed") from error


def hit_adjudicated(payload: bytes) -> PartyNews:
    """What officers found of a hit, and what is known of the party now. Raises Undecodable."""
    try:
        told = screening_pb2.HitAdjudicated.FromString(payload)
        finding = model.PartyFinding(
            party_id=told.party_id,
            result=_RESULTS.get(told.party_result, model.ScreeningResult.UNDETERMINED),
            strength=_STRENGTHS.get(told.party_strength),
            entry_ids=tuple(told.party_entry_ids),
            list_codes=tuple(told.party_list_codes),
            undetermined_reason=told.party_undetermined_reason,
        )
        is_false = told.verdict == screening_model_pb2.HIT_VERDICT_FALSE_POSITIVE
        cause = Cause.CLEARED if is_false else Cause.CONFIRMED
        return PartyNews(UUID(told.application_id), cause, finding, ownership=_ownership(told))
    except (DecodeError, ValueError) as error:
        raise Undecodable("not a HitAdjudicated") from error


def _finding(party: screening_model_pb2.PartyScreening) -> model.PartyFinding:
    strengths = [_STRENGTHS[hit.strength] for hit in party.hits if hit.strength in _STRENGTHS]
    return model.PartyFinding(
        party_id=party.party_id,
        # A result that a later screening may invent is not clear to us.
        result=_RESULTS.get(party.result, model.ScreeningResult.UNDETERMINED),
        strength=max(strengths, key=_RANK.index, default=None),
        entry_ids=tuple(hit.entry_id for hit in party.hits),
        list_codes=tuple(dict.fromkeys(hit.list_code for hit in party.hits)),
        undetermined_reason=party.undetermined_reason,
    )


_OWNERSHIP_CAUSES: Final = {
    number: model.OwnershipCause(name.removeprefix("OWNERSHIP_CAUSE_"))
    for name, number in screening_model_pb2.OwnershipCause.items()
    if number
}


def _ownership(
    told: screening_pb2.ScreeningCompleted
    | screening_pb2.PartyListed
    | screening_pb2.HitAdjudicated,
) -> model.OwnershipAssessment | None:
    if not told.HasField("ownership"):
        return None
    said = told.ownership
    return model.OwnershipAssessment(
        said.rules_version, said.assessed_on, tuple(map(_owned, said.findings))
    )


def _owned(found: screening_model_pb2.OwnershipFinding) -> model.OwnershipFinding:
    is_blocked = found.result == screening_model_pb2.OWNERSHIP_RESULT_BLOCKED
    return model.OwnershipFinding(
        party_id=found.party_id,
        # A result or a cause that a later screening may invent is a red flag to us.
        result=model.OwnershipResult.BLOCKED if is_blocked else model.OwnershipResult.RED_FLAG,
        cause=_OWNERSHIP_CAUSES.get(found.cause),
        rule_id=found.rule_id,
        authority=found.authority,
        rule=found.rule,
        at_least_percent=found.at_least_percent,
        at_most_percent=found.at_most_percent,
        most_restrictive_owner_id=found.most_restrictive_owner_id,
        list_codes=tuple(found.list_codes),
        path=tuple(map(_step, found.paths[0].steps)) if found.paths else (),
        explanation=found.explanation,
    )


def _step(step: screening_model_pb2.OwnershipStep) -> model.OwnershipStep:
    share = (
        model.ShareRange(step.share.at_least_percent, step.share.at_most_percent)
        if step.HasField("share")
        else None
    )
    return model.OwnershipStep(step.owner_party_id, step.owned_party_id, share)


_STANDINGS: Final[Mapping[str, tuple[type[Message], model.LicenseState]]] = {
    "LicenseSuspended": (enforcement_pb2.LicenseSuspended, model.LicenseState.SUSPENDED),
    "LicenseRevoked": (enforcement_pb2.LicenseRevoked, model.LicenseState.REVOKED),
    "LicenseReinstated": (enforcement_pb2.LicenseReinstated, model.LicenseState.ACTIVE),
}


def standing_followed(name: str, payload: bytes) -> tuple[UUID, FollowStanding] | None:
    """Which application follows which change of standing; None for what does not concern us. Raises Undecodable."""
    if name not in _STANDINGS:
        return None
    kind, state = _STANDINGS[name]
    try:
        told: Any = kind.FromString(payload)
        return UUID(told.application_id), FollowStanding(
            UUID(told.license_id), state, told.standing_version
        )
    except (DecodeError, ValueError) as error:
        raise Undecodable(f"not a {name}") from error
