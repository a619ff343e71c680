"""Commands of the enforcement service. Ids of new objects are part of the command."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from safeconduct.standing import Clause, EndUse, Grant, MeasureKind

from services.enforcement.core.credibility import ReporterRole
from services.enforcement.core.model import ReporterKind, Severity


@dataclass(frozen=True, slots=True)
class Reporter:
    """A caller who reports conduct: full name, for example gate/example-1/g1, role and partner."""

    name: str
    role: ReporterRole
    partner_id: str | None


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
class RegisterLicense:
    """Register a license that the applications service issued."""

    license_id: UUID
    application_id: UUID
    partner_id: str
    license_number: str
    grants: frozenset[Grant]
    destinations: frozenset[str]
    end_uses: frozenset[EndUse]
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
class ProposeFinding:
    """Propose a finding. `severity` is None if nothing was violated."""

    officer: Officer
    violation_id: UUID
    finding_id: UUID
    is_violation: bool
    severity: Severity | None
    rationale: str


@dataclass(frozen=True, slots=True)
class ConfirmFinding:
    """Confirm the pending finding that the officer read."""

    officer: Officer
    violation_id: UUID
    finding_id: UUID
    rationale: str


@dataclass(frozen=True, slots=True)
class RejectFinding:
    """Reject the pending finding that the officer read."""

    officer: Officer
    violation_id: UUID
    finding_id: UUID
    rationale: str


@dataclass(frozen=True, slots=True)
class ImposeWarning:
    """Issue a warning, which needs one officer only."""

    officer: Officer
    violation_id: UUID
    measure_id: UUID
    rationale: str


@dataclass(frozen=True, slots=True)
class ProposeMeasure:
    """Propose a suspension or a revocation, never a warning."""

    officer: Officer
    violation_id: UUID
    measure_id: UUID
    kind: MeasureKind
    rationale: str


@dataclass(frozen=True, slots=True)
class ConfirmMeasure:
    """Confirm the pending measure that the officer read."""

    officer: Officer
    violation_id: UUID
    measure_id: UUID
    rationale: str


@dataclass(frozen=True, slots=True)
class RejectMeasure:
    """Reject the pending measure that the officer read."""

    officer: Officer
    violation_id: UUID
    measure_id: UUID
    rationale: str


@dataclass(frozen=True, slots=True)
class ProposeReinstatement:
    """Propose to reinstate a suspended license."""

    officer: Officer
    reinstatement_id: UUID
    rationale: str


@dataclass(frozen=True, slots=True)
class ConfirmReinstatement:
    """Confirm the pending reinstatement that the officer read."""

    officer: Officer
    reinstatement_id: UUID
    rationale: str


@dataclass(frozen=True, slots=True)
class RejectReinstatement:
    """Reject the pending reinstatement that the officer read."""

    officer: Officer
    reinstatement_id: UUID
    rationale: str


@dataclass(frozen=True, slots=True)
class RecordListMatch:
    """Record that entries of a restricted-party list may be a party of the license.

    Screening published it as a fact, so no state of the license refuses it. The license need not be
    registered yet.
    """

    license_id: UUID
    party_id: str
    screening_id: UUID
    entry_ids: tuple[str, ...]
    list_codes: tuple[str, ...]
    list_version: str


@dataclass(frozen=True, slots=True)
class FollowHitVerdict:
    """Follow the verdict of officers on one hit on a party of the license.

    `open_entry_ids` are the entries that may be, or are, the party after the verdict. The license
    need not be registered yet.
    """

    license_id: UUID
    party_id: str
    is_false_positive: bool
    open_entry_ids: tuple[str, ...]
    list_codes: tuple[str, ...]


FindingCommand = ProposeFinding | ConfirmFinding | RejectFinding
MeasureCommand = ImposeWarning | ProposeMeasure | ConfirmMeasure | RejectMeasure
CaseCommand = FindingCommand | MeasureCommand
ReinstatementCommand = ProposeReinstatement | ConfirmReinstatement | RejectReinstatement
OfficerCommand = CaseCommand | ReinstatementCommand
Command = RegisterLicense | ReportConduct | OfficerCommand | RecordListMatch | FollowHitVerdict
