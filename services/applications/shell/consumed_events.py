"""Converts the events of screening and enforcement to core values. Their messages go no further in.

A number that this version does not know comes from a newer producer. It is read as the value that
stops automatic approval: UNDETERMINED, RED_FLAG, CONFIRMED.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar
from uuid import UUID

from google.protobuf.message import DecodeError, Message
from safeconduct.enforcement.v1 import events_pb2 as enforcement_pb2
from safeconduct.screening.v1 import events_pb2 as screening_pb2
from safeconduct.screening.v1 import model_pb2 as screening_model_pb2

from chassis.proto_mapping import from_timestamp, members_by_number
from chassis.streams.envelope import Undecodable
from services.applications.core import application_details, model, screening_summary
from services.applications.core.commands import FollowStanding, RevisionCause
from services.applications.core.screening_findings import PartyUpdate, Rescreening, strongest

T = TypeVar("T")
M = TypeVar("M", bound=Message)

_RESULTS: Final = members_by_number(
    screening_summary.ScreeningResult, screening_model_pb2.ScreeningResult.DESCRIPTOR
)
_STRENGTHS: Final = members_by_number(
    screening_summary.MatchStrength, screening_model_pb2.MatchStrength.DESCRIPTOR
)
_OWNERSHIP_CAUSES: Final = members_by_number(
    screening_summary.OwnershipCause, screening_model_pb2.OwnershipCause.DESCRIPTOR
)

_CLEARED: Final = frozenset(
    {screening_model_pb2.HIT_STATE_FALSE_POSITIVE, screening_model_pb2.HIT_STATE_SUPERSEDED}
)


def screening_completed(payload: bytes) -> tuple[UUID, screening_summary.ScreeningSummary]:
    """Returns the application's id and what screening found, without names. Raises Undecodable."""
    return _decoded(screening_pb2.ScreeningCompleted, payload, _completed)


def party_listed(payload: bytes) -> tuple[UUID, RevisionCause, PartyUpdate]:
    """Returns the application's id, LISTED, and the finding of the new list. Raises Undecodable."""
    return _decoded(screening_pb2.PartyListed, payload, _listed)


def hit_adjudicated(payload: bytes) -> tuple[UUID, RevisionCause, PartyUpdate]:
    """Returns the application's id, CLEARED or CONFIRMED, and the finding. Raises Undecodable."""
    return _decoded(screening_pb2.HitAdjudicated, payload, _adjudicated)


def standing_changed(name: str, payload: bytes, version: int) -> tuple[UUID, FollowStanding] | None:
    """Returns the application's id and the command to follow the standing of its license.

    `version` is the event's version in the stream of its license. Returns None for an event of
    enforcement that changes no standing. Raises Undecodable.
    """
    if name not in _STANDINGS:
        return None
    kind, state = _STANDINGS[name]

    def convert(event: Any) -> tuple[UUID, FollowStanding]:
        command = FollowStanding(UUID(event.license_id), state, version)
        return UUID(event.application_id), command

    return _decoded(kind, payload, convert)


_STANDINGS: Final[Mapping[str, tuple[type[Message], model.LicenseState]]] = {
    "LicenseSuspended": (enforcement_pb2.LicenseSuspended, model.LicenseState.SUSPENDED),
    "LicenseRevoked": (enforcement_pb2.LicenseRevoked, model.LicenseState.REVOKED),
    "LicenseReinstated": (enforcement_pb2.LicenseReinstated, model.LicenseState.ACTIVE),
}


def _decoded(kind: type[M], payload: bytes, convert: Callable[[M], T]) -> T:
    try:
        return convert(kind.FromString(payload))
    except (DecodeError, ValueError) as error:
        raise Undecodable(f"the payload is not a valid {kind.DESCRIPTOR.name}") from error


def _completed(
    event: screening_pb2.ScreeningCompleted,
) -> tuple[UUID, screening_summary.ScreeningSummary]:
    return UUID(event.application_id), screening_summary.ScreeningSummary(
        screening_id=UUID(event.screening_id),
        findings=tuple(map(_finding, event.parties)),
        list_version=event.list_version,
        config_version=event.config_version,
        screened_at=from_timestamp(event.screened_at),
        ownership=_ownership(event),
    )


