"""The commands on an application.

Partners and officers give some of them; consumed events and timers cause the others. Ids of new
things come with the command, as does the function that verifies a signature: the core makes
neither.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from services.applications.core.application_details import ApplicationDetails
from services.applications.core.model import (
    LicenseState,
    Outcome,
    PolicyOutcome,
)
from services.applications.core.policy_facts import PolicyBasis
from services.applications.core.reference_data import ReferenceData
from services.applications.core.screening_summary import ScreeningSummary

Verify = Callable[[bytes, bytes, bytes], bool]
"""From (public key, message, signature): True if the key made the signature. Never raises."""


@dataclass(frozen=True, slots=True)
class Officer:
    """The officer who acts.

    `tier` is the clearance, 1 (lowest) to 3. `affiliation` is the id of the partner that the
    officer belongs to, or None.
    """

    officer_id: str
    tier: int
    affiliation: str | None = None


@dataclass(frozen=True, slots=True)
class SigningTerms:
    """The version of the code of conduct that must be signed, and the days to do it."""

    code_version: str
    code_digest: bytes
    signing_days: int


@dataclass(frozen=True, slots=True)
class Submit:
    """A partner submits an application."""

    application_id: UUID
    partner_id: str
    details: ApplicationDetails
    reference_data: ReferenceData


@dataclass(frozen=True, slots=True)
class ConcludeScreening:
    """Screening completed and policy was evaluated. Never refused: a late one changes nothing."""

    screening: ScreeningSummary
    policy: PolicyOutcome
    basis: PolicyBasis
    decision_id: UUID
    terms: SigningTerms


class RevisionCause(StrEnum):
    """Why screening reports a party again.

    LISTED: a new list version matches it. CONFIRMED: an officer confirmed the match. CLEARED: an
    officer found that the entry is another party.
    """

    LISTED = "LISTED"
    CONFIRMED = "CONFIRMED"
    CLEARED = "CLEARED"


@dataclass(frozen=True, slots=True)
class ReviseScreening:
    """Findings about a party changed and policy was evaluated again. Never refused."""

    cause: RevisionCause
    screening: ScreeningSummary
    policy: PolicyOutcome
    basis: PolicyBasis


@dataclass(frozen=True, slots=True)
class Withdraw:
    """The partner withdraws the application."""

    reason: str


@dataclass(frozen=True, slots=True)
class AcceptCode:
    """The end user's signatory signed the code of conduct."""

    license_id: UUID
    code_version: str
    signatory_party_id: str
    signature: bytes
    verify: Verify


@dataclass(frozen=True, slots=True)
class Recommend:
    """An officer recommends a decision."""

    recommendation_id: UUID
    officer: Officer
    outcome: Outcome
    rationale: str
    conditions: tuple[str, ...]
    open_hits_override: str = ""


@dataclass(frozen=True, slots=True)
class Countersign:
    """A second officer confirms the recommendation that it read, `recommendation_id`."""

    recommendation_id: UUID
    officer: Officer
    rationale: str
    decision_id: UUID
    terms: SigningTerms


@dataclass(frozen=True, slots=True)
class RejectRecommendation:
    """A second officer rejects the recommendation that it read, `recommendation_id`."""

    recommendation_id: UUID
    officer: Officer
    rationale: str


@dataclass(frozen=True, slots=True)
class FollowStanding:
    """Enforcement changed the standing of the license. An older version changes nothing.

    `standing_version` is the version of the event that changed the standing, in its stream.
    """

    license_id: UUID
    state: LicenseState
    standing_version: int


@dataclass(frozen=True, slots=True)
class Due:
    """A timer fired. The application and the time decide the event that is due."""


Command = (
    Submit
    | ConcludeScreening
    | ReviseScreening
    | Withdraw
    | AcceptCode
    | Recommend
    | Countersign
    | RejectRecommendation
    | FollowStanding
    | Due
)
