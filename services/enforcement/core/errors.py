"""Refusals of commands as values, and the exception for an event that cannot follow."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class ImpossibleEventError(Exception):
    """A stored event does not follow from the events before it, so the stream cannot be trusted."""


class Kind(StrEnum):
    """Kind of refusal; the shell maps each kind to one gRPC status."""

    INVALID = "INVALID"
    PRECONDITION = "PRECONDITION"
    PERMISSION = "PERMISSION"
    NOT_FOUND = "NOT_FOUND"
    ABORTED = "ABORTED"


class Reason(StrEnum):
    """enforcement.v1.ErrorReason without its prefix."""

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
    GATE_TOO_OLD = "GATE_TOO_OLD"


@dataclass(frozen=True, slots=True)
class FieldFault:
    """A fault in one field of a request: path, reason and a description for people."""

    path: str
    reason: str
    description: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refused command. `metadata` holds the variable parts of the message."""

    kind: Kind
    reason: str
    message: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    fields: tuple[FieldFault, ...] = ()


def not_visible(subject: str) -> Refusal:
    """Returns NOT_VISIBLE, the same for a foreign license and for one that does not exist."""
    message = f"there is no {subject} with this id, or you have no access to it"
    return Refusal(Kind.PERMISSION, Reason.NOT_VISIBLE, message)


def not_found(subject: str) -> Refusal:
    """Returns NOT_FOUND, for officers, who have access to every license and case."""
    return Refusal(Kind.NOT_FOUND, Reason.NOT_FOUND, f"there is no {subject} with this id")


def invalid(path: str, reason: str, description: str) -> Refusal:
    """Returns VALIDATION_FAILED for one field, as for the validation rules of the contract."""
    return Refusal(
        Kind.INVALID,
        "VALIDATION_FAILED",
        description,
        {"violationCount": "1"},
        (FieldFault(path, reason, description),),
    )
