"""What holds for every history of commands, in any order."""

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.enforcement.core import events as e
from services.enforcement.core.commands import Command, ImposeMeasure, Officer, RecordFinding, Reinstate, ReportConduct
from services.enforcement.core.conduct import BrokenPromiseError, LicenseConduct, evolve
from services.enforcement.core.decide import decide
from services.enforcement.core.ladder import LADDER, usual_measure
from services.enforcement.core.model import Clause, MeasureKind, ReporterKind, Severity, StandingState
from services.enforcement.core.refusal import Refusal
from tests.enforcement.core.builders import (
    FIRST,
    FOURTH,
    GATE,
    HOLDER,
    LICENSE,
    NOW,
    REPORTING_OFFICER,
    SECOND,
    STRANGER,
    THIRD,
    WHY,
    fold,
    issued,
    new_id,
    register,
    report,
    revoked,
    suspended,
)

# Few clauses, cases and officers, so that commands meet.
CASES = tuple(new_id() for _ in range(3))
officers = st.sampled_from([FIRST, SECOND, THIRD, FOURTH, Officer("enforcement-9", "example-1")])
reports = st.builds(
    ReportConduct,
    reporter=st.sampled_from([GATE, HOLDER, STRANGER, REPORTING_OFFICER]),
    reporter_kind=st.sampled_from(ReporterKind),
    clause=st.sampled_from([Clause.MILITARY_SURVEILLANCE, Clause.OVER_USE]),
    evidence_digests=st.tuples(st.binary(min_size=32, max_size=32)),
    report_id=st.builds(new_id),
    violation_id=st.sampled_from(CASES),
)
findings = st.builds(
    RecordFinding,
    officer=officers,
    violation_id=st.sampled_from(CASES),
    is_violation=st.just(value=True),
    severity=st.just(Severity.CRITICAL),
    rationale=st.just(WHY),
    is_rejection=st.sampled_from([False, False, False, True]),
)
impositions = st.builds(
    ImposeMeasure,
    officer=officers,
    violation_id=st.sampled_from(CASES),
    kind=st.sampled_from(MeasureKind),
    measure_id=st.builds(new_id),
    rationale=st.just(WHY),
    is_rejection=st.sampled_from([False, False, False, True]),
)
reinstatements = st.builds(Reinstate, officer=officers, rationale=st.just(WHY))
histories = st.lists(
    st.one_of(st.builds(register), reports, findings, findings, impositions, impositions, reinstatements), max_size=60
)


def run(commands: list[Command]) -> tuple[list[e.Event], list[LicenseConduct]]:
    """All events of the commands that were not refused, and the state after each of those commands."""
    conduct: LicenseConduct | None = None
    events: list[e.Event] = []
    states: list[LicenseConduct] = []
    for number, command in enumerate(commands):
        if isinstance(command, ReportConduct) and conduct is not None and conduct.violation(command.violation_id):
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
def test_the_version_of_a_standing_strictly_grows_with_every_change(commands: list[Command]) -> None:
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
        if isinstance(before, e.LicenseRegistered | e.LicenseSuspended | e.LicenseRevoked | e.LicenseReinstated):
            assert isinstance(after, e.StandingChanged)
        if isinstance(after, e.StandingChanged):
            assert after.standing.reason == "" or isinstance(before, e.LicenseSuspended | e.LicenseRevoked)


@given(histories)
def test_a_license_heard_of_again_changes_nothing(commands: list[Command]) -> None:
    _, states = run([register(), *commands])

    assert all(decide(state, register(), NOW) == () for state in states)


@given(histories)
def test_at_most_one_case_of_a_clause_is_open(commands: list[Command]) -> None:
    _, states = run([register(), *commands])
    open_clauses = [case.clause for case in states[-1].violations if states[-1].open_case(case.clause) == case]

    assert len(open_clauses) == len(set(open_clauses))


def test_a_registered_license_is_active_with_version_1() -> None:
    standing = issued().known_standing

    assert (standing.license_id, standing.state, standing.version) == (LICENSE, StandingState.ACTIVE, 1)
    assert standing.changed_at == NOW


@pytest.mark.parametrize("conduct", [suspended(), revoked()])
def test_a_late_repetition_of_the_issue_never_wakes_a_stopped_license(conduct: LicenseConduct) -> None:
    assert decide(conduct, register(), NOW) == ()


def test_an_event_that_cannot_follow_breaks_a_promise() -> None:
    registered = issued()
    (reported,) = (event for event in run([register(), report()])[0] if isinstance(event, e.ConductReported))

    with pytest.raises(BrokenPromiseError):
        evolve(None, reported)
    with pytest.raises(BrokenPromiseError):
        evolve(registered, e.StandingChanged(registered.known_standing))
    with pytest.raises(BrokenPromiseError):
        evolve(registered, e.LicenseRegistered(LICENSE, LICENSE, "example-1"))


def test_the_ladder_names_a_measure_for_every_clause_and_severity() -> None:
    steps = list(MeasureKind)

    for clause in Clause:
        measures = [steps.index(usual_measure(clause, severity)) for severity in Severity]
        assert measures == sorted(measures), f"a graver violation of {clause} leads to a milder measure"
    assert set(LADDER) == set(Clause)
