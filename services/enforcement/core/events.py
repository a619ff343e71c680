"""What happened to a license and its cases: the events, with the names and fields of the contract. Knows no rule."""

from dataclasses import dataclass
from uuid import UUID

from services.enforcement.core.model import (
    Clause,
    ConductReport,
    Finding,
    ListMatch,
    Measure,
    OfficerAct,
    Standing,
)


@dataclass(frozen=True, slots=True)
class LicenseRegistered:
    """Enforcement took up a license that applications issued."""

    license_id: UUID
    application_id: UUID
    partner_id: str


@dataclass(frozen=True, slots=True)
class ConductReported:
    """Somebody reported conduct; the report opened a case or joined one."""

    license_id: UUID
    violation_id: UUID
    clause: Clause
    report: ConductReport


@dataclass(frozen=True, slots=True)
class FindingProposed:
    """An officer judged a case; another one must confirm."""

    license_id: UUID
    violation_id: UUID
    finding: Finding


@dataclass(frozen=True, slots=True)
class FindingConfirmed:
    """Another officer confirmed the finding."""

    license_id: UUID
    violation_id: UUID
    confirmed_by: OfficerAct


@dataclass(frozen=True, slots=True)
class FindingRejected:
    """Another officer rejected the finding; the case is open again."""

    license_id: UUID
    violation_id: UUID
    rejected_by: OfficerAct


@dataclass(frozen=True, slots=True)
class MeasureProposed:
    """A suspension or revocation is proposed; another officer must confirm."""

    license_id: UUID
    violation_id: UUID
    measure: Measure


@dataclass(frozen=True, slots=True)
class MeasureRejected:
    """Another officer rejected the measure."""

    license_id: UUID
    violation_id: UUID
    measure_id: UUID
    rejected_by: OfficerAct


@dataclass(frozen=True, slots=True)
class MeasureImposed:
    """A measure is in force."""

    license_id: UUID
    violation_id: UUID
    measure: Measure


@dataclass(frozen=True, slots=True)
class ListMatchRecorded:
    """A restricted-party list names a party of the license, or may do so."""

    license_id: UUID
    match: ListMatch


@dataclass(frozen=True, slots=True)
class ListMatchSettled:
    """Officers found that no entry is the party after all."""

    license_id: UUID
    party_id: str


@dataclass(frozen=True, slots=True)
class LicenseSuspended:
    """Access stops until the license is reinstated. Case and measure are None when a list match stops it."""

    license_id: UUID
    application_id: UUID
    violation_id: UUID | None
    measure_id: UUID | None
    standing_version: int


@dataclass(frozen=True, slots=True)
class LicenseRevoked:
    """Access stops for good."""

    license_id: UUID
    application_id: UUID
    violation_id: UUID
    measure_id: UUID
    standing_version: int


@dataclass(frozen=True, slots=True)
class ReinstatementProposed:
    """An officer wants a suspended license to hold again; another one must confirm."""

    license_id: UUID
    proposed_by: OfficerAct


@dataclass(frozen=True, slots=True)
class LicenseReinstated:
    """The license holds again."""

    license_id: UUID
    application_id: UUID
    proposed_by: OfficerAct
    confirmed_by: OfficerAct
    standing_version: int


@dataclass(frozen=True, slots=True)
class StandingChanged:
    """The whole standing, as every gate shall know it from now on."""

    standing: Standing


CaseEvent = (
    ConductReported
    | FindingProposed
    | FindingConfirmed
    | FindingRejected
    | MeasureProposed
    | MeasureRejected
    | MeasureImposed
)
LicenseEvent = (
    ListMatchRecorded
    | ListMatchSettled
    | LicenseSuspended
    | LicenseRevoked
    | ReinstatementProposed
    | LicenseReinstated
    | StandingChanged
)
Event = LicenseRegistered | CaseEvent | LicenseEvent
