"""Converts standings and heartbeats: records of the standing topic, and messages to gates."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final
from uuid import UUID

from google.protobuf.message import DecodeError
from safeconduct.enforcement.v1 import events_pb2, model_pb2, service_pb2
from safeconduct.standing import AccessMode, EndUse, Grant, Standing, StandingCause, StandingState

from chassis.proto_mapping import Converter, from_timestamp, to_timestamp
from services.enforcement.shell import earlier_releases

# A KeyError or ValueError at import shows that the contract and the published rule disagree.
_END_USES: Final = {use: model_pb2.EndUse.Value(f"END_USE_{use}") for use in EndUse}
_END_USES_BY_NUMBER: Final = {number: use for use, number in _END_USES.items()}
_ACCESS_MODES: Final[dict[AccessMode | None, model_pb2.AccessMode.ValueType]] = {
    mode: model_pb2.AccessMode.Value(f"ACCESS_MODE_{mode}") for mode in AccessMode
}
_ACCESS_MODES_BY_NUMBER: Final = {number: mode for mode, number in _ACCESS_MODES.items()}
_STATES: Final = {
    state: model_pb2.StandingState.Value(f"STANDING_STATE_{state}") for state in StandingState
}
_STATES_BY_NUMBER: Final = {number: state for state, number in _STATES.items()}
_CAUSE: Final = Converter(StandingCause, model_pb2.StandingCause)


def to_message(standing: Standing) -> model_pb2.Standing:
    """Returns the standing as a message. The same standing gives the same bytes."""
    message = model_pb2.Standing(
        license_id=standing.license_id,
        partner_id=standing.partner_id,
        version=standing.version,
        state=_STATES[standing.state],
        requires=sorted(standing.requires),
        grants=[_grant(each) for each in sorted(standing.grants, key=str)],
        destinations=sorted(standing.destinations),
        not_before=to_timestamp(standing.not_before),
        not_after=to_timestamp(standing.not_after),
        lease_seconds=standing.lease_seconds,
        license_number=standing.license_number,
        granted_end_uses=sorted(_END_USES[use] for use in standing.end_uses),
        # Gates of earlier releases read the texts.
        end_uses=sorted(standing.end_uses),
    )
    if standing.cause is not None:
        message.cause.CopyFrom(_CAUSE.to_proto(standing.cause))
        message.reason = str(standing.cause)
    if standing.changed_at is not None:
        message.changed_at.CopyFrom(to_timestamp(standing.changed_at))
    return message


def from_message(message: model_pb2.Standing) -> Standing:
    """Returns the standing of a message, also of an earlier release.

    An end use that this release does not know is left out, and an unknown form of access grants
    nothing. Raises ValueError if the message is no complete standing or has an unknown state.
    """
    earlier_releases.complete_standing(message)
    if message.state not in _STATES_BY_NUMBER:
        raise ValueError(f"unknown standing state {message.state}")
    if not (message.HasField("not_before") and message.HasField("not_after")):
        raise ValueError("the standing has no validity")
    return Standing(
        license_id=str(UUID(message.license_id)),
        license_number=message.license_number,
        partner_id=message.partner_id,
        version=message.version,
        state=_STATES_BY_NUMBER[message.state],
        requires=frozenset(message.requires),
        grants=frozenset(
            Grant(each.model_id, _ACCESS_MODES_BY_NUMBER.get(each.access_mode))
            for each in message.grants
        ),
        destinations=frozenset(message.destinations),
        end_uses=frozenset(
            _END_USES_BY_NUMBER[number]
            for number in message.granted_end_uses
            if number in _END_USES_BY_NUMBER
        ),
        not_before=from_timestamp(message.not_before),
        not_after=from_timestamp(message.not_after),
        lease_seconds=message.lease_seconds,
        cause=_cause(message),
        changed_at=from_timestamp(message.changed_at) if message.HasField("changed_at") else None,
    )


def _grant(grant: Grant) -> model_pb2.Grant:
    mode = _ACCESS_MODES.get(grant.access_mode, model_pb2.ACCESS_MODE_UNSPECIFIED)
    return model_pb2.Grant(model_id=grant.model_id, access_mode=mode)


def _cause(message: model_pb2.Standing) -> StandingCause | None:
    if not message.HasField("cause"):
        return None
    try:
        return _CAUSE.from_proto(message.cause)
    except ValueError:
        # A clause or measure of a later release. The state alone decides, the cause explains.
        return None


def decode_standing_changed(payload: bytes) -> tuple[Standing, bytes]:
    """Returns the standing of a record, and its bytes for `encode_changes`.

    Raises ValueError if the record cannot be read.
    """
    try:
        message = events_pb2.StandingChanged.FromString(payload).standing
    except DecodeError as error:
        raise ValueError("not a StandingChanged") from error
    standing = from_message(message)
    changes = service_pb2.WatchStandingResponse.StandingChanges(standings=[message])
    return standing, changes.SerializeToString()


def decode_serialized(serialized: bytes) -> Standing:
    """Returns the standing whose bytes `decode_standing_changed` returned."""
    changes = service_pb2.WatchStandingResponse.StandingChanges.FromString(serialized)
    return from_message(changes.standings[0])


def encode_changes(
    standings: Iterable[bytes], resume_token: str, *, is_snapshot: bool, has_more: bool
) -> bytes:
    """Returns a serialized WatchStandingResponse of standings from `decode_standing_changed`.

    Each standing is serialized once for all gates. Joined serialized messages of one type are, by
    protobuf's encoding, the message with all their fields, so joining replaces serialization.
    """
    rest = service_pb2.WatchStandingResponse.StandingChanges(
        resume_token=resume_token, is_snapshot=is_snapshot, has_more=has_more
    )
    changes = b"".join((*standings, rest.SerializeToString()))
    return _CHANGES_TAG + _varint(len(changes)) + changes


_CHANGES_TAG: Final = bytes([service_pb2.WatchStandingResponse.CHANGES_FIELD_NUMBER << 3 | 2])
"""Field number and wire type 2, length-delimited."""


def _varint(number: int) -> bytes:
    """Returns the number in base 128, lowest group first, with the high bit on all but the last."""
    groups = bytearray()
    while number > 0x7F:
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    groups.append(number)
    return bytes(groups)


def encode_heartbeat(replica_id: str, sequence: int, shard: int, written_at: datetime) -> bytes:
    """Returns the record of a heartbeat."""
    heartbeat = events_pb2.StandingHeartbeat(
        replica_id=replica_id,
        sequence=sequence,
        shard=shard,
        written_at=to_timestamp(written_at),
    )
    return heartbeat.SerializeToString()


def decode_heartbeat(payload: bytes) -> tuple[str, int]:
    """Returns replica id and sequence. Raises ValueError if the record cannot be read."""
    try:
        heartbeat = events_pb2.StandingHeartbeat.FromString(payload)
    except DecodeError as error:
        raise ValueError("not a StandingHeartbeat") from error
    return heartbeat.replica_id, heartbeat.sequence
