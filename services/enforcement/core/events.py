"""Events of a license and its cases, with the names and fields of enforcement.v1."""

from dataclasses import dataclass
from uuid import UUID

from safeconduct.standing import Clause, Standing

from services.enforcement.core.model import ConductReport, Finding, ListMatch, Measure, OfficerAct


@dataclass(frozen=True, slots=True)
class LicenseRegistered:
    """A license that the applications service issued was registered."""

    license_id: UUID
    application_id: UUID
    partner_id: str


@dataclass(frozen=True, slots=True)
class ConductReported:
    """A conduct report was accepted. It opened a case or was added to an open one."""

    license_id: UUID
    violation_id: UUID
    clause: Clause
    report: ConductReport


@dataclass(frozen=True, slots=True)
class FindingProposed:
    """An officer proposed a finding; a second officer must answer."""

    license_id: UUID
    violation_id: UUID
    finding: Finding


@dataclass(frozen=True, slots=True)
class FindingConfirmed:
    """A second officer confirmed the finding.

    `finding_id` is None in events stored before findings had ids.
    """

    license_id: UUID
    violation_id: UUID
    confirmed_by: OfficerAct
    finding_id: UUID | None


@dataclass(frozen=True, slots=True)
class FindingRejected:
    """A second officer rejected the finding; the case is REPORTED again.

    `finding_id` is None in events stored before findings had ids.
    """

    license_id: UUID
    violation_id: UUID
    rejected_by: OfficerAct
    finding_id: UUID | None


@dataclass(frozen=True, slots=True)
class MeasureProposed:
    """An officer proposed a suspension or revocation; a second officer must answer."""

    license_id: UUID
    violation_id: UUID
    measure: Measure


@dataclass(frozen=True, slots=True)
class MeasureRejected:
    """A second officer rejected the measure."""

    license_id: UUID
    violation_id: UUID
    measure_id: UUID
    rejected_by: OfficerAct


@dataclass(frozen=True, slots=True)
class MeasureImposed:
    """A measure came into force."""

    license_id: UUID
    violation_id: UUID
    measure: Measure


@dataclass(frozen=True, slots=True)
class ListMatchRecorded:
    """A restricted-party list may name a party of the license."""

    license_id: UUID
    match: ListMatch


@dataclass(frozen=True, slots=True)
class ListMatchSettled:
    """Officers adjudicated every hit on the party as a false positive."""

    license_id: UUID
    party_id: str


@dataclass(frozen=True, slots=True)
class LicenseSuspended:
    """The license was suspended. Case and measure are None if a list match suspended it."""

    license_id: UUID
    application_id: UUID
    violation_id: UUID | None
    measure_id: UUID | None
    standing_version: int


@dataclass(frozen=True, slots=True)
class LicenseRevoked:
    """The license was revoked, which is final."""

    license_id: UUID
    application_id: UUID
    violation_id: UUID
    measure_id: UUID
    standing_version: int


@dataclass(frozen=True, slots=True)
class ReinstatementProposed:
    """An officer proposed to reinstate a suspended license; a second officer must answer."""

    license_id: UUID
    proposed_by: OfficerAct
    reinstatement_id: UUID


@dataclass(frozen=True, slots=True)
class ReinstatementRejected:
    """A second officer rejected the reinstatement; the license stays suspended."""

    license_id: UUID
    reinstatement_id: UUID
    rejected_by: OfficerAct


@dataclass(frozen=True, slots=True)
class LicenseReinstated:
    """A second officer confirmed the reinstatement; the license is ACTIVE again."""

    license_id: UUID
    application_id: UUID
    proposed_by: OfficerAct
    confirmed_by: OfficerAct
    standing_version: int
    reinstatement_id: UUID


@dataclass(frozen=True, slots=True)
class StandingChanged:
    """The standing changed; `standing` is complete."""

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
    | ReinstatementRejected
    | LicenseReinstated
    | StandingChanged
)
Event = LicenseRegistered | CaseEvent | LicenseEvent
