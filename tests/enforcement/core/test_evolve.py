"""Properties of every history of commands, in any order."""

from datetime import timedelta
from itertools import pairwise
from typing import get_args
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safeconduct.standing import Clause, MeasureKind, StandingState

from services.enforcement.core import events as e
from services.enforcement.core.commands import Command, Officer, ReportConduct
from services.enforcement.core.decide import decide
from services.enforcement.core.errors import ImpossibleEventError, Refusal
from services.enforcement.core.evolve import evolve
from services.enforcement.core.model import LicenseConduct, ReporterKind, Severity
from services.enforcement.core.usual_measures import USUAL_MEASURES, usual_measure
from tests.enforcement.core.builders import (
    AFFILIATED,
    FIRST,
    FOURTH,
    GATE,
    HOLDER,
    LICENSE,
    MEASURE,
    NOW,
    REPORTING_OFFICER,
    SECOND,
    STRANGER,
    THIRD,
    agree_on_finding,
    agree_on_measure,
    cleared,
    confirm_finding,
    confirm_measure,
    confirm_reinstatement,
    fold,
    issued,
    listed,
    new_id,
    propose_finding,
    propose_measure,
    propose_reinstatement,
    register,
    reject_finding,
    reject_measure,
    reject_reinstatement,
    report,
    revoked,
    suspended,
    warn,
)

# Few clauses, cases and officers, and acts mostly in pairs, so that commands concern the same case
# and distant states are reached.
CASES = tuple(new_id() for _ in range(2))
OFFICERS: tuple[Officer, ...] = (FIRST, SECOND, THIRD, FOURTH, AFFILIATED)
officers = st.sampled_from(OFFICERS)
pairs = st.lists(officers, min_size=1, max_size=2, unique=True)
cases = st.sampled_from(CASES)


@st.composite
def reports(draw: st.DrawFn) -> list[Command]:
    number = draw(st.integers(0, len(CASES) - 1))
    reporter, kind = draw(
        st.sampled_from(
            [
                (GATE, ReporterKind.DEVELOPER_TELEMETRY),
                (HOLDER, ReporterKind.SELF_DISCLOSURE),
                (STRANGER, ReporterKind.PUBLIC),
                (STRANGER, ReporterKind.SELF_DISCLOSURE),
                (REPORTING_OFFICER, ReporterKind.AUTHORITY),
            ]
        )
    )
    clause = (Clause.MILITARY_SURVEILLANCE, Clause.OVER_USE)[number]
    return [
        report(clause, reporter, kind, draw(st.binary(min_size=32, max_size=32)), CASES[number])
    ]


@st.composite
def findings(draw: st.DrawFn) -> list[Command]:
    case_id = draw(cases)
    severity = draw(st.sampled_from([Severity.CRITICAL, Severity.CRITICAL, None]))
    proposer, *confirmer = draw(pairs)
    return [
        propose_finding(proposer, case_id, severity),
        *(confirm_finding(officer, case_id) for officer in confirmer),
    ]


def measures(officers: list[Officer], kind: MeasureKind, case_id: UUID) -> list[Command]:
    proposer, *confirmer = officers
    if kind is MeasureKind.WARNING:
        return [warn(proposer, case_id)]
    measure_id = new_id()
    return [
        propose_measure(proposer, kind, case_id, measure_id),
        *(confirm_measure(officer, case_id, measure_id) for officer in confirmer),
    ]


@st.composite
def impositions(draw: st.DrawFn) -> list[Command]:
    return measures(draw(pairs), draw(st.sampled_from(MeasureKind)), draw(cases))


@st.composite
def rejections(draw: st.DrawFn) -> list[Command]:
    proposer, other, case_id = draw(officers), draw(officers), draw(cases)
    return draw(
        st.sampled_from(
            [
                [reject_finding(other, case_id)],
                [
                    propose_measure(proposer, MeasureKind.REVOCATION, case_id),
                    reject_measure(other, case_id, MEASURE),
                ],
                [propose_reinstatement(proposer), reject_reinstatement(other)],
            ]
        )
    )


