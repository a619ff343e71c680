"""The words of enforcement as frozen values: reports, cases, measures, the standing of a license. Knows no rule."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class Clause(StrEnum):
    """Clauses of the code of conduct."""

    MILITARY_SURVEILLANCE = "MILITARY_SURVEILLANCE"
    AUTONOMOUS_WEAPONS = "AUTONOMOUS_WEAPONS"
    HUMAN_RIGHTS_VIOLATING_CONTENT = "HUMAN_RIGHTS_VIOLATING_CONTENT"
    POLITICAL_MANIPULATION = "POLITICAL_MANIPULATION"
    RETRANSFER_WITHOUT_AUTHORIZATION = "RETRANSFER_WITHOUT_AUTHORIZATION"
    ACCESS_BY_RESTRICTED_PERSON = "ACCESS_BY_RESTRICTED_PERSON"
    REFUSED_END_USE_CHECK = "REFUSED_END_USE_CHECK"
    FALSE_STATEMENT = "FALSE_STATEMENT"
    OVER_USE = "OVER_USE"


class ReporterKind(StrEnum):
    """As whom a reporter speaks."""

    DEVELOPER_TELEMETRY = "DEVELOPER_TELEMETRY"
    SELF_DISCLOSURE = "SELF_DISCLOSURE"
    AUTHORITY = "AUTHORITY"
    PUBLIC = "PUBLIC"


class Credibility(StrEnum):
    """How far the reports of a case can be believed before it is investigated."""

    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"


class ViolationState(StrEnum):
    """Where a case stands."""

    REPORTED = "REPORTED"
    FINDING_PROPOSED = "FINDING_PROPOSED"
    FOUND = "FOUND"
    NOT_FOUND = "NOT_FOUND"
    MEASURE_PROPOSED = "MEASURE_PROPOSED"
    MEASURED = "MEASURED"
    CLOSED = "CLOSED"


class Severity(StrEnum):
    """How grave a violation is, from least to gravest."""

    MINOR = "MINOR"
    SERIOUS = "SERIOUS"
    CRITICAL = "CRITICAL"


class MeasureKind(StrEnum):
    """What is done about a violation, from mildest to hardest."""

    WARNING = "WARNING"
    SUSPENSION = "SUSPENSION"
    REVOCATION = "REVOCATION"


class StandingState(StrEnum):
    """Whether a license holds right now."""

    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    REVOKED = "REVOKED"


@dataclass(frozen=True, slots=True)
class ConductReport:
    """What somebody reported. The evidence stays with the reporter; only its SHA-256 digests are here."""

    report_id: UUID
    reporter: str
    reporter_kind: ReporterKind
    evidence_digests: tuple[bytes, ...]
    reported_at: datetime


@dataclass(frozen=True, slots=True)
class OfficerAct:
    """Who did something, why and when."""

    officer_id: str
    rationale: str
    acted_at: datetime


@dataclass(frozen=True, slots=True)
class Finding:
    """What an officer found; it counts once another one confirmed it. `severity` is None when nothing was violated."""

    is_violation: bool
    severity: Severity | None
    found_by: OfficerAct
    confirmed_by: OfficerAct | None


@dataclass(frozen=True, slots=True)
class Measure:
    """What is done about a violation. A warning has no `confirmed_by`; the others are in force only with one."""

    measure_id: UUID
    kind: MeasureKind
    imposed_by: OfficerAct
    confirmed_by: OfficerAct | None
    is_in_force: bool


@dataclass(frozen=True, slots=True)
class Violation:
    """A case about one clause of one license."""

    violation_id: UUID
    license_id: UUID
    clause: Clause
    state: ViolationState
    credibility: Credibility
    reports: tuple[ConductReport, ...]
    finding: Finding | None
    measures: tuple[Measure, ...]
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class ListMatch:
    """A restricted-party list names a party of the license, or may do so. screening_id: None by a verdict."""

    party_id: str
    screening_id: UUID | None
    entry_ids: tuple[str, ...]
    list_codes: tuple[str, ...]
    list_version: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """All that a gate needs to decide about one license by itself."""

    license_id: UUID
    partner_id: str
    version: int
    state: StandingState
    model_ids: tuple[str, ...]
    destinations: tuple[str, ...]
    end_uses: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    lease_seconds: int
    license_number: str
    reason: str
    changed_at: datetime
