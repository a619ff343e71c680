"""A withdrawn verdict: the hit is open again, here and where the verdict was applied."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from services.screening.core.cases.standing import standing_of
from services.screening.core.cases.withdrawal import NOT_IN_FORCE
from services.screening.core.commands import (
    ApplyPastVerdict,
    Command,
    CompleteScreening,
    EndMonitoring,
    MonitorLicense,
    Officer,
    ReopenHit,
    Rescreen,
)
from services.screening.core.errors import Reason, Refusal
from services.screening.core.events import Event, PartyListed, VerdictWithdrawn
from services.screening.core.evolve import ScreenedApplication
from services.screening.core.records import HitState, HitVerdict, ScreeningResult
from tests.screening.core.hits import (
    CONFIRMED,
    FALSE,
    FIRST,
    LATER,
    LICENSE,
    PAST,
    USER,
    act,
    after,
    answer,
    decide,
    hit,
    judge,
    screened,
    screening,
    withdraw,
)

WITHDRAWAL = act("licensing-3")


def cleared() -> ScreenedApplication:
    application = screened(hit())
    return after(application, judge(application, FALSE))


def remembered() -> ScreenedApplication:
    """An application whose hit was cleared when it was found, because of the hit PAST."""
    return after(
        None, CompleteScreening(screening(answer(hit()), false={(USER.content, "a"): PAST}))
    )


def events(application: ScreenedApplication, command: Command) -> tuple[Event, ...]:
    decided = decide(application, command)
    assert not isinstance(decided, Refusal)
    return decided


def refused(application: ScreenedApplication | None, command: Command) -> Refusal:
    decided = decide(application, command)
    assert isinstance(decided, Refusal)
    return decided


def test_a_withdrawn_verdict_opens_the_hit_again_and_says_who_withdrew_it_and_why() -> None:
    application = cleared()

    _, withdrawn = events(application, withdraw(application))
    reopened = after(application, withdraw(application))

    assert isinstance(withdrawn, VerdictWithdrawn)
    assert (withdrawn.verdict, withdrawn.withdrawn_by) == (
        HitVerdict.FALSE_POSITIVE,
        WITHDRAWAL,
    )
    assert reopened.hits[0].state is HitState.OPEN
    assert [each.officer_id for each in reopened.hits[0].acts] == ["licensing-1", "licensing-3"]
    assert standing_of(reopened, "end-user").result is ScreeningResult.POSSIBLE_MATCH


def test_consumers_hear_of_a_reopened_hit_as_of_a_list_match() -> None:
    application = after(cleared(), MonitorLicense(LICENSE, FIRST))

    listed, _ = events(application, withdraw(application))

    assert isinstance(listed, PartyListed)
    assert (listed.license_id, listed.entry_ids, listed.new_entry_ids) == (
        LICENSE,
        ("EL-1",),
        ("EL-1",),
    )
    assert listed.open_hit_ids == (application.hits[0].hit_id,)
    assert listed.screening_id != application.latest.screening_id


def test_a_confirmed_hit_is_open_again_after_its_verdict_was_withdrawn() -> None:
    application = screened(hit())
    confirmed = after(application, judge(application, CONFIRMED))

    reopened = after(confirmed, withdraw(confirmed))

    assert reopened.hits[0].state is HitState.OPEN
    assert after(reopened, judge(reopened, FALSE)).hits[0].state is HitState.FALSE_POSITIVE


def test_a_verdict_of_a_closed_application_is_withdrawn_without_a_list_match() -> None:
    application = after(cleared(), EndMonitoring("ApplicationDenied"))

    (event,) = events(application, withdraw(application))

    assert isinstance(event, VerdictWithdrawn)


def test_a_hit_whose_party_or_entry_has_changed_is_superseded_and_not_opened() -> None:
    application = cleared()
    newer = screening(answer(hit(content="b")), screening_id=LATER)
    changed = after(application, Rescreen(newer, frozenset({"EL-1"})))

    (event,) = events(changed, withdraw(changed))
    states = [each.state for each in after(changed, withdraw(changed)).hits]

    assert isinstance(event, VerdictWithdrawn)
    assert states == [HitState.SUPERSEDED, HitState.OPEN]


@pytest.mark.parametrize("decided_on", [FIRST, None])
def test_a_license_that_was_being_signed_hears_of_the_withdrawal(decided_on: UUID | None) -> None:
    reopened = after(cleared(), withdraw(cleared()))

    monitored = events(reopened, MonitorLicense(LICENSE, decided_on))

    assert [each.license_id for each in monitored if isinstance(each, PartyListed)] == [LICENSE]


def test_a_decision_that_knew_of_the_withdrawal_is_not_overtaken_by_it() -> None:
    reopened = after(cleared(), withdraw(cleared()))

    monitored = events(reopened, MonitorLicense(LICENSE, reopened.listed[0].screening_id))

    assert not [each for each in monitored if isinstance(each, PartyListed)]


def test_a_hit_that_is_not_decided_has_no_verdict_to_withdraw() -> None:
    application = screened(hit())
    command = replace(withdraw(cleared()), verdict_id=UUID(int=5))

    refusal = refused(application, command)

    assert (refusal.reason, refusal.metadata["command"]) == (Reason.WRONG_STATE, "WithdrawVerdict")


def test_only_the_verdict_that_was_read_is_withdrawn() -> None:
    first = cleared()
    reopened = after(first, withdraw(first))
    again = after(reopened, judge(reopened, FALSE))

    assert again.hits[0].verdict_id != first.hits[0].verdict_id
    assert refused(again, withdraw(first)) == NOT_IN_FORCE


def test_an_officer_of_the_partner_withdraws_nothing() -> None:
    application = cleared()
    command = replace(withdraw(application), officer=Officer("licensing-3", "example-1"))

    assert refused(application, command).reason is Reason.CONFLICT_OF_INTEREST


def test_a_verdict_that_was_applied_here_is_withdrawn_where_it_was_given() -> None:
    application = remembered()

    refusal = refused(application, withdraw(application))

    assert refusal.reason is Reason.REMEMBERED_VERDICT
    assert refusal.metadata == {"rememberedHitId": str(PAST)}


@pytest.mark.parametrize("at_once", [True, False])
def test_what_a_withdrawn_verdict_cleared_elsewhere_is_open_again_once(at_once: bool) -> None:
    application = screened(hit())
    recalled = ApplyPastVerdict(application.hits[0].hit_id, PAST, act("licensing-1"))
    application = remembered() if at_once else after(application, recalled)
    command = ReopenHit(application.hits[0].hit_id, PAST, WITHDRAWAL)

    _, event = events(application, command)
    reopened = after(application, command)

    assert isinstance(event, VerdictWithdrawn)
    assert event.withdrawn_hit_id == PAST
    assert reopened.hits[0].state is HitState.OPEN
    assert decide(reopened, command) == ()


def test_a_hit_that_another_verdict_cleared_stays_cleared() -> None:
    other = ReopenHit(remembered().hits[0].hit_id, UUID(int=78), WITHDRAWAL)
    own = ReopenHit(cleared().hits[0].hit_id, PAST, WITHDRAWAL)

    assert decide(remembered(), other) == ()
    assert decide(cleared(), own) == ()


def test_a_withdrawal_that_comes_before_the_hit_it_cleared_opens_nothing() -> None:
    command = ReopenHit(remembered().hits[0].hit_id, PAST, WITHDRAWAL)

    assert decide(None, command) == ()
    assert decide(screened(hit()), command) == ()


def test_a_hit_that_an_earlier_release_cleared_from_memory_is_open_again() -> None:
    application = remembered()
    older = replace(application, hits=(replace(application.hits[0], remembered_hit_id=None),))

    reopened = after(older, ReopenHit(older.hits[0].hit_id, PAST, WITHDRAWAL))

    assert reopened.hits[0].state is HitState.OPEN
