"""Licenses and cases in every state, reached by the commands that lead there."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Final
from uuid import UUID

from safeconduct.standing import AccessMode, Clause, EndUse, Grant, MeasureKind

from services.enforcement.core.commands import (
    Command,
    ConfirmFinding,
    ConfirmMeasure,
    ConfirmReinstatement,
    FollowHitVerdict,
    ImposeWarning,
    Officer,
    ProposeFinding,
    ProposeMeasure,
    ProposeReinstatement,
    RecordListMatch,
    RegisterLicense,
    RejectFinding,
    RejectMeasure,
    RejectReinstatement,
    ReportConduct,
    Reporter,
)
from services.enforcement.core.credibility import ReporterRole
from services.enforcement.core.decide import decide
from services.enforcement.core.errors import Refusal
from services.enforcement.core.events import Event
from services.enforcement.core.evolve import evolve
from services.enforcement.core.model import (
    LicenseConduct,
    LicenseState,
    ReporterKind,
    Severity,
    ViolationState,
)

NOW: Final = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
LICENSE: Final = UUID("11111111-1111-4111-8111-111111111111")
APPLICATION: Final = UUID("22222222-2222-4222-8222-222222222222")
CASE: Final = UUID("33333333-3333-4333-8333-333333333333")
WHY: Final = "seen in the evidence"

FINDING: Final = UUID("44444444-4444-4444-8444-444444444444")
MEASURE: Final = UUID("55555555-5555-4555-8555-555555555555")
REINSTATEMENT: Final = UUID("66666666-6666-4666-8666-666666666666")
FIRST, SECOND, THIRD, FOURTH = (Officer(f"enforcement-{n}", 3) for n in (1, 2, 3, 4))
AFFILIATED: Final = Officer("enforcement-9", 3, "example-1")
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
        grants=frozenset(
            {
                Grant("frontier-1", AccessMode.HOSTED_ACCESS),
                Grant("frontier-1", AccessMode.TOOL),
            }
        ),
        destinations=frozenset({"DE", "FR"}),
        end_uses=frozenset({EndUse.HEALTHCARE}),
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


def propose_finding(
    officer: Officer,
    case_id: UUID = CASE,
    severity: Severity | None = Severity.CRITICAL,
    finding_id: UUID = FINDING,
) -> ProposeFinding:
    return ProposeFinding(officer, case_id, finding_id, severity is not None, severity, WHY)


def confirm_finding(
    officer: Officer, case_id: UUID = CASE, finding_id: UUID = FINDING
) -> ConfirmFinding:
    return ConfirmFinding(officer, case_id, finding_id, WHY)


def reject_finding(
    officer: Officer, case_id: UUID = CASE, finding_id: UUID = FINDING
) -> RejectFinding:
    return RejectFinding(officer, case_id, finding_id, WHY)


def warn(officer: Officer, case_id: UUID = CASE) -> ImposeWarning:
    return ImposeWarning(officer, case_id, new_id(), WHY)


def propose_measure(
    officer: Officer, kind: MeasureKind, case_id: UUID = CASE, measure_id: UUID = MEASURE
) -> ProposeMeasure:
    return ProposeMeasure(officer, case_id, measure_id, kind, WHY)


def confirm_measure(
    officer: Officer, case_id: UUID = CASE, measure_id: UUID = MEASURE
) -> ConfirmMeasure:
    return ConfirmMeasure(officer, case_id, measure_id, WHY)


def reject_measure(
    officer: Officer, case_id: UUID = CASE, measure_id: UUID = MEASURE
) -> RejectMeasure:
    return RejectMeasure(officer, case_id, measure_id, WHY)


def propose_reinstatement(
    officer: Officer, reinstatement_id: UUID = REINSTATEMENT
) -> ProposeReinstatement:
    return ProposeReinstatement(officer, reinstatement_id, WHY)


def confirm_reinstatement(
    officer: Officer, reinstatement_id: UUID = REINSTATEMENT
) -> ConfirmReinstatement:
    return ConfirmReinstatement(officer, reinstatement_id, WHY)


def reject_reinstatement(
    officer: Officer, reinstatement_id: UUID = REINSTATEMENT
) -> RejectReinstatement:
    return RejectReinstatement(officer, reinstatement_id, WHY)


def agree_on_finding(
    case_id: UUID = CASE, severity: Severity | None = Severity.CRITICAL
) -> tuple[Command, ...]:
    """The first officer proposes a finding and the second one confirms it."""
    return propose_finding(FIRST, case_id, severity), confirm_finding(SECOND, case_id)


def agree_on_measure(
    kind: MeasureKind, case_id: UUID = CASE, measure_id: UUID = MEASURE
) -> tuple[Command, ...]:
    """The first officer proposes a measure and the second one confirms it."""
    return (
        propose_measure(FIRST, kind, case_id, measure_id),
        confirm_measure(SECOND, case_id, measure_id),
    )


def agree_on_reinstatement() -> tuple[Command, ...]:
    """The third officer proposes the reinstatement and the fourth one confirms it."""
    return propose_reinstatement(THIRD), confirm_reinstatement(FOURTH)


def listed(party_id: str = "end-user", *entry_ids: str) -> RecordListMatch:
    return RecordListMatch(
        LICENSE, party_id, new_id(), entry_ids or ("EL-1",), ("EL",), "US-CSL/2026-11/0"
    )


def cleared(party_id: str = "end-user", *open_entry_ids: str) -> FollowHitVerdict:
    """A verdict that a hit is a false positive, which leaves these entries open."""
    return FollowHitVerdict(LICENSE, party_id, True, open_entry_ids, ("EL",))


def confirmed_hit(party_id: str = "end-user", *open_entry_ids: str) -> FollowHitVerdict:
    """A verdict that a hit is the party."""
    return FollowHitVerdict(LICENSE, party_id, False, open_entry_ids or ("EL-1",), ("EL",))


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
    return issued(report(clause, case_id=case_id), *agree_on_finding(case_id), *commands)


def suspended(*commands: Command) -> LicenseConduct:
    """Suspended by the first and the second officer."""
    return found(*agree_on_measure(MeasureKind.SUSPENSION), *commands)


def revoked(*commands: Command) -> LicenseConduct:
    return found(*agree_on_measure(MeasureKind.REVOCATION), *commands)


def with_case(state: ViolationState) -> LicenseConduct:
    """A license whose one case is in this state; on an active license where that is possible."""
    match state:
        case ViolationState.REPORTED:
            return issued(report(case_id=CASE))
        case ViolationState.FINDING_PROPOSED:
            return issued(report(case_id=CASE), propose_finding(FIRST))
        case ViolationState.FOUND:
            return found()
        case ViolationState.NOT_FOUND:
            return issued(report(case_id=CASE), *agree_on_finding(severity=None))
        case ViolationState.MEASURE_PROPOSED:
            return found(propose_measure(FIRST, MeasureKind.SUSPENSION))
        case ViolationState.MEASURED:
            return found(warn(FIRST))
        case ViolationState.CLOSED:
            return suspended(*agree_on_reinstatement())


def with_license(state: LicenseState) -> LicenseConduct:
    """A license in this state, with one more case that has a finding and no measure."""
    other = new_id()
    more: tuple[Command, ...] = (
        report(Clause.FALSE_STATEMENT, case_id=other),
        *agree_on_finding(other),
    )
    match state:
        case LicenseState.UNREGISTERED:
            return done(None, listed())
        case LicenseState.ACTIVE:
            return issued(*more)
        case LicenseState.SUSPENDED:
            return suspended(*more)
        case LicenseState.REINSTATEMENT_PROPOSED:
            return suspended(propose_reinstatement(THIRD), *more)
        case LicenseState.REVOKED:
            return revoked(*more)
