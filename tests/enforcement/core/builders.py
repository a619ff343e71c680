"""Licenses and cases in every state, reached by the commands that lead there."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Final
from uuid import UUID

from services.enforcement.core.commands import (
    Command,
    ImposeMeasure,
    Officer,
    RecordFinding,
    RecordListMatch,
    RegisterLicense,
    Reinstate,
    ReportConduct,
    Reporter,
    SettleListMatch,
)
from services.enforcement.core.credibility import ReporterRole
from services.enforcement.core.decide import decide
from services.enforcement.core.errors import Refusal
from services.enforcement.core.events import Event
from services.enforcement.core.evolve import LicenseConduct, evolve
from services.enforcement.core.model import (
    Clause,
    MeasureKind,
    ReporterKind,
    Severity,
    StandingState,
    ViolationState,
)

NOW: Final = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
LICENSE: Final = UUID("11111111-1111-4111-8111-111111111111")
APPLICATION: Final = UUID("22222222-2222-4222-8222-222222222222")
CASE: Final = UUID("33333333-3333-4333-8333-333333333333")
WHY: Final = "seen in the evidence"

FIRST, SECOND, THIRD, FOURTH = (Officer(f"enforcement-{n}", None) for n in (1, 2, 3, 4))
RELATED: Final = Officer("enforcement-9", "example-1")
HOLDER: Final = Reporter("partner/example-1", ReporterRole.PARTNER, "example-1")
STRANGER: Final = Reporter("partner/example-2", ReporterRole.PARTNER, "example-2")
GATE: Final = Reporter("gate/example-1/g1", ReporterRole.GATE, "example-1")
REPORTING_OFFICER: Final = Reporter("officer/enforcement-1", ReporterRole.OFFICER, None)

_NUMBERS = count(1)


def new_id() -> UUID:
    return UUID(int=next(_NUMBERS) + (4 << 76) + (8 << 60))


def register() -> RegisterLicense:
    return RegisterLicense(
        license_id=LICENSE,
        application_id=APPLICATION,
        partner_id="example-1",
        license_number="SC-2026-000001",
        model_ids=("frontier-1",),
        destinations=("DE", "FR"),
        end_uses=("HEALTHCARE",),
        not_before=NOW,
        not_after=NOW + timedelta(days=365),
        lease_seconds=10,
    )


def report(
    clause: Clause = Clause.MILITARY_SURVEILLANCE,
    reporter: Reporter = GATE,
    kind: ReporterKind = ReporterKind.DEVELOPER_TELEMETRY,
    evidence: bytes = b"\1" * 32,
    case_id: UUID | None = None,
) -> ReportConduct:
    return ReportConduct(reporter, kind, clause, (evidence,), new_id(), case_id or new_id())


def find(
    officer: Officer, case_id: UUID = CASE, severity: Severity | None = Severity.CRITICAL
) -> RecordFinding:
    return RecordFinding(officer, case_id, severity is not None, severity, WHY, is_rejection=False)


def reject_finding(officer: Officer, case_id: UUID = CASE) -> RecordFinding:
    return RecordFinding(
        officer, case_id, is_violation=False, severity=None, rationale=WHY, is_rejection=True
    )


def impose(officer: Officer, kind: MeasureKind, case_id: UUID = CASE) -> ImposeMeasure:
    return ImposeMeasure(officer, case_id, kind, new_id(), WHY, is_rejection=False)


def reject_measure(officer: Officer, kind: MeasureKind, case_id: UUID = CASE) -> ImposeMeasure:
    return ImposeMeasure(officer, case_id, kind, new_id(), WHY, is_rejection=True)


def reinstate(officer: Officer) -> Reinstate:
    return Reinstate(officer, WHY)


def listed(party_id: str = "end-user", *entry_ids: str) -> RecordListMatch:
    return RecordListMatch(party_id, new_id(), entry_ids or ("EL-1",), ("EL",), "US-CSL/2026-11/0")


def settled(party_id: str = "end-user") -> SettleListMatch:
    return SettleListMatch(party_id)


def fold(conduct: LicenseConduct | None, events: tuple[Event, ...]) -> LicenseConduct | None:
    for event in events:
        conduct = evolve(conduct, event)
    return conduct


def done(conduct: LicenseConduct | None, *commands: Command) -> LicenseConduct:
    for command in commands:
        decided = decide(conduct, command, NOW)
        assert not isinstance(decided, Refusal), decided
        conduct = fold(conduct, decided)
    assert conduct is not None
    return conduct


def refused(conduct: LicenseConduct | None, command: Command) -> Refusal:
    decided = decide(conduct, command, NOW)
    assert isinstance(decided, Refusal), decided
    return decided


def issued(*commands: Command) -> LicenseConduct:
    return done(None, register(), *commands)


def found(
    *commands: Command, case_id: UUID = CASE, clause: Clause = Clause.MILITARY_SURVEILLANCE
) -> LicenseConduct:
    return issued(
        report(clause, case_id=case_id), find(FIRST, case_id), find(SECOND, case_id), *commands
    )


def suspended(*commands: Command) -> LicenseConduct:
    """Suspended by the first and the second officer."""
    return found(
        impose(FIRST, MeasureKind.SUSPENSION), impose(SECOND, MeasureKind.SUSPENSION), *commands
    )


def revoked(*commands: Command) -> LicenseConduct:
    return found(
        impose(FIRST, MeasureKind.REVOCATION), impose(SECOND, MeasureKind.REVOCATION), *commands
    )


def with_case(state: ViolationState) -> LicenseConduct:
    """A license whose one case is in this state; on an active license where that is possible."""
    match state:
        case ViolationState.REPORTED:
            return issued(report(case_id=CASE))
        case ViolationState.FINDING_PROPOSED:
            return issued(report(case_id=CASE), find(FIRST))
        case ViolationState.FOUND:
            return found()
        case ViolationState.NOT_FOUND:
            return issued(
                report(case_id=CASE), find(FIRST, severity=None), find(SECOND, severity=None)
            )
        case ViolationState.MEASURE_PROPOSED:
            return found(impose(FIRST, MeasureKind.SUSPENSION))
        case ViolationState.MEASURED:
            return found(impose(FIRST, MeasureKind.WARNING))
        case ViolationState.CLOSED:
            return suspended(reinstate(THIRD), reinstate(FOURTH))


def with_standing(state: StandingState) -> LicenseConduct:
    """A license in this standing, with one more case that was found and not measured."""
    other = new_id()
    more: tuple[Command, ...] = (
        report(Clause.FALSE_STATEMENT, case_id=other),
        find(FIRST, other),
        find(SECOND, other),
    )
    match state:
        case StandingState.ACTIVE:
            return issued(*more)
        case StandingState.SUSPENDED:
            return suspended(*more)
        case StandingState.REVOKED:
            return revoked(*more)
