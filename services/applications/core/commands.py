"""What can be asked of an application: by its partner, its end user, officers, other services' facts, and time.

New ids and the terms to sign are arguments; so is the function that verifies a signature.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from services.applications.core.model import (
    ApplicationDetails,
    LicenseState,
    Outcome,
    PolicyOutcome,
    ScreeningSummary,
)
from services.applications.core.reference_data import ReferenceData

Verify = Callable[[bytes, bytes, bytes], bool]
"""(public key, message, signature) -> True when the signature is the key's over the message. Never raises."""


@dataclass(frozen=True, slots=True)
class Officer:
    """The officer who acts.

    `tier` is the clearance, 1 (lowest) to 3. `affiliation` is the id of the partner that the officer
    belongs to, or None.
    """

    officer_id: str
    tier: int
    affiliation: str | None = None


@dataclass(frozen=True, slots=True)
class SigningTerms:
    """The code of conduct that an approval asks to sign, and how many days there are to do it."""

    code_version: str
    code_digest: bytes
    signing_days: int


@dataclass(frozen=True, slots=True)
class Submit:
    """A partner asks for a license."""

    application_id: UUID
    partner_id: str
    details: ApplicationDetails
    reference_data: ReferenceData


@dataclass(frozen=True, slots=True)
class ConcludeScreening:
    """Screening came back, and policy was evaluated on what it found. A fact: never refused for its state."""

    screening: ScreeningSummary
    policy: PolicyOutcome
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
    """A list, or an officer's verdict on a hit, says something new, and policy was evaluated on it. A fact."""

    cause: RevisionCause
    screening: ScreeningSummary
    policy: PolicyOutcome


@dataclass(frozen=True, slots=True)
class Withdraw:
    """The partner takes the application back."""

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


@dataclass(frozen=True, slots=True)
class Countersign:
    """A second officer confirms the pending recommendation. `recommendation_id` is the one it read."""

    recommendation_id: UUID
    officer: Officer
    rationale: str
    decision_id: UUID
    terms: SigningTerms


@dataclass(frozen=True, slots=True)
class RejectRecommendation:
    """A second officer rejects the pending recommendation. `recommendation_id` is the one it read."""

    recommendation_id: UUID
    officer: Officer
    rationale: str


@dataclass(frozen=True, slots=True)
class FollowStanding:
    """Enforcement changed the standing of the license. A fact: an older version changes nothing."""

    license_id: UUID
    state: LicenseState
    standing_version: int


@dataclass(frozen=True, slots=True)
class Due:
    """A timer fired; what is due is told from the application and `now`."""


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
