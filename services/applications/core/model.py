"""The values that an application, its decision and its license consist of.

Names and fields are those of `model.proto`, whose comments describe them. An optional value that is
not stated is None, or empty text. `lifecycle` says how the states change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class PartyRole(StrEnum):
    """The part that a party plays in the transaction, in the terms of 15 CFR 748.5."""

    APPLICANT = "APPLICANT"
    LICENSE_HOLDER = "LICENSE_HOLDER"
    PURCHASER = "PURCHASER"
    INTERMEDIATE_CONSIGNEE = "INTERMEDIATE_CONSIGNEE"
    ULTIMATE_CONSIGNEE = "ULTIMATE_CONSIGNEE"
    END_USER = "END_USER"
    DEPLOYER = "DEPLOYER"
    HOSTING_PROVIDER = "HOSTING_PROVIDER"
    COMPUTE_PROVIDER = "COMPUTE_PROVIDER"
    BENEFICIAL_OWNER = "BENEFICIAL_OWNER"
    SIGNATORY = "SIGNATORY"
    FOREIGN_PERSON = "FOREIGN_PERSON"


class PartyKind(StrEnum):
    """Whether a party is a person, an organisation or a vessel."""

    PERSON = "PERSON"
    ORGANISATION = "ORGANISATION"
    VESSEL = "VESSEL"


class Sector(StrEnum):
    """The sector that an organisation works in."""

    HEALTHCARE = "HEALTHCARE"
    EDUCATION = "EDUCATION"
    RESEARCH = "RESEARCH"
    COMMERCIAL = "COMMERCIAL"
    CIVIL_GOVERNMENT = "CIVIL_GOVERNMENT"
    LAW_ENFORCEMENT = "LAW_ENFORCEMENT"
    MILITARY = "MILITARY"
    INTELLIGENCE = "INTELLIGENCE"
    POLITICAL = "POLITICAL"


class EndUse(StrEnum):
    """The purpose that the model is used for."""

    HEALTHCARE = "HEALTHCARE"
    RESEARCH_AND_EDUCATION = "RESEARCH_AND_EDUCATION"
    SOFTWARE_DEVELOPMENT = "SOFTWARE_DEVELOPMENT"
    CUSTOMER_SERVICE = "CUSTOMER_SERVICE"
    OFFICE_PRODUCTIVITY = "OFFICE_PRODUCTIVITY"
    FINANCIAL_SERVICES = "FINANCIAL_SERVICES"
    PUBLIC_ADMINISTRATION = "PUBLIC_ADMINISTRATION"
    CONTENT_CREATION = "CONTENT_CREATION"
    BIOMETRIC_IDENTIFICATION = "BIOMETRIC_IDENTIFICATION"
    COMMUNICATIONS_ANALYSIS = "COMMUNICATIONS_ANALYSIS"
    POLITICAL_CAMPAIGNING = "POLITICAL_CAMPAIGNING"
    MILITARY = "MILITARY"
    MILITARY_INTELLIGENCE = "MILITARY_INTELLIGENCE"
    AUTONOMOUS_WEAPONS = "AUTONOMOUS_WEAPONS"
    OTHER = "OTHER"


class AccessMode(StrEnum):
    """The technical form of access to a model."""

    MODEL_WEIGHTS = "MODEL_WEIGHTS"
    HOSTED_ACCESS = "HOSTED_ACCESS"
    FINE_TUNING_SERVICE = "FINE_TUNING_SERVICE"
    TOOL = "TOOL"
    DEEMED_ACCESS = "DEEMED_ACCESS"


class RedFlag(StrEnum):
    """A warning sign of 15 CFR part 732, supplement 3."""

    RELUCTANT_ABOUT_END_USE = "RELUCTANT_ABOUT_END_USE"
    CAPABILITY_DOES_NOT_FIT_BUSINESS = "CAPABILITY_DOES_NOT_FIT_BUSINESS"
    NO_BUSINESS_BACKGROUND = "NO_BUSINESS_BACKGROUND"
    UNUSUAL_PAYMENT = "UNUSUAL_PAYMENT"
    DECLINES_ROUTINE_SERVICE = "DECLINES_ROUTINE_SERVICE"
    UNUSUAL_ROUTE = "UNUSUAL_ROUTE"
    SHARES_ADDRESS_WITH_LISTED_PARTY = "SHARES_ADDRESS_WITH_LISTED_PARTY"
    RECENTLY_FORMED_AFTER_LISTING = "RECENTLY_FORMED_AFTER_LISTING"


@dataclass(frozen=True, slots=True)
class Identifier:
    """A number that an authority or register gave to a party."""

    type: str
    value: str
    country: str = ""


@dataclass(frozen=True, slots=True)
class ShareRange:
    """Bounds of a share, in percent."""

    at_least_percent: float
    at_most_percent: float


@dataclass(frozen=True, slots=True)
class Ownership:
    """A share in percent that a party holds in another: exact, within bounds, or not known."""

    owned_party_id: str
    share_percent: float | None = None
    share_range: ShareRange | None = None

    @property
    def at_least_percent(self) -> float | None:
        """Returns the share that the party certainly holds, or None if nothing is known."""
        return (
            self.share_range.at_least_percent
            if self.share_range is not None
            else self.share_percent
        )


@dataclass(frozen=True, slots=True)
class SigningAuthority:
    """The key (Ed25519, 32 bytes) and the power to sign the code of conduct for an end user."""

    public_key: bytes
    is_authorized: bool
    binds_party_id: str
    valid_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Party:
    """A person, organisation or vessel that takes part in the transaction."""

    party_id: str
    roles: tuple[PartyRole, ...]
    kind: PartyKind
    name: str
    aliases: tuple[str, ...]
    country: str
    address: str
    birth_date: str
    identifiers: tuple[Identifier, ...]
    sector: Sector | None
    owns: tuple[Ownership, ...]
    signing_authority: SigningAuthority | None


@dataclass(frozen=True, slots=True)
class Item:
    """One model and the form of access to it."""

    model_id: str
    access_mode: AccessMode


@dataclass(frozen=True, slots=True)
class EndUserStatement:
    """The end user's written statement of the planned use."""

    party_id: str
    signed_at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class SafeguardStatement:
    """The evaluations and safeguards that go with the access."""

    text: str
    report_digest: bytes = b""


