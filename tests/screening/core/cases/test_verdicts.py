"""Verdicts on hits: one officer, two officers for an EXACT hit, and verdicts given elsewhere."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from services.screening.core.cases.standing import standing_of
from services.screening.core.cases.verdicts import NOT_PENDING
from services.screening.core.commands import (
    ApplyPastVerdict,
    Command,
    ConfirmClearing,
    Officer,
)
from services.screening.core.errors import Reason, Refusal
from services.screening.core.events import (
    HitAdjudicated,
    HitClearingProposed,
)
from services.screening.core.evolve import ScreenedApplication, evolve
from services.screening.core.model import Reason as Unjudged
from services.screening.core.model import Strength
from services.screening.core.records import HitState, ScreeningResult
from tests.screening.core.hits import (
    CONFIRMED,
    FALSE,
    RATIONALE,
    act,
    after,
    answer,
    confirm,
    decide,
    hit,
    judge,
    pending,
    reject,
    screened,
    screening,
)

EXACT = hit(strength=Strength.EXACT)


def refused(application: ScreenedApplication | None, command: Command) -> Refusal:
    decided = decide(application, command)
    assert isinstance(decided, Refusal)
    return decided


def test_one_officer_clears_a_hit_that_is_not_exact() -> None:
    application = screened(hit())

    (event,) = decide(application, judge(application, FALSE))  # type: ignore[misc]  # never a refusal

    assert isinstance(event, HitAdjudicated)
    assert (event.party_result, event.party_entry_ids) == (ScreeningResult.FALSE_POSITIVE, ())


def test_an_exact_hit_is_cleared_by_two_different_officers_only() -> None:
    application = screened(EXACT)
    proposed = after(application, judge(application, FALSE, "licensing-1"))

    alone = refused(proposed, confirm(proposed, "licensing-1"))
    cleared = after(proposed, confirm(proposed, "licensing-2"))

    assert proposed.hits[0].state is HitState.CLEARING_PROPOSED
    assert standing_of(proposed, "end-user").result is ScreeningResult.POSSIBLE_MATCH
    assert (alone.reason, alone.metadata) == (
        Reason.SELF_CONFIRMATION,
        {"officerId": "licensing-1"},
    )
    assert cleared.hits[0].state is HitState.FALSE_POSITIVE
    assert [each.officer_id for each in cleared.hits[0].acts] == ["licensing-1", "licensing-2"]


def test_a_strong_hit_is_cleared_by_two_officers_if_the_rules_say_so() -> None:
    strong, weak = hit(strength=Strength.STRONG), hit("SDN-2", Strength.WEAK)
    application = screened(strong, weak)
    rules = frozenset({Strength.EXACT, Strength.STRONG})

    proposed = after(application, judge(application, FALSE, two_officers=rules))
    cleared = after(proposed, confirm(proposed, "licensing-2"))
    one_officer = after(cleared, judge(cleared, FALSE, number=1, two_officers=rules))

    assert proposed.hits[0].state is HitState.CLEARING_PROPOSED
    assert refused(proposed, confirm(proposed, "licensing-1")).reason is Reason.SELF_CONFIRMATION
    assert [each.state for each in one_officer.hits] == [HitState.FALSE_POSITIVE] * 2


def test_a_verdict_does_not_confirm_a_proposal_by_the_way() -> None:
    proposed = after(screened(EXACT), judge(screened(EXACT), FALSE, "licensing-1"))

    refusal = refused(proposed, judge(proposed, FALSE, "licensing-2"))

    assert refusal.reason is Reason.WRONG_STATE
    assert refusal.metadata == {
        "state": "CLEARING_PROPOSED",
        "command": "AdjudicateHit",
        "allowedCommands": "AdjudicateHit,ConfirmClearing,RejectClearing",
    }


def test_a_rejected_proposal_opens_the_hit_again_and_a_new_one_has_another_id() -> None:
    proposed = after(screened(EXACT), judge(screened(EXACT), FALSE, "licensing-1"))
    rejected = after(proposed, reject(proposed, "licensing-2"))
    again = after(rejected, judge(rejected, FALSE, "licensing-1"))

    late = replace(confirm(again, "licensing-2"), clearing_id=pending(proposed))

    assert rejected.hits[0].state is HitState.OPEN
    assert [each.officer_id for each in rejected.hits[0].acts] == ["licensing-1", "licensing-2"]
    assert pending(again) != pending(proposed)
    assert refused(again, late) == NOT_PENDING


def test_the_officer_who_proposed_cannot_reject_the_proposal() -> None:
    proposed = after(screened(EXACT), judge(screened(EXACT), FALSE, "licensing-1"))

    assert refused(proposed, reject(proposed, "licensing-1")).reason is Reason.SELF_CONFIRMATION


def test_an_officer_of_the_partner_answers_no_proposal() -> None:
    proposed = after(screened(EXACT), judge(screened(EXACT), FALSE, "licensing-1"))
    partner = Officer("licensing-2", "example-1")

    for command in (confirm(proposed, "licensing-2"), reject(proposed, "licensing-2")):
        refusal = refused(proposed, replace(command, officer=partner))
        assert refusal.reason is Reason.CONFLICT_OF_INTEREST


def test_without_a_pending_proposal_nothing_is_confirmed_or_rejected() -> None:
    application = screened(EXACT)
    command = ConfirmClearing(
        Officer("licensing-2", None), application.hits[0].hit_id, UUID(int=5), RATIONALE
    )

    refusal = refused(application, command)

    assert (refusal.reason, refusal.metadata["allowedCommands"]) == (
        Reason.WRONG_STATE,
        "AdjudicateHit",
    )


def test_a_proposal_from_before_proposals_had_ids_can_be_confirmed() -> None:
    application = screened(EXACT)
    (event,) = decide(application, judge(application, FALSE, "licensing-1"))  # type: ignore[misc]  # never a refusal
    assert isinstance(event, HitClearingProposed)
    proposed = evolve(application, replace(event, clearing_id=None))

    cleared = after(proposed, confirm(proposed, "licensing-2"))

    assert pending(proposed) == event.clearing_id
    assert cleared.hits[0].state is HitState.FALSE_POSITIVE


@pytest.mark.parametrize("strength", Strength)
def test_one_officer_confirms_whatever_the_strength(strength: Strength) -> None:
    application = screened(hit(strength=strength))

    confirmed = after(application, judge(application, CONFIRMED))

    assert standing_of(confirmed, "end-user").result is ScreeningResult.CONFIRMED_MATCH


def test_an_officer_may_confirm_what_another_held_for_false() -> None:
    proposed = after(screened(EXACT), judge(screened(EXACT), FALSE))

    assert (
        after(proposed, judge(proposed, CONFIRMED, "licensing-2")).hits[0].state
        is HitState.CONFIRMED
    )


def test_an_officer_of_the_partner_judges_nothing() -> None:
    application = screened(hit())

    refusal = refused(application, judge(application, FALSE, affiliation="example-1"))

    assert refusal.reason is Reason.CONFLICT_OF_INTEREST


def test_a_decided_hit_is_not_decided_again() -> None:
    cleared = after(screened(hit()), judge(screened(hit()), FALSE))

    assert refused(cleared, judge(cleared, CONFIRMED)).reason is Reason.WRONG_STATE


@pytest.mark.parametrize(
    "application", [None, screened(hit())], ids=["no application", "another hit"]
)
def test_a_hit_that_is_not_there_is_not_found(application: ScreenedApplication | None) -> None:
    assert (
        refused(application, replace(judge(screened(hit()), FALSE), hit_id=UUID(int=99))).reason
        is Reason.NOT_FOUND
    )


def test_a_party_with_another_open_hit_stays_a_possible_match() -> None:
    application = screened(hit("EL-1"), hit("SDN-2", Strength.WEAK))

    one = after(application, judge(application, FALSE))

    standing = standing_of(one, "end-user")
    assert (standing.result, standing.strength, standing.entry_ids) == (
        ScreeningResult.POSSIBLE_MATCH,
        Strength.WEAK,
        ("SDN-2",),
    )


def test_a_name_that_was_never_judged_is_not_cleared_with_the_hits_of_another() -> None:
    said = screening(answer(hit(), reasons=(Unjudged.NAME_TOO_LONG,)))
    application = evolve(None, said)

    cleared = after(application, judge(application, FALSE))

    standing = standing_of(cleared, "end-user")
    assert (standing.result, standing.undetermined_reason) == (
        ScreeningResult.UNDETERMINED,
        "NAME_TOO_LONG",
    )


def test_a_verdict_given_elsewhere_decides_the_same_pair_here_once() -> None:
    application = screened(EXACT)
    recall = ApplyPastVerdict(application.hits[0].hit_id, UUID(int=77), act("licensing-2"))

    (event,) = decide(application, recall)  # type: ignore[misc]  # never a refusal

    assert isinstance(event, HitAdjudicated)
    assert event.remembered_hit_id == UUID(int=77)
    assert decide(after(application, recall), recall) == ()
