"""Why a command is refused, as a value with a reason from the published list. Knows no rule that refuses."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """What sort of refusal it is; each sort has one status on the wire."""

    INVALID = "INVALID"
    PRECONDITION = "PRECONDITION"
    PERMISSION = "PERMISSION"
    NOT_FOUND = "NOT_FOUND"
    ABORTED = "ABORTED"


class Reason(StrEnum):
    """The contract's ErrorReason without its prefix."""

    WRONG_STATE = "WRONG_STATE"
    NOT_VISIBLE = "NOT_VISIBLE"
    NOT_FOUND = "NOT_FOUND"
    SELF_CONFIRMATION = "SELF_CONFIRMATION"
    CONFLICT_OF_INTEREST = "CONFLICT_OF_INTEREST"
    SUSPENDER_CANNOT_REINSTATE = "SUSPENDER_CANNOT_REINSTATE"
    PENDING_ACT_DIFFERS = "PENDING_ACT_DIFFERS"
    VIOLATIONS_OPEN = "VIOLATIONS_OPEN"
    REPORTER_KIND_NOT_ALLOWED = "REPORTER_KIND_NOT_ALLOWED"
    LIST_MATCH_OPEN = "LIST_MATCH_OPEN"
    TOO_MANY_REPORTS = "TOO_MANY_REPORTS"


@dataclass(frozen=True, slots=True)
class FieldFault:
    """What is wrong with one field of a request."""

    path: str
    reason: str
    description: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """A command that was understood and will not be done. `metadata` holds whatever varies in the message."""

    kind: Kind
    reason: str
    message: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    fields: tuple[FieldFault, ...] = ()


def not_visible() -> Refusal:
    """For partners and gates: the same words whether or not there is such a license."""
    return Refusal(Kind.PERMISSION, Reason.NOT_VISIBLE, "nothing of this id is visible to you")


def not_found(what: str) -> Refusal:
    """For officers, who may see everything."""
    return Refusal(Kind.NOT_FOUND, Reason.NOT_FOUND, f"no {what} of this id")


def invalid(path: str, reason: str, description: str) -> Refusal:
    """One field that does not go with another; the reason is the plumbing's, as for the rules of the contract."""
    return Refusal(
        Kind.INVALID,
        "VALIDATION_FAILED",
        description,
        {"violationCount": "1"},
        (FieldFault(path, reason, description),),
    )