@st.composite
def judgements(draw: st.DrawFn) -> list[Command]:
    """A case from report to measure."""
    number = draw(st.integers(0, 1))
    case_id, clause = CASES[number], (Clause.MILITARY_SURVEILLANCE, Clause.OVER_USE)[number]
    return [
        report(clause, case_id=case_id),
        *agree_on_finding(case_id),
        *measures(draw(pairs), draw(st.sampled_from(MeasureKind)), case_id),
    ]


@st.composite
def reinstatements(draw: st.DrawFn) -> list[Command]:
    proposer, *confirmer = draw(pairs)
    return [
        propose_reinstatement(proposer),
        *(confirm_reinstatement(officer) for officer in confirmer),
    ]


parties = st.sampled_from(("end-user", "deployer"))
listings = st.builds(
    lambda party, is_cleared: [listed(party), *([cleared(party)] * is_cleared)],
    parties,
    st.booleans(),
)
acts = st.one_of(
    st.just([register()]),
    judgements(),
    reports(),
    findings(),
    impositions(),
    rejections(),
    reinstatements(),
    listings,
)
FOUND: list[Command] = [report(case_id=CASES[0]), *agree_on_finding(CASES[0])]
STOPPED = {
    kind: [*FOUND, *agree_on_measure(kind, CASES[0])]
    for kind in (MeasureKind.SUSPENSION, MeasureKind.REVOCATION)
}
RETURNING = [*STOPPED[MeasureKind.SUSPENSION], propose_reinstatement(THIRD)]
REJECTED = [*FOUND[:2], reject_finding(SECOND, CASES[0])]
beginnings = st.sampled_from(
    [
        [],
        FOUND[:2],
        REJECTED,
        FOUND,
        *STOPPED.values(),
        RETURNING,
        [*RETURNING, confirm_reinstatement(FOURTH)],
        [*RETURNING, reject_reinstatement(FOURTH)],
    ]
)
histories = st.builds(
    lambda beginning, middle: [*beginning, *(command for act in middle for command in act)],
    beginnings,
    st.lists(acts, min_size=1, max_size=20),
)


def run(commands: list[Command]) -> tuple[list[e.Event], list[LicenseConduct]]:
    """Returns the events of commands that were not refused, and the state after each of them."""
    conduct: LicenseConduct | None = None
    events: list[e.Event] = []
    states: list[LicenseConduct] = []
    for number, command in enumerate(commands):
        if (
            isinstance(command, ReportConduct)
            and conduct is not None
            and conduct.violation(command.violation_id)
        ):
            command = ReportConduct(  # noqa: PLW2901 - the shell never gives an id twice
                command.reporter,
                command.reporter_kind,
                command.clause,
                command.evidence_digests,
                command.report_id,
                new_id(),
            )
        decided = decide(conduct, command, NOW + timedelta(seconds=number))
        if isinstance(decided, Refusal) or not decided:
            continue
        conduct = fold(conduct, decided)
        assert conduct is not None
        events += decided
        states.append(conduct)
    return events, states


@given(histories)
def test_a_license_is_the_fold_of_its_events(commands: list[Command]) -> None:
    events, states = run([register(), *commands])

    assert fold(None, tuple(events)) == states[-1]
    assert states[-1].version == len(events)


@given(histories)
def test_the_version_of_a_standing_strictly_grows_with_every_change(
    commands: list[Command],
) -> None:
    events, states = run([register(), *commands])
    changes = [event.standing for event in events if isinstance(event, e.StandingChanged)]

    assert [standing.version for standing in changes] == list(range(1, len(changes) + 1))
    assert states[-1].known_standing == changes[-1]


@given(histories)
def test_a_revoked_license_never_returns_to_active(commands: list[Command]) -> None:
    _, states = run([register(), *commands])

    for before, after in pairwise(states):
        if before.known_standing.state is StandingState.REVOKED:
            assert after.known_standing == before.known_standing


