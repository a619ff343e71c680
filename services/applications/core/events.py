"""The facts that applications tells, with the names and fields of events.proto."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.applications.core.model import (
    ApplicationDetails,
    CodeOfConductAcceptance,
    Countersignature,
    Decision,
    EndUse,
    Item,
    LicenseState,
    PolicyOutcome,
    Recommendation,
    ScreeningSummary,
)


@dataclass(frozen=True, slots=True)
class ApplicationSubmitted:
    """A partner submitted an application; it will be screened."""

    application_id: UUID
    partner_id: str
    details: ApplicationDetails
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class ApplicationReferred:
    """Screening came back and policy leaves the decision to officers."""

    application_id: UUID
    screening: ScreeningSummary
    policy: PolicyOutcome
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class DenialIntended:
    """Screening came back, or an officer confirmed a match, and denial is proposed."""

    application_id: UUID
    screening: ScreeningSummary
    policy: PolicyOutcome
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class ScreeningRevised:
    """A list or an officer says something new about a party: what was recommended or approved holds no more."""

    application_id: UUID
    screening: ScreeningSummary
    policy: PolicyOutcome
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class DecisionRecommended:
    """An officer recommended a decision."""

    application_id: UUID
    recommendation: Recommendation
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class RecommendationCountersigned:
    """An officer countersigned, and another countersignature is needed."""

    application_id: UUID
    recommendation_id: UUID
    countersignature: Countersignature
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class RecommendationRejected:
    """An officer rejected the recommendation; the case goes back to review."""

    application_id: UUID
    recommendation_id: UUID
    rejection: Countersignature
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class ApplicationApproved:
    """The application is approved and waits for the end user's signature."""

    application_id: UUID
    decision: Decision
    code_version: str
    code_digest: bytes
    sign_by: datetime
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class ApplicationDenied:
    """The application is denied."""

    application_id: UUID
    decision: Decision
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class ApplicationWithdrawn:
    """The partner took the application back."""

    application_id: UUID
    reason: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class ApplicationLapsed:
    """The approved application was not signed in time."""

    application_id: UUID
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class LicenseGrant:
    """What enforcement and gates need to know of a license; no names."""

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
    """The end user signed and the license is issued."""

    application_id: UUID
    license: LicenseGrant
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class LicenseRecordChanged:
    """The license record follows an order of enforcement."""

    application_id: UUID
    license_id: UUID
    state: LicenseState
    standing_version: int
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class LicenseExpired:
    """The license's time is over."""

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
