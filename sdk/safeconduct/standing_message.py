"""Reads a standing from its message. In doubt, the standing that it returns makes a gate deny."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

from safeconduct.enforcement.v1 import model_pb2 as model
from safeconduct.standing import (
    AccessMode,
    Clause,
    EndUse,
    Grant,
    MeasureKind,
    Standing,
    StandingCause,
    StandingState,
)


def decode_standing(message: model.Standing) -> Standing:
    """Returns the standing of a message. An absent or unknown field makes the gate deny."""
    states = {
        model.STANDING_STATE_ACTIVE: StandingState.ACTIVE,
        model.STANDING_STATE_REVOKED: StandingState.REVOKED,
    }
    return Standing(
        license_id=message.license_id,
        license_number=message.license_number or message.license_id,
        partner_id=message.partner_id,
        version=message.version,
        state=states.get(message.state, StandingState.SUSPENDED),
        requires=frozenset(message.requires),
        grants=_decode_grants(message),
        destinations=frozenset(message.destinations),
        end_uses=_decode_end_uses(message),
        not_before=_datetime(message.not_before)
        if message.HasField("not_before")
        else datetime.max.replace(tzinfo=timezone.utc),
        not_after=_datetime(message.not_after)
        if message.HasField("not_after")
        else datetime.min.replace(tzinfo=timezone.utc),
        lease_seconds=message.lease_seconds,
        cause=_decode_cause(message),
        changed_at=_datetime(message.changed_at) if message.HasField("changed_at") else None,
    )


_ACCESS_MODES: Final = {model.AccessMode.Value(f"ACCESS_MODE_{mode}"): mode for mode in AccessMode}
_END_USES: Final = {model.EndUse.Value(f"END_USE_{use}"): use for use in EndUse}
_END_USES_BY_NAME: Final = {use.value: use for use in EndUse}
_MEASURE_KINDS: Final = {
    model.MeasureKind.Value(f"MEASURE_KIND_{kind}"): kind for kind in MeasureKind
}
_CLAUSES: Final = {model.Clause.Value(f"CLAUSE_{clause}"): clause for clause in Clause}


def _decode_grants(message: model.Standing) -> frozenset[Grant]:
    """Returns the grants. One without a form of access that this release knows grants nothing."""
    grants = {Grant(one.model_id, _ACCESS_MODES.get(one.access_mode)) for one in message.grants}
    if not grants:
        # A service of an earlier release sends the models without the form of access.
        grants = {Grant(model_id, None) for model_id in message.model_ids}
    return frozenset(grants)


def _decode_end_uses(message: model.Standing) -> frozenset[EndUse]:
    """Returns the granted end uses. One that this release does not know is not granted."""
    if message.granted_end_uses:
        numbers = message.granted_end_uses
        return frozenset(_END_USES[number] for number in numbers if number in _END_USES)
    # A service of an earlier release sends the names instead of the numbers.
    names = message.end_uses
    return frozenset(_END_USES_BY_NAME[name] for name in names if name in _END_USES_BY_NAME)


def _decode_cause(message: model.Standing) -> StandingCause | None:
    """Returns the cause, or None if there is none or if a later release added its kind."""
    if not message.HasField("cause"):
        return StandingCause.parse(message.reason)
    cause = message.cause
    if cause.is_list_match:
        return StandingCause(None, None, is_list_match=True)
    kind, clause = _MEASURE_KINDS.get(cause.measure_kind), _CLAUSES.get(cause.clause)
    if kind is None or clause is None:
        return None
    return StandingCause(kind, clause, is_list_match=False)


def _datetime(timestamp: Timestamp) -> datetime:
    return timestamp.ToDatetime(tzinfo=timezone.utc)
