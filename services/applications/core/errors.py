"""Refusals of commands, as values with a reason from `errors.proto`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """The sort of a refusal. `chassis.rpc.errors.CODES` gives each sort its gRPC status."""

    INVALID = "INVALID"
    PRECONDITION = "PRECONDITION"
    PERMISSION = "PERMISSION"
    NOT_FOUND = "NOT_FOUND"
    ABORTED = "ABORTED"


class Reason(StrEnum):
    """The reason of a refusal: ErrorReason of `errors.proto` without its prefix."""

    WRONG_STATE = "WRONG_STATE"
    NOT_VISIBLE = "NOT_VISIBLE"
    INCONSISTENT_APPLICATION = "INCONSISTENT_APPLICATION"
    SELF_COUNTERSIGNATURE = "SELF_COUNTERSIGNATURE"
    CONFLICT_OF_INTEREST = "CONFLICT_OF_INTEREST"
    CLEARANCE_TOO_LOW = "CLEARANCE_TOO_LOW"
    RECOMMENDATION_CHANGED = "RECOMMENDATION_CHANGED"
    SIGNATURE_INVALID = "SIGNATURE_INVALID"
    SIGNATORY_NOT_AUTHORIZED = "SIGNATORY_NOT_AUTHORIZED"
    CODE_OUT_OF_DATE = "CODE_OUT_OF_DATE"
    SIGNING_KEY_EXPIRED = "SIGNING_KEY_EXPIRED"
    SIGNING_TIME_OVER = "SIGNING_TIME_OVER"
    NOT_FOUND = "NOT_FOUND"
    OPEN_HITS = "OPEN_HITS"


class Fault(StrEnum):
    """The sort of a fault in one field of a submission."""

    UNKNOWN_COUNTRY = "UNKNOWN_COUNTRY"
    UNKNOWN_MODEL = "UNKNOWN_MODEL"
    UNKNOWN_PARTY = "UNKNOWN_PARTY"
    DUPLICATE_PARTY = "DUPLICATE_PARTY"
    ROLE_MISSING = "ROLE_MISSING"
    SIGNATORY_MISSING = "SIGNATORY_MISSING"
    SIGNED_IN_FUTURE = "SIGNED_IN_FUTURE"
    DUPLICATE_ITEM = "DUPLICATE_ITEM"
    KIND_MISMATCH = "KIND_MISMATCH"
    SHARES_EXCEED_WHOLE = "SHARES_EXCEED_WHOLE"


@dataclass(frozen=True, slots=True)
class FieldFault:
    """A fault in a field.

    `path` is for example `details.parties[2].country`. `description` names the right value.
    """

    path: str
    reason: Fault
    description: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """A command that was understood and is refused.

    `message` holds no personal data. `metadata` holds the values that vary in it. `fields` are the
    faults of an INVALID submission.
    """

    kind: Kind
    reason: Reason
    message: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    fields: tuple[FieldFault, ...] = ()
