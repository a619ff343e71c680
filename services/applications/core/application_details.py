"""The content of an application, as a partner submits it.

Names and fields are those of `model.proto`, whose comments describe them. An optional value that is
not stated is None, or empty text.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


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
