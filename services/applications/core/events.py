"""The events of an application, with the names and fields of `events.proto`.

`basis` and `reference_data_digest` are None, or empty, in events of releases that kept none.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.applications.core.application_details import (
    ApplicationDetails,
    EndUse,
    Item,
)
from services.applications.core.model import (
    CodeOfConductAcceptance,
    Countersignature,
    Decision,
    LicenseState,
    PolicyOutcome,
    Recommendation,
)
from services.applications.core.policy_facts import PolicyBasis
from services.applications.core.screening_summary import ScreeningSummary


@dataclass(frozen=True, slots=True)
class ApplicationSubmitted:
    """A partner submitted an application."""

    application_id: UUID
    partner_id: str
    details: ApplicationDetails
    occurred_at: datetime
    reference_data_digest: bytes = b""


@dataclass(frozen=True, slots=True)
class ApplicationReferred:
    """Screening completed and policy referred the application to officers."""

    application_id: UUID
    screening: ScreeningSummary
    policy: PolicyOutcome
    occurred_at: datetime
    basis: PolicyBasis | None = None


@dataclass(frozen=True, slots=True)
class DenialIntended:
    """Denial is proposed, by policy or because an officer confirmed a match."""

    application_id: UUID
    screening: ScreeningSummary
    policy: PolicyOutcome
    occurred_at: datetime
    basis: PolicyBasis | None = None


@dataclass(frozen=True, slots=True)
class ScreeningRevised:
    """Findings about a party changed. An earlier recommendation or approval is void."""

    application_id: UUID
    screening: ScreeningSummary
    policy: PolicyOutcome
    occurred_at: datetime
    basis: PolicyBasis | None = None


@dataclass(frozen=True, slots=True)
class DecisionRecommended:
    """An officer recommended a decision."""

    application_id: UUID
    recommendation: Recommendation
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class RecommendationCountersigned:
    """An officer countersigned, and at least one more countersignature is needed."""

    application_id: UUID
    recommendation_id: UUID
    countersignature: Countersignature
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class RecommendationRejected:
    """An officer rejected the recommendation. The case is under review again."""

    application_id: UUID
    recommendation_id: UUID
    rejection: Countersignature
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class ApplicationApproved:
    """The application was approved and waits for the end user's signature."""

    application_id: UUID
    decision: Decision
    code_version: str
    code_digest: bytes
    sign_by: datetime
    occurred_at: datetime
    basis: PolicyBasis | None = None


@dataclass(frozen=True, slots=True)
class ApplicationDenied:
    """Officers denied the application."""

    application_id: UUID
    decision: Decision
    occurred_at: datetime
    basis: PolicyBasis | None = None


@dataclass(frozen=True, slots=True)
class ApplicationWithdrawn:
    """The partner withdrew the application."""

    application_id: UUID
    reason: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class ApplicationLapsed:
    """The approved application was not signed in time and lapsed."""

    application_id: UUID
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class LicenseGrant:
    """The part of a license that enforcement and gates need. It has no names.

    `screening_id` is None in events that were written before the field existed.
    """

    license_id: UUID
    license_number: str
    decision_id: UUID
    partner_id: str
    items: tuple[Item, ...]
    destinations: tuple[str, ...]
    end_uses: tuple[EndUse, ...]
    conditions: tuple[str, ...]
    monthly_million_tokens: int
    not_before: datetime
    not_after: datetime
    lease_seconds: int
    acceptance: CodeOfConductAcceptance
    screening_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class LicenseIssued:
    """The end user signed the code of conduct and the license was issued."""

    application_id: UUID
    license: LicenseGrant
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class LicenseRecordChanged:
    """The license record follows a change of the standing at enforcement."""

    application_id: UUID
    license_id: UUID
    state: LicenseState
    standing_version: int
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class LicenseExpired:
    """The term of the license is over."""

    application_id: UUID
    license_id: UUID
    occurred_at: datetime


Event = (
    ApplicationSubmitted
    | ApplicationReferred
    | DenialIntended
    | ScreeningRevised
    | DecisionRecommended
    | RecommendationCountersigned
    | RecommendationRejected
    | ApplicationApproved
    | ApplicationDenied
    | ApplicationWithdrawn
    | ApplicationLapsed
    | LicenseIssued
    | LicenseRecordChanged
    | LicenseExpired
)