@dataclass(frozen=True, slots=True)
class Declaration:
    """The declaration that the application is true and complete."""

    is_true_and_complete: bool
    declared_by_party_id: str


@dataclass(frozen=True, slots=True)
class ApplicationDetails:
    """The content of an application, as the partner submits it."""

    parties: tuple[Party, ...]
    items: tuple[Item, ...]
    destinations: tuple[str, ...]
    end_uses: tuple[EndUse, ...]
    end_user_statement: EndUserStatement | None
    safeguard_statement: SafeguardStatement | None
    red_flags: tuple[RedFlag, ...]
    validity_days: int
    monthly_million_tokens: int
    declaration: Declaration


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


class Outcome(StrEnum):
    """A decision on an application."""

    APPROVE = "APPROVE"
    DENY = "DENY"


@dataclass(frozen=True, slots=True)
class PartyFinding:
    """The finding of screening about one party, without names."""

    party_id: str
    result: ScreeningResult
    strength: MatchStrength | None = None
    entry_ids: tuple[str, ...] = ()
    list_codes: tuple[str, ...] = ()
    undetermined_reason: str = ""


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


@dataclass(frozen=True, slots=True)
class Application:
    """An application: the fold of its events. `version` counts them.

    `standing_version` is the version of the license's standing that the record follows.
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
    recommendation: Recommendation | None = None
    decision: Decision | None = None
    code_version: str = ""
    code_digest: bytes = b""
    sign_by: datetime | None = None
    license: License | None = None
    standing_version: int = 0
    withdrawal_reason: str = ""
