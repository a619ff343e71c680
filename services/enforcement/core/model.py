"""Data types of the enforcement core: reports, cases, measures, and a license as a whole."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from safeconduct.standing import Clause, MeasureKind, Standing

from services.enforcement.core.errors import ImpossibleEventError


class ReporterKind(StrEnum):
    """Kind of reporter, on which the credibility of a report depends."""

    DEVELOPER_TELEMETRY = "DEVELOPER_TELEMETRY"
    SELF_DISCLOSURE = "SELF_DISCLOSURE"
    AUTHORITY = "AUTHORITY"
    PUBLIC = "PUBLIC"


class Credibility(StrEnum):
    """Credibility of the reports on a case before an officer has investigated them."""

    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"


class ViolationState(StrEnum):
    """State of a violation case."""

    REPORTED = "REPORTED"
    FINDING_PROPOSED = "FINDING_PROPOSED"
    FOUND = "FOUND"
    NOT_FOUND = "NOT_FOUND"
    MEASURE_PROPOSED = "MEASURE_PROPOSED"
    MEASURED = "MEASURED"
    CLOSED = "CLOSED"


# Conduct that is reported after a case was decided opens a new case.
_OPEN_STATES: Final = frozenset(
    {
        ViolationState.REPORTED,
        ViolationState.FINDING_PROPOSED,
        ViolationState.FOUND,
        ViolationState.MEASURE_PROPOSED,
    }
)


class Severity(StrEnum):
    """Severity of a violation, ascending."""

    MINOR = "MINOR"
    SERIOUS = "SERIOUS"
    CRITICAL = "CRITICAL"


class LicenseState(StrEnum):
    """State of a license in its lifecycle. Gates see REINSTATEMENT_PROPOSED as SUSPENDED.

    UNREGISTERED: a list match came before the license itself. Only that stream knows the license.
    """

    UNREGISTERED = "UNREGISTERED"
    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    REINSTATEMENT_PROPOSED = "REINSTATEMENT_PROPOSED"
    REVOKED = "REVOKED"


@dataclass(frozen=True, slots=True)
class ConductReport:
    """A report about conduct. The reporter keeps the evidence; only SHA-256 digests are stored."""

    report_id: UUID
    reporter: str
    reporter_kind: ReporterKind
    evidence_digests: tuple[bytes, ...]
    reported_at: datetime


@dataclass(frozen=True, slots=True)
class OfficerAct:
    """An act of one officer with its rationale and time."""

    officer_id: str
    rationale: str
    acted_at: datetime


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding on a case; it has effect once `confirmed_by` is set.

    `severity` is None if nothing was violated.
    """

    finding_id: UUID
    is_violation: bool
    severity: Severity | None
    found_by: OfficerAct
    confirmed_by: OfficerAct | None


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure against a violation.

    A warning has no `confirmed_by`; a suspension or revocation is in force only with one.
    """

    measure_id: UUID
    kind: MeasureKind
    imposed_by: OfficerAct
    confirmed_by: OfficerAct | None
    is_in_force: bool


@dataclass(frozen=True, slots=True)
class Reinstatement:
    """A proposal to reinstate a suspended license, which waits for a second officer."""

    reinstatement_id: UUID
    proposed_by: OfficerAct


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

    @property
    def is_open(self) -> bool:
        """True while reports are added to the case; an open case prevents a reinstatement."""
        return self.state in _OPEN_STATES

    @property
    def pending_finding(self) -> Finding | None:
        """The finding that waits for a second officer."""
        return self.finding if self.state is ViolationState.FINDING_PROPOSED else None

    @property
    def pending_measure(self) -> Measure | None:
        """The measure that waits for a second officer."""
        return self.measures[-1] if self.state is ViolationState.MEASURE_PROPOSED else None

    @property
    def suspension_in_force(self) -> Measure | None:
        """The suspension by which this case stops access now."""
        return next(
            (m for m in self.measures if m.kind is MeasureKind.SUSPENSION and m.is_in_force), None
        )


@dataclass(frozen=True, slots=True)
class ListMatch:
    """A restricted-party list may name a party. `screening_id` is None after a verdict."""

    party_id: str
    screening_id: UUID | None
    entry_ids: tuple[str, ...]
    list_codes: tuple[str, ...]
    list_version: str
    recorded_at: datetime


STATE_SCHEMA: Final = 2
"""Number of the shape of LicenseConduct and of its events (see Stream.schema)."""


@dataclass(frozen=True, slots=True)
class LicenseConduct:
    """One license at the enforcement service: its standing and all cases about it.

    A license and its cases are one stream of events, so a measure and the standing that it changes
    are stored in the same transaction, and every rule about both is local. `version` counts events.

    Before LicenseRegistered only list matches are known: `application_id` is the nil UUID and
    `partner_id` is empty.
    """

    license_id: UUID
    application_id: UUID
    partner_id: str
    version: int
    standing: Standing | None
    """None before the license is registered."""
    violations: tuple[Violation, ...]
    reinstatement: Reinstatement | None
    """The reinstatement that waits for a second officer."""
    list_matches: tuple[ListMatch, ...] = ()
    """One match for each party that a list may name and officers have not settled."""
    is_suspended_by_list: bool = False
    """True if a list match caused the suspension in force, False if a case did.

    Also True before the registration if it will be suspended for a match.
    """

    @property
    def is_registered(self) -> bool:
        """True after LicenseRegistered. To callers any other license is unknown."""
        return bool(self.partner_id)

    @property
    def known_standing(self) -> Standing:
        """The standing. Raises ImpossibleEventError if there is none."""
        if self.standing is None:
            raise ImpossibleEventError(f"license {self.license_id} has no standing")
        return self.standing

    @property
    def state(self) -> LicenseState:
        """The state in the lifecycle."""
        if self.standing is None:
            return LicenseState.UNREGISTERED
        if self.reinstatement is not None:
            return LicenseState.REINSTATEMENT_PROPOSED
        return LicenseState(self.known_standing.state)

    def violation(self, violation_id: UUID) -> Violation | None:
        """Returns the case with this id."""
        return next((case for case in self.violations if case.violation_id == violation_id), None)

    def open_case(self, clause: Clause) -> Violation | None:
        """Returns the open case about this clause, to which a report is added."""
        return next(
            (case for case in self.violations if case.clause is clause and case.is_open), None
        )

    @property
    def suspending_case(self) -> Violation | None:
        """The case whose suspension is in force."""
        return next((case for case in self.violations if case.suspension_in_force), None)
