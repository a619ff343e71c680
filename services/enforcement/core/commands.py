"""What enforcement can be asked to do. Ids of new things come with the command; knows no rule."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.enforcement.core.credibility import ReporterRole
from services.enforcement.core.model import Clause, MeasureKind, ReporterKind, Severity


@dataclass(frozen=True, slots=True)
class Reporter:
    """Who reports: full name, for instance gate/example-1/g1, and the partner it belongs to."""

    name: str
    role: ReporterRole
    partner_id: str | None


@dataclass(frozen=True, slots=True)
class Officer:
    """Who acts. `affiliation` is the partner that the officer belongs to, if any."""

    officer_id: str
    affiliation: str | None


@dataclass(frozen=True, slots=True)
class RegisterLicense:
    """Take up a license that applications issued."""

    license_id: UUID
    application_id: UUID
    partner_id: str
    license_number: str
    model_ids: tuple[str, ...]
    destinations: tuple[str, ...]
    end_uses: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    lease_seconds: int


@dataclass(frozen=True, slots=True)
class ReportConduct:
    """Report conduct. `violation_id` is used only if the report opens a case."""

    reporter: Reporter
    reporter_kind: ReporterKind
    clause: Clause
    evidence_digests: tuple[bytes, ...]
    report_id: UUID
    violation_id: UUID


@dataclass(frozen=True, slots=True)
class RecordFinding:
    """Propose a finding, confirm the pending one by saying the same, or reject it."""

    officer: Officer
    violation_id: UUID
    is_violation: bool
    severity: Severity | None
    rationale: str
    is_rejection: bool


@dataclass(frozen=True, slots=True)
class ImposeMeasure:
    """Warn, propose a suspension or revocation, confirm the pending one by saying the same, or reject it."""

    officer: Officer
    violation_id: UUID
    kind: MeasureKind
    measure_id: UUID
    rationale: str
    is_rejection: bool


@dataclass(frozen=True, slots=True)
class Reinstate:
    """Propose that a suspended license holds again, or confirm another officer's proposal."""

    officer: Officer
    rationale: str


@dataclass(frozen=True, slots=True)
class RecordListMatch:
    """Screening says that a list names a party of the license, or may do so. A fact: never refused for its state."""

    party_id: str
    screening_id: UUID | None
    entry_ids: tuple[str, ...]
    list_codes: tuple[str, ...]
    list_version: str


@dataclass(frozen=True, slots=True)
class SettleListMatch:
    """Officers found that no entry is the party after all. A fact."""

    party_id: str


Command = (
    RegisterLicense
    | ReportConduct
    | RecordFinding
    | ImposeMeasure
    | Reinstate
    | RecordListMatch
    | SettleListMatch
)