@given(histories)
def test_access_never_stops_or_returns_without_two_officers(commands: list[Command]) -> None:
    events, _ = run([register(), *commands])

    for event in events:
        match event:
            case e.MeasureImposed(measure=measure) if measure.kind is not MeasureKind.WARNING:
                assert measure.confirmed_by is not None
                assert measure.confirmed_by.officer_id != measure.imposed_by.officer_id
            case e.LicenseReinstated():
                assert event.proposed_by.officer_id != event.confirmed_by.officer_id


@given(histories)
def test_a_standing_changes_with_its_cause_in_the_same_decision(commands: list[Command]) -> None:
    events, _ = run([register(), *commands])

    for before, after in pairwise(events):
        if isinstance(
            before,
            e.LicenseRegistered | e.LicenseSuspended | e.LicenseRevoked | e.LicenseReinstated,
        ):
            assert isinstance(after, e.StandingChanged)
        if isinstance(after, e.StandingChanged):
            assert (after.standing.cause is not None) == isinstance(
                before, e.LicenseSuspended | e.LicenseRevoked
            )


@given(histories)
def test_the_events_of_a_decision_agree_on_version_and_time(commands: list[Command]) -> None:
    events, _ = run([register(), *commands])
    imposed_at = None

    for before, after in pairwise(events):
        if isinstance(before, e.MeasureImposed):
            imposed_at = (before.measure.confirmed_by or before.measure.imposed_by).acted_at
        if not isinstance(after, e.StandingChanged):
            continue
        changed = after.standing
        match before:
            case e.LicenseSuspended(measure_id=None) | e.LicenseRegistered():
                pass
            case e.LicenseSuspended() | e.LicenseRevoked():
                assert (before.standing_version, imposed_at) == (
                    changed.version,
                    changed.changed_at,
                )
            case e.LicenseReinstated():
                assert (before.standing_version, before.confirmed_by.acted_at) == (
                    changed.version,
                    changed.changed_at,
                )


@given(histories)
def test_a_license_that_is_issued_again_changes_nothing(commands: list[Command]) -> None:
    _, states = run([register(), *commands])

    assert all(decide(state, register(), NOW) == () for state in states)


@given(histories)
def test_at_most_one_case_of_a_clause_is_open(commands: list[Command]) -> None:
    _, states = run([register(), *commands])
    open_clauses = [
        case.clause for case in states[-1].violations if states[-1].open_case(case.clause) == case
    ]

    assert len(open_clauses) == len(set(open_clauses))


def test_the_histories_reach_every_event() -> None:
    seen: set[str] = set()

    @settings(max_examples=500, derandomize=True, database=None)
    @given(histories)
    def reach(commands: list[Command]) -> None:
        seen.update(type(event).__name__ for event in run([register(), *commands])[0])

    reach()

    assert seen == {kind.__name__ for kind in get_args(e.Event)}


def test_a_registered_license_is_active_with_version_1() -> None:
    standing = issued().known_standing

    assert (standing.license_id, standing.state, standing.version) == (
        str(LICENSE),
        StandingState.ACTIVE,
        1,
    )
    assert standing.changed_at == NOW


@pytest.mark.parametrize("conduct", [suspended(), revoked()])
def test_a_late_repetition_of_the_issue_never_reactivates_a_stopped_license(
    conduct: LicenseConduct,
) -> None:
    assert decide(conduct, register(), NOW) == ()


def test_an_event_that_cannot_follow_is_impossible() -> None:
    registered = issued()
    (reported,) = (
        event for event in run([register(), report()])[0] if isinstance(event, e.ConductReported)
    )

    with pytest.raises(ImpossibleEventError):
        evolve(None, reported)
    with pytest.raises(ImpossibleEventError):
        evolve(registered, e.StandingChanged(registered.known_standing))
    with pytest.raises(ImpossibleEventError):
        evolve(registered, e.LicenseRegistered(LICENSE, LICENSE, "example-1"))


def test_there_is_a_usual_measure_for_every_clause_and_severity() -> None:
    steps = list(MeasureKind)

    for clause in Clause:
        measures = [steps.index(usual_measure(clause, severity)) for severity in Severity]
        assert measures == sorted(measures), (
            f"a graver violation of {clause} leads to a milder measure"
        )
    assert set(USUAL_MEASURES) == set(Clause)