def _listed(event: screening_pb2.PartyListed) -> tuple[UUID, RevisionCause, PartyUpdate]:
    finding = screening_summary.PartyFinding(
        party_id=event.party_id,
        result=_result(event.result),
        strength=_STRENGTHS.get(event.strength),
        entry_ids=tuple(event.entry_ids),
        list_codes=tuple(event.list_codes),
        open_hit_ids=tuple(event.open_hit_ids),
    )
    rescreening = Rescreening(
        UUID(event.screening_id), event.list_version, from_timestamp(event.listed_at)
    )
    update = PartyUpdate(finding, rescreening, _ownership(event))
    return UUID(event.application_id), RevisionCause.LISTED, update


def _adjudicated(event: screening_pb2.HitAdjudicated) -> tuple[UUID, RevisionCause, PartyUpdate]:
    finding = screening_summary.PartyFinding(
        party_id=event.party_id,
        result=_result(event.party_result),
        strength=_STRENGTHS.get(event.party_strength),
        entry_ids=tuple(event.party_entry_ids),
        list_codes=tuple(event.party_list_codes),
        undetermined_reason=event.party_undetermined_reason,
        open_hit_ids=tuple(event.party_open_hit_ids),
    )
    is_false_positive = event.verdict == screening_model_pb2.HIT_VERDICT_FALSE_POSITIVE
    cause = RevisionCause.CLEARED if is_false_positive else RevisionCause.CONFIRMED
    return UUID(event.application_id), cause, PartyUpdate(finding, ownership=_ownership(event))


def _result(number: int) -> screening_summary.ScreeningResult:
    return _RESULTS.get(number, screening_summary.ScreeningResult.UNDETERMINED)


def _finding(party: screening_model_pb2.PartyScreening) -> screening_summary.PartyFinding:
    return screening_summary.PartyFinding(
        party_id=party.party_id,
        result=_result(party.result),
        strength=strongest(
            _STRENGTHS[hit.strength] for hit in party.hits if hit.strength in _STRENGTHS
        ),
        entry_ids=tuple(hit.entry_id for hit in party.hits),
        list_codes=tuple(dict.fromkeys(hit.list_code for hit in party.hits)),
        undetermined_reason=party.undetermined_reason,
        open_hit_ids=tuple(
            hit.hit_id for hit in party.hits if hit.hit_id and hit.state not in _CLEARED
        ),
    )


def _ownership(
    event: screening_pb2.ScreeningCompleted
    | screening_pb2.PartyListed
    | screening_pb2.HitAdjudicated,
) -> screening_summary.OwnershipAssessment | None:
    if not event.HasField("ownership"):
        return None
    assessed = event.ownership
    return screening_summary.OwnershipAssessment(
        assessed.rules_version,
        assessed.assessed_on,
        tuple(map(_ownership_finding, assessed.findings)),
    )


def _ownership_finding(
    finding: screening_model_pb2.OwnershipFinding,
) -> screening_summary.OwnershipFinding:
    is_blocked = finding.result == screening_model_pb2.OWNERSHIP_RESULT_BLOCKED
    return screening_summary.OwnershipFinding(
        party_id=finding.party_id,
        result=screening_summary.OwnershipResult.BLOCKED
        if is_blocked
        else screening_summary.OwnershipResult.RED_FLAG,
        cause=_OWNERSHIP_CAUSES.get(finding.cause),
        rule_id=finding.rule_id,
        authority=finding.authority,
        rule=finding.rule,
        at_least_percent=finding.at_least_percent,
        at_most_percent=finding.at_most_percent,
        most_restrictive_owner_id=finding.most_restrictive_owner_id,
        list_codes=tuple(finding.list_codes),
        # The first path begins at the owner on the most restrictive list.
        path=tuple(map(_step, finding.paths[0].steps)) if finding.paths else (),
        explanation=finding.explanation,
    )


def _step(step: screening_model_pb2.OwnershipStep) -> screening_summary.OwnershipStep:
    share = (
        application_details.ShareRange(step.share.at_least_percent, step.share.at_most_percent)
        if step.HasField("share")
        else None
    )
    return screening_summary.OwnershipStep(step.owner_party_id, step.owned_party_id, share)
