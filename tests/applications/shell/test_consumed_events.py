from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from safeconduct.enforcement.v1 import events_pb2 as enforcement_pb2
from safeconduct.screening.v1 import events_pb2, model_pb2

from services.applications.core.application_details import ShareRange
from services.applications.core.commands import FollowStanding, RevisionCause
from services.applications.core.model import LicenseState
from services.applications.core.screening_findings import PartyUpdate, updated
from services.applications.core.screening_summary import (
    OwnershipCause,
    OwnershipResult,
    OwnershipStep,
)
from services.applications.shell import consumed_events
from tests.applications import builders as b

FINDING = model_pb2.OwnershipFinding(
    party_id="end-user",
    result=model_pb2.OWNERSHIP_RESULT_BLOCKED,
    cause=model_pb2.OWNERSHIP_CAUSE_OWNED_BY_LISTED,
    rule_id="a-rule",
    authority="an authority",
    rule="50 % or more",
    at_least_percent=55,
    at_most_percent=60,
    most_restrictive_owner_id="owner",
    list_codes=["SDN"],
    paths=[
        model_pb2.OwnershipPath(
            steps=[
                model_pb2.OwnershipStep(
                    owner_party_id="owner",
                    owned_party_id="end-user",
                    share=model_pb2.ShareRange(at_least_percent=55, at_most_percent=60),
                )
            ],
            list_codes=["SDN"],
        )
    ],
    explanation="Listed parties own 55 % of end-user.",
)
ASSESSMENT = model_pb2.OwnershipAssessment(
    rules_version="1", assessed_on="2026-11-24", findings=[FINDING]
)


def completed(ownership: model_pb2.OwnershipAssessment | None) -> bytes:
    event = events_pb2.ScreeningCompleted(
        screening_id=str(b.SCREENING_ID), application_id=str(b.APPLICATION_ID), ownership=ownership
    )
    event.screened_at.FromDatetime(datetime(2026, 11, 24, tzinfo=UTC))
    return event.SerializeToString()


def adjudicated(
    ownership: model_pb2.OwnershipAssessment | None,
) -> tuple[UUID, RevisionCause, PartyUpdate]:
    event = events_pb2.HitAdjudicated(
        application_id=str(b.APPLICATION_ID),
        party_id="owner",
        party_result=model_pb2.SCREENING_RESULT_FALSE_POSITIVE,
        verdict=model_pb2.HIT_VERDICT_FALSE_POSITIVE,
        ownership=ownership,
    )
    return consumed_events.hit_adjudicated(event.SerializeToString())


def test_a_finding_comes_with_its_rule_its_owner_and_the_path() -> None:
    _, summary = consumed_events.screening_completed(completed(ASSESSMENT))

    assert summary.ownership is not None
    (found,) = summary.ownership.findings
    assert (found.party_id, found.result, found.cause) == (
        "end-user",
        OwnershipResult.BLOCKED,
        OwnershipCause.OWNED_BY_LISTED,
    )
    assert (found.rule_id, found.most_restrictive_owner_id, found.list_codes) == (
        "a-rule",
        "owner",
        ("SDN",),
    )
    assert found.path == (OwnershipStep("owner", "end-user", ShareRange(55.0, 60.0)),)
    assert (found.at_least_percent, found.at_most_percent, found.explanation) == (
        55.0,
        60.0,
        FINDING.explanation,
    )


def test_a_screening_without_an_ownership_assessment_has_not_assessed_owners() -> None:
    _, summary = consumed_events.screening_completed(completed(None))

    assert summary.ownership is None


@pytest.mark.parametrize("number", [0, 99])
def test_an_ownership_result_that_is_unknown_here_is_a_red_flag(number: int) -> None:
    later = model_pb2.OwnershipAssessment(findings=[FINDING])
    later.findings[0].result = number  # type: ignore[assignment]  # what a later contract may have
    later.findings[0].cause = number  # type: ignore[assignment]  # same

    _, summary = consumed_events.screening_completed(completed(later))

    assert summary.ownership is not None
    (found,) = summary.ownership.findings
    assert (found.result, found.cause) == (OwnershipResult.RED_FLAG, None)


