"""Refusals as values: why a command is not carried out, from the closed list of errors.proto."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """What sort of refusal it is; the shell turns it into a status code."""

    PERMISSION = "PERMISSION"
    NOT_FOUND = "NOT_FOUND"


class Reason(StrEnum):
    """ErrorReason of errors.proto without its prefix."""

    NOT_VISIBLE = "NOT_VISIBLE"
    NOT_FOUND = "NOT_FOUND"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why nothing happens. `message` names no person and repeats no personal data."""

    kind: Kind
    reason: Reason
    message: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    fields: tuple[()] = ()
