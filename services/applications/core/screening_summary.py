"""The findings of screening about parties and their owners, without names.

Names and fields are those of `model.proto`, whose comments describe them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.applications.core.application_details import (
    ShareRange,
)


class ScreeningResult(StrEnum):
    """The result of screening one party."""

    CLEAR = "CLEAR"
    POSSIBLE_MATCH = "POSSIBLE_MATCH"
    CONFIRMED_MATCH = "CONFIRMED_MATCH"
    FALSE_POSITIVE = "FALSE_POSITIVE"
    UNDETERMINED = "UNDETERMINED"


class MatchStrength(StrEnum):
    """The strength of a possible match."""

    WEAK = "WEAK"
    STRONG = "STRONG"
    EXACT = "EXACT"


@dataclass(frozen=True, slots=True)
class PartyFinding:
    """The finding of screening about one party, without names."""

    party_id: str
    result: ScreeningResult
    strength: MatchStrength | None = None
    entry_ids: tuple[str, ...] = ()
    list_codes: tuple[str, ...] = ()
    undetermined_reason: str = ""
    open_hit_ids: tuple[str, ...] = ()


class OwnershipResult(StrEnum):
    """The consequence of a finding about owners.

    BLOCKED: a rule in effect is certainly met. RED_FLAG: an officer must review the owners.
    """

    BLOCKED = "BLOCKED"
    RED_FLAG = "RED_FLAG"


class OwnershipCause(StrEnum):
    """The cause of a finding about owners. A cause that this version does not know is None."""

    OWNED_BY_LISTED = "OWNED_BY_LISTED"
    RULE_SUSPENDED = "RULE_SUSPENDED"
    MAY_REACH_THRESHOLD = "MAY_REACH_THRESHOLD"
    MINORITY_STAKE = "MINORITY_STAKE"
    LISTED_ELSEWHERE = "LISTED_ELSEWHERE"
    OWNER_UNDETERMINED = "OWNER_UNDETERMINED"
    UNKNOWN_SHARE = "UNKNOWN_SHARE"
    UNKNOWN_HOLDING = "UNKNOWN_HOLDING"


@dataclass(frozen=True, slots=True)
class OwnershipStep:
    """One edge of an ownership path. `share` is None if it is not known."""

    owner_party_id: str
    owned_party_id: str
    share: ShareRange | None = None


@dataclass(frozen=True, slots=True)
class OwnershipFinding:
    """The finding of one ownership rule, or of no rule, about the owners of one party.

    It names parties by their ids only. `path` leads from the owner on the most restrictive list to
    the party.
    """

    party_id: str
    result: OwnershipResult
    cause: OwnershipCause | None = None
    rule_id: str = ""
    authority: str = ""
    rule: str = ""
    at_least_percent: float = 0.0
    at_most_percent: float = 0.0
    most_restrictive_owner_id: str = ""
    list_codes: tuple[str, ...] = ()
    path: tuple[OwnershipStep, ...] = ()
    explanation: str = ""


@dataclass(frozen=True, slots=True)
class OwnershipAssessment:
    """The findings of the ownership rules as of one day, `assessed_on` (YYYY-MM-DD)."""

    rules_version: str
    assessed_on: str
    findings: tuple[OwnershipFinding, ...] = ()


@dataclass(frozen=True, slots=True)
class ScreeningSummary:
    """The findings of screening about an application. `ownership` is None if never assessed."""

    screening_id: UUID
    findings: tuple[PartyFinding, ...]
    list_version: str
    config_version: str
    screened_at: datetime
    ownership: OwnershipAssessment | None = None
