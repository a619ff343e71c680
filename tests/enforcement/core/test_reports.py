"""Reporters, kinds of reports, and the case that a report opens or is added to."""

import pytest
from safeconduct.standing import Clause

from services.enforcement.core.credibility import CLAIMS, ReporterRole
from services.enforcement.core.decide import decide
from services.enforcement.core.errors import Reason
from services.enforcement.core.model import Credibility, ReporterKind, ViolationState
from services.enforcement.core.reports import MAX_REPORTS
from tests.enforcement.core.builders import (
    CASE,
    GATE,
    HOLDER,
    NOW,
    REPORTING_OFFICER,
    STRANGER,
    Reporter,
    done,
    issued,
    refused,
    report,
    with_case,
)

REPORTERS = {
    ReporterRole.PARTNER: STRANGER,
    ReporterRole.GATE: GATE,
    ReporterRole.OFFICER: REPORTING_OFFICER,
}
PUBLIC = ReporterKind.PUBLIC


def test_a_first_report_opens_a_case() -> None:
    (case,) = issued(report(case_id=CASE)).violations

    assert (case.violation_id, case.state, case.opened_at) == (CASE, ViolationState.REPORTED, NOW)


def test_reports_about_one_clause_are_added_to_one_case() -> None:
    conduct = issued(report(case_id=CASE), report(reporter=STRANGER, kind=PUBLIC))

    assert [len(case.reports) for case in conduct.violations] == [2]


def test_reports_about_two_clauses_are_two_cases() -> None:
    conduct = issued(report(Clause.OVER_USE), report(Clause.FALSE_STATEMENT))

    assert [case.clause for case in conduct.violations] == [Clause.OVER_USE, Clause.FALSE_STATEMENT]


@pytest.mark.parametrize("state", ViolationState)
def test_a_report_is_added_to_an_open_case_and_opens_a_new_one_beside_a_decided_one(
    state: ViolationState,
) -> None:
    before = with_case(state)
    conduct = done(before, report(reporter=STRANGER, kind=PUBLIC))

    is_open = before.violations[0].is_open
    assert is_open == (state.value not in {"NOT_FOUND", "MEASURED", "CLOSED"})
    assert len(conduct.violations) == (1 if is_open else 2)
    assert conduct.violations[0].state is state


def test_the_same_source_with_nothing_new_counts_once() -> None:
    conduct = issued(report(reporter=STRANGER, kind=PUBLIC))

    assert decide(conduct, report(reporter=STRANGER, kind=PUBLIC), NOW) == ()


def test_many_public_reports_from_one_reporter_stay_of_low_credibility() -> None:
    flood = [report(reporter=STRANGER, kind=PUBLIC, evidence=bytes([n]) * 32) for n in range(20)]

    (case,) = issued(*flood).violations

    assert case.credibility is Credibility.LOW


def test_one_reporter_cannot_make_a_case_grow_without_limit() -> None:
    flood = [
        report(reporter=STRANGER, kind=PUBLIC, evidence=bytes([n]) * 32) for n in range(MAX_REPORTS)
    ]
    conduct = issued(*flood)

    one_more = refused(
        conduct, report(reporter=STRANGER, kind=PUBLIC, evidence=bytes([MAX_REPORTS]) * 32)
    )

    assert one_more.reason == Reason.TOO_MANY_REPORTS
    assert decide(conduct, report(), NOW) != ()
    assert decide(conduct, flood[0], NOW) == ()


def test_two_public_reporters_raise_the_credibility() -> None:
    other = Reporter("partner/example-3", ReporterRole.PARTNER, "example-3")

    (case,) = issued(
        report(reporter=STRANGER, kind=PUBLIC), report(reporter=other, kind=PUBLIC)
    ).violations

    assert case.credibility is Credibility.MEDIUM


@pytest.mark.parametrize(
    ("reporter", "kind"),
    [
        (GATE, ReporterKind.DEVELOPER_TELEMETRY),
        (HOLDER, ReporterKind.SELF_DISCLOSURE),
        (REPORTING_OFFICER, ReporterKind.AUTHORITY),
    ],
)
def test_one_report_of_a_credible_kind_has_high_credibility(
    reporter: Reporter, kind: ReporterKind
) -> None:
    (case,) = issued(report(reporter=reporter, kind=kind)).violations

    assert case.credibility is Credibility.HIGH


@pytest.mark.parametrize(
    ("role", "kind"),
    [(role, kind) for role in ReporterRole for kind in ReporterKind if kind not in CLAIMS[role]],
)
def test_a_kind_that_the_caller_may_not_claim_is_refused_whatever_license(
    role: ReporterRole, kind: ReporterKind
) -> None:
    command = report(reporter=REPORTERS[role], kind=kind)

    for conduct in (None, issued()):
        refusal = refused(conduct, command)
        assert refusal.reason == Reason.REPORTER_KIND_NOT_ALLOWED
        assert refusal.metadata == {"reporterKind": kind}


def test_about_its_own_license_a_partner_discloses() -> None:
    assert (
        refused(issued(), report(reporter=HOLDER, kind=PUBLIC)).reason
        == Reason.REPORTER_KIND_NOT_ALLOWED
    )


@pytest.mark.parametrize(
    ("reporter", "kind"),
    [
        (STRANGER, ReporterKind.SELF_DISCLOSURE),
        (
            Reporter("gate/example-2/g1", ReporterRole.GATE, "example-2"),
            ReporterKind.DEVELOPER_TELEMETRY,
        ),
    ],
)
def test_a_foreign_license_is_answered_as_one_that_does_not_exist(
    reporter: Reporter, kind: ReporterKind
) -> None:
    command = report(reporter=reporter, kind=kind)

    assert refused(issued(), command) == refused(None, command)
    assert refused(None, command).reason == Reason.NOT_VISIBLE


def test_a_partner_reports_in_public_only_on_a_license_whose_id_it_knows() -> None:
    command = report(reporter=STRANGER, kind=PUBLIC)

    assert refused(None, command).reason == Reason.NOT_VISIBLE
    assert len(issued(command).violations) == 1


def test_an_officer_learns_that_a_license_does_not_exist() -> None:
    command = report(reporter=REPORTING_OFFICER, kind=ReporterKind.AUTHORITY)

    assert refused(None, command).reason == Reason.NOT_FOUND
