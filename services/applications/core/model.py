"""The values that an application, its policy outcome, its decision and its license consist of.

Names and fields are those of `model.proto`, whose comments describe them. An optional value that is
not stated is None, or empty text. `lifecycle` says how the states change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from services.applications.core.application_details import (
    ApplicationDetails,
    EndUse,
    Item,
)
from services.applications.core.policy_facts import PolicyBasis
from services.applications.core.screening_summary import (
    ScreeningSummary,
)


class ApplicationState(StrEnum):
    """The state of an application."""

    SCREENING = "SCREENING"
    UNDER_REVIEW = "UNDER_REVIEW"
    INTENT_TO_DENY = "INTENT_TO_DENY"
    PENDING_COUNTERSIGN = "PENDING_COUNTERSIGN"
    AWAITING_SIGNATURE = "AWAITING_SIGNATURE"
    APPROVED = "APPROVED"
    DENIED = "DENIED"
    WITHDRAWN = "WITHDRAWN"
    LAPSED = "LAPSED"


class LicenseState(StrEnum):
    """The state of a license in this service's records. It follows the standing at enforcement."""

    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    REVOKED = "REVOKED"
    EXPIRED = "EXPIRED"


class RuleEffect(StrEnum):
    """The effect of a policy rule that fires."""

    DENY = "DENY"
    REFER = "REFER"
    COUNTERSIGN = "COUNTERSIGN"
    CONDITION = "CONDITION"
    APPROVE = "APPROVE"


class Outcome(StrEnum):
    """A decision on an application."""

    APPROVE = "APPROVE"
    DENY = "DENY"


@dataclass(frozen=True, slots=True)
class FiredRule:
    """A policy rule that fired, with the facts that it read.

    `failed` is True if it could not be evaluated. `explanation` is for the applicant.
    """

    rule_id: str
    effect: RuleEffect
    inputs: Mapping[str, str]
    legal_basis: str
    explanation: str
    condition: str = ""
    failed: bool = False
    explanation_for_officers: str = ""


@dataclass(frozen=True, slots=True)
class PolicyOutcome:
    """The outcome of evaluating policy. `effect` is APPROVE, REFER or DENY."""

    policy_version: str
    policy_digest: str
    fired: tuple[FiredRule, ...]
    effect: RuleEffect
    countersignatures: int
    tier: int
    lease_seconds: int
    evaluated_at: datetime


@dataclass(frozen=True, slots=True)
class Countersignature:
    """An officer's countersignature, or an officer's rejection."""

    officer_id: str
    rationale: str
    signed_at: datetime
    tier: int = 0


@dataclass(frozen=True, slots=True)
class OpenHitsOverride:
    """The reason to approve although these hits, or the hits of these parties, are not cleared."""

    reason: str
    hit_ids: tuple[str, ...]
    party_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Recommendation:
    """An officer's recommendation, with its countersignatures so far."""

    recommendation_id: UUID
    outcome: Outcome
    rationale: str
    conditions: tuple[str, ...]
    officer_id: str
    recommended_at: datetime
    countersignatures: tuple[Countersignature, ...] = ()
    open_hits_override: OpenHitsOverride | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision with everything that it rests on."""

    decision_id: UUID
    outcome: Outcome
    by_policy: bool
    policy: PolicyOutcome
    screening: ScreeningSummary
    recommendation: Recommendation | None
    conditions: tuple[str, ...]
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class CodeOfConduct:
    """A version of the code of conduct. `digest` is the SHA-256 of its UTF-8 bytes."""

    version: str
    text: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class CodeOfConductAcceptance:
    """A signature under the code of conduct."""

    code_version: str
    code_digest: bytes
    signatory_party_id: str
    signature: bytes
    accepted_at: datetime


@dataclass(frozen=True, slots=True)
class License:
    """A license. `version` counts the changes of this record."""

    license_id: UUID
    license_number: str
    application_id: UUID
    decision_id: UUID
    partner_id: str
    state: LicenseState
    items: tuple[Item, ...]
    destinations: tuple[str, ...]
    end_uses: tuple[EndUse, ...]
    conditions: tuple[str, ...]
    monthly_million_tokens: int
    not_before: datetime
    not_after: datetime
    lease_seconds: int
    acceptance: CodeOfConductAcceptance
    version: int
    holder_name: str
    end_user_names: tuple[str, ...]


STATE_SCHEMA: Final = 2
"""Number of the shape of Application and of its events (see Stream.schema)."""


@dataclass(frozen=True, slots=True)
class Application:
    """An application: the fold of its events. `version` counts them.

    `standing_version` is the version, in its stream, of enforcement's event that the license record
    follows. `basis` is what `policy` rests on; None for an outcome of a release that kept none.
    """

    application_id: UUID
    partner_id: str
    version: int
    state: ApplicationState
    details: ApplicationDetails
    submitted_at: datetime
    updated_at: datetime
    screening: ScreeningSummary | None = None
    policy: PolicyOutcome | None = None
    basis: PolicyBasis | None = None
    recommendation: Recommendation | None = None
    decision: Decision | None = None
    code_version: str = ""
    code_digest: bytes = b""
    sign_by: datetime | None = None
    license: License | None = None
    standing_version: int = 0
    withdrawal_reason: str = ""
