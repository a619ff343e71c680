"""Refusals as values: why a command is refused, from the closed list of errors.proto."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """Class of a refusal. The shell maps it to a gRPC status code."""

    INVALID = "INVALID"
    PRECONDITION = "PRECONDITION"
    PERMISSION = "PERMISSION"
    NOT_FOUND = "NOT_FOUND"


class Reason(StrEnum):
    """ErrorReason of errors.proto without its prefix."""

    NOT_VISIBLE = "NOT_VISIBLE"
    NOT_FOUND = "NOT_FOUND"
    WRONG_STATE = "WRONG_STATE"
    SELF_CONFIRMATION = "SELF_CONFIRMATION"
    CONFLICT_OF_INTEREST = "CONFLICT_OF_INTEREST"
    LIST_EMPTY = "LIST_EMPTY"
    LIST_TRUNCATED = "LIST_TRUNCATED"
    LIST_MALFORMED = "LIST_MALFORMED"
    LIST_TOO_LARGE = "LIST_TOO_LARGE"
    LIST_IMPLAUSIBLE = "LIST_IMPLAUSIBLE"
    IMPORT_UNCLEAR = "IMPORT_UNCLEAR"
    REMEMBERED_VERDICT = "REMEMBERED_VERDICT"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refused command. `message` names no person and repeats no personal data.

    metadata: values for google.rpc.ErrorInfo, as errors.proto names them for each reason.
    """

    kind: Kind
    reason: Reason
    message: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    fields: tuple[()] = ()