def test_a_verdict_on_an_owner_replaces_the_ownership_assessment() -> None:
    known = b.screening(b.details())
    _, cause, update = adjudicated(ASSESSMENT)

    revised = updated(known, update)

    assert cause is RevisionCause.CLEARED
    assert revised.ownership is not None
    assert [found.rule_id for found in revised.ownership.findings] == ["a-rule"]


def test_a_verdict_without_an_ownership_assessment_keeps_the_known_one() -> None:
    known = b.screening(b.details())

    _, _, update = adjudicated(None)

    assert updated(known, update).ownership == known.ownership


def test_a_list_match_of_an_owner_replaces_the_ownership_assessment() -> None:
    event = events_pb2.PartyListed(
        application_id=str(b.APPLICATION_ID),
        screening_id=str(UUID(int=9)),
        party_id="owner",
        ownership=ASSESSMENT,
    )
    event.listed_at.FromDatetime(datetime(2026, 11, 24, tzinfo=UTC))

    _, _, update = consumed_events.party_listed(event.SerializeToString())
    revised = updated(b.screening(b.details()), update)

    assert revised.ownership is not None
    assert len(revised.ownership.findings) == 1


@pytest.mark.parametrize("written", [0, 3])
def test_a_standing_is_followed_by_the_version_of_the_record_not_by_the_deprecated_field(
    written: int,
) -> None:
    event = enforcement_pb2.LicenseSuspended(
        license_id=str(b.SCREENING_ID),
        application_id=str(b.APPLICATION_ID),
        standing_version=written,
    )

    followed = consumed_events.standing_changed("LicenseSuspended", event.SerializeToString(), 9)

    command = FollowStanding(b.SCREENING_ID, LicenseState.SUSPENDED, 9)
    assert followed == (b.APPLICATION_ID, command)


def test_a_finding_names_the_hits_that_no_officer_has_cleared() -> None:
    states = {
        "open": model_pb2.HIT_STATE_OPEN,
        "proposed": model_pb2.HIT_STATE_CLEARING_PROPOSED,
        "false": model_pb2.HIT_STATE_FALSE_POSITIVE,
        "confirmed": model_pb2.HIT_STATE_CONFIRMED,
    }
    party = model_pb2.PartyScreening(
        party_id="end-user",
        result=model_pb2.SCREENING_RESULT_POSSIBLE_MATCH,
        hits=[model_pb2.Hit(hit_id=hit_id, state=state) for hit_id, state in states.items()],
    )
    event = events_pb2.ScreeningCompleted(
        screening_id=str(b.SCREENING_ID), application_id=str(b.APPLICATION_ID), parties=[party]
    )
    event.screened_at.FromDatetime(datetime(2026, 11, 24, tzinfo=UTC))

    _, summary = consumed_events.screening_completed(event.SerializeToString())

    assert summary.findings[0].open_hit_ids == ("open", "proposed", "confirmed")


def test_verdicts_and_list_matches_name_the_hits_that_are_left() -> None:
    verdict = events_pb2.HitAdjudicated(
        application_id=str(b.APPLICATION_ID), party_id="end-user", party_open_hit_ids=["left"]
    )
    match = events_pb2.PartyListed(
        application_id=str(b.APPLICATION_ID),
        party_id="end-user",
        screening_id=str(b.SCREENING_ID),
        open_hit_ids=["left", "new"],
    )
    match.listed_at.FromDatetime(datetime(2026, 11, 24, tzinfo=UTC))

    _, _, after_verdict = consumed_events.hit_adjudicated(verdict.SerializeToString())
    _, _, after_match = consumed_events.party_listed(match.SerializeToString())

    assert after_verdict.finding.open_hit_ids == ("left",)
    assert after_match.finding.open_hit_ids == ("left", "new")
