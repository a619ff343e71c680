from __future__ import annotations

from dataclasses import replace

import pytest

from services.applications.core.commands import Officer, Recommend, RevisionCause
from services.applications.core.decide import decide
from services.applications.core.errors import Reason, Refusal
from services.applications.core.model import Application, ApplicationState, Outcome, RuleEffect
from services.applications.core.screening_summary import PartyFinding, ScreeningResult
from tests.applications import builders as b

HIT = "00000000-0000-0000-0000-0000000000aa"
OTHER_HIT = "00000000-0000-0000-0000-0000000000bb"
OPEN = replace(b.LISTED, open_hit_ids=(HIT,))
REASON = "the entry was deleted by the authority yesterday"


def referred(*findings: PartyFinding, tier: int = 1, signatures: int = 1) -> Application:
    policy = b.outcome(
        RuleEffect.REFER, b.rule(RuleEffect.REFER), tier=tier, countersignatures=signatures
    )
    screening = b.screening(b.details(), *findings)
    command = replace(b.conclude(RuleEffect.REFER), screening=screening, policy=policy)
    return b.after(b.submitted(), command)


def overriding(officer: Officer = b.ONE) -> Recommend:
    return replace(b.recommend(officer), open_hits_override=REASON)


def refused(decided: object) -> Refusal:
    assert isinstance(decided, Refusal)
    return decided


def test_an_approval_is_refused_while_a_hit_is_open_and_the_hit_is_named() -> None:
    refusal = refused(decide(referred(OPEN), b.recommend(), b.NOW))

    assert refusal.reason is Reason.OPEN_HITS
    assert refusal.metadata == {"hitIds": HIT, "hitCount": "1", "partyIds": ""}


def test_a_confirmed_hit_bars_an_approval_as_an_open_one_does() -> None:
    confirmed = replace(OPEN, result=ScreeningResult.CONFIRMED_MATCH)

    refusal = refused(decide(referred(confirmed), b.recommend(), b.NOW))

    assert refusal.reason is Reason.OPEN_HITS


@pytest.mark.parametrize(
    "finding",
    [
        b.LISTED,
        PartyFinding("end-user", ScreeningResult.UNDETERMINED, undetermined_reason="NOT_SCREENED"),
        PartyFinding("end-user", ScreeningResult.UNDETERMINED, undetermined_reason="HITS_OMITTED"),
        PartyFinding("end-user", ScreeningResult.UNDETERMINED),
    ],
)
def test_an_approval_is_refused_if_the_hits_of_a_party_are_not_known(finding: PartyFinding) -> None:
    refusal = refused(decide(referred(finding), b.recommend(), b.NOW))

    assert refusal.reason is Reason.OPEN_HITS
    assert refusal.metadata["partyIds"] == "end-user"


def test_a_party_whose_name_cannot_be_judged_has_no_hit() -> None:
    unreadable = PartyFinding(
        "end-user", ScreeningResult.UNDETERMINED, undetermined_reason="NAME_PLACEHOLDER"
    )

    decided = b.after(referred(unreadable), b.recommend(), b.countersign())

    assert decided.state is ApplicationState.AWAITING_SIGNATURE


def test_a_denial_may_be_recommended_and_confirmed_while_a_hit_is_open() -> None:
    denied = b.after(referred(OPEN), b.recommend(what=Outcome.DENY), b.countersign())

    assert denied.state is ApplicationState.DENIED


def test_an_approval_is_possible_once_the_hit_is_cleared() -> None:
    cleared = b.after(referred(OPEN), b.revise(RevisionCause.CLEARED))

    assert not isinstance(decide(cleared, b.recommend(), b.NOW), Refusal)


def test_an_override_keeps_its_reason_and_the_hits_in_the_decision() -> None:
    decided = b.after(referred(OPEN), overriding(), b.countersign(b.TWO), b.countersign(b.THREE))

    assert decided.decision is not None
    assert decided.decision.recommendation is not None
    override = decided.decision.recommendation.open_hits_override
    assert override is not None
    assert (override.reason, override.hit_ids) == (REASON, (HIT,))


@pytest.mark.parametrize("by_policy", [0, 1, 2])
def test_an_override_asks_for_one_more_countersignature_than_policy(by_policy: int) -> None:
    case = b.after(referred(OPEN, signatures=by_policy), overriding())
    officers = [Officer(f"licensing-{number}", 3) for number in range(10, 12 + max(1, by_policy))]

    for officer in officers[: max(1, by_policy)]:
        case = b.after(case, b.countersign(officer))
        assert case.state is ApplicationState.PENDING_COUNTERSIGN

    assert b.after(case, b.countersign(officers[-1])).state is ApplicationState.AWAITING_SIGNATURE


def test_the_last_countersignature_of_an_override_is_refused_without_the_highest_tier() -> None:
    low, also_low = Officer("licensing-7", 1), Officer("licensing-8", 2)
    case = b.after(referred(OPEN), overriding(), b.countersign(low))

    refusal = refused(decide(case, b.countersign(also_low), b.NOW))

    assert refusal.reason is Reason.CLEARANCE_TOO_LOW
    assert refusal.metadata == {"requiredTier": "3", "officerTier": "2"}
    assert b.after(case, b.countersign(b.TWO)).state is ApplicationState.AWAITING_SIGNATURE


def test_an_override_keeps_four_eyes() -> None:
    case = b.after(referred(OPEN), overriding(), b.countersign(b.TWO))

    for officer in (b.ONE, b.TWO):
        refusal = refused(decide(case, b.countersign(officer), b.NOW))
        assert refusal.reason is Reason.SELF_COUNTERSIGNATURE


def test_an_override_without_an_open_hit_changes_nothing() -> None:
    decided = b.after(referred(), overriding(), b.countersign())

    assert decided.state is ApplicationState.AWAITING_SIGNATURE
    assert decided.decision is not None
    assert decided.decision.recommendation is not None
    assert decided.decision.recommendation.open_hits_override is None


def test_a_recommendation_of_an_earlier_release_is_not_countersigned_while_a_hit_is_open() -> None:
    case = b.after(referred(OPEN), overriding())
    assert case.recommendation is not None
    older = replace(case, recommendation=replace(case.recommendation, open_hits_override=None))

    refusal = refused(decide(older, b.countersign(), b.NOW))

    assert (refusal.reason, refusal.metadata["hitIds"]) == (Reason.OPEN_HITS, HIT)
    assert not isinstance(decide(older, b.reject(), b.NOW), Refusal)


def test_a_hit_that_the_recommendation_does_not_name_bars_the_countersignature() -> None:
    case = b.after(referred(OPEN), overriding())
    assert case.screening is not None
    both = b.screening(b.details(), replace(OPEN, open_hit_ids=(HIT, OTHER_HIT)))

    refusal = refused(decide(replace(case, screening=both), b.countersign(), b.NOW))

    assert (refusal.reason, refusal.metadata["hitIds"]) == (Reason.OPEN_HITS, OTHER_HIT)
