"""What follows for an application that was screened: verdicts, memory, new lists, licenses."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args
from uuid import UUID

import pytest

from services.screening.core import events, model
from services.screening.core.cases.standing import standing_of
from services.screening.core.commands import (
    AdjudicateHit,
    ApplyPastVerdict,
    CompleteScreening,
    EndMonitoring,
    MonitorLicense,
    Rescreen,
)
from services.screening.core.errors import Reason, Refusal
from services.screening.core.events import (
    HitAdjudicated,
    HitClearingProposed,
    LicenseMonitored,
    MonitoringEnded,
    PartyListed,
    ScreeningCompleted,
)
from services.screening.core.evolve import ScreenedApplication, evolve
from services.screening.core.lifecycle import (
    APPLICATION_TRANSITIONS,
    ImpossibleEvent,
    ScreenedState,
)
from services.screening.core.model import Reason as Unjudged
from services.screening.core.model import Strength
from services.screening.core.ownership.assessment import OwnershipAssessment, Stake
from services.screening.core.ownership.findings import OwnershipCause, ShareRange
from services.screening.core.records import HitState, ScreeningResult, Subject
from tests.screening.core.hits import (
    APPLICATION,
    CONFIRMED,
    FALSE,
    FIRST,
    LATER,
    LICENSE,
    OTHER,
    RULING,
    USER,
    act,
    after,
    answer,
    decide,
    hit,
    judge,
    screened,
    screening,
)

EXACT = hit(strength=Strength.EXACT)
NEWER = "US-CSL/2/b"


def refused(application: ScreenedApplication | None, command: AdjudicateHit) -> Refusal:
    decided = decide(application, command)
    assert isinstance(decided, Refusal)
    return decided


# Verdicts


def test_one_officer_clears_a_hit_that_is_not_exact() -> None:
    application = screened(hit())

    (event,) = decide(application, judge(application, FALSE))  # type: ignore[misc]  # never a refusal

    assert isinstance(event, HitAdjudicated)
    assert (event.party_result, event.party_entry_ids) == (ScreeningResult.FALSE_POSITIVE, ())


def test_an_exact_hit_is_cleared_by_two_different_officers_only() -> None:
    application = screened(EXACT)
    proposed = after(application, judge(application, FALSE, "licensing-1"))

    alone = refused(proposed, judge(proposed, FALSE, "licensing-1"))
    cleared = after(proposed, judge(proposed, FALSE, "licensing-2"))

    assert proposed.hits[0].state is HitState.CLEARING_PROPOSED
    assert standing_of(proposed, "end-user").result is ScreeningResult.POSSIBLE_MATCH
    assert (alone.reason, alone.metadata) == (
        Reason.SELF_CONFIRMATION,
        {"officerId": "licensing-1"},
    )
    assert cleared.hits[0].state is HitState.FALSE_POSITIVE
    assert [each.officer_id for each in cleared.hits[0].acts] == ["licensing-1", "licensing-2"]


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


# Memory


def test_a_pair_that_was_found_false_is_not_asked_about_again() -> None:
    said = screening(
        answer(hit(content="a"), hit("SDN-2", content="b")), false=frozenset({(USER.content, "a")})
    )

    states = [each.state for each in said.parties[0].hits]

    assert states == [HitState.FALSE_POSITIVE, HitState.OPEN]
    assert said.parties[0].result is ScreeningResult.POSSIBLE_MATCH


def test_a_party_whose_hits_were_all_found_false_before_is_a_false_positive_at_once() -> None:
    said = screening(answer(hit(content="a")), false=frozenset({(USER.content, "a")}))

    assert said.parties[0].result is ScreeningResult.FALSE_POSITIVE


@pytest.mark.parametrize(
    "pair", [(OTHER.content, "a"), (USER.content, "changed")], ids=["party", "entry"]
)
def test_a_change_of_party_or_entry_asks_again(pair: tuple[str, str]) -> None:
    said = screening(answer(hit(content="a")), false=frozenset({pair}))

    assert said.parties[0].hits[0].state is HitState.OPEN


def test_the_id_of_a_party_is_no_part_of_what_it_is() -> None:
    assert replace(USER, party_id="applicant").content == USER.content


def test_a_verdict_given_elsewhere_decides_the_same_pair_here_once() -> None:
    application = screened(EXACT)
    recall = ApplyPastVerdict(application.hits[0].hit_id, UUID(int=77), act("licensing-2"))

    (event,) = decide(application, recall)  # type: ignore[misc]  # never a refusal

    assert isinstance(event, HitAdjudicated)
    assert event.remembered_hit_id == UUID(int=77)
    assert decide(after(application, recall), recall) == ()


# New lists


def test_a_new_match_is_told_with_everything_that_may_be_the_party() -> None:
    application = screened(hit("SDN-2", Strength.WEAK))
    newer = screening(answer(hit("SDN-2", Strength.WEAK), EXACT, version=NEWER), screening_id=LATER)

    decided = decide(application, Rescreen(newer, {"EL-1"}))

    assert isinstance(decided, tuple)
    completed, listed = decided
    assert completed == newer
    assert isinstance(listed, PartyListed)
    assert (listed.new_entry_ids, set(listed.entry_ids)) == (("EL-1",), {"EL-1", "SDN-2"})
    assert (listed.strength, listed.list_version, listed.license_id) == (
        Strength.EXACT,
        NEWER,
        None,
    )


@pytest.mark.parametrize(
    "newer",
    [
        screening(answer(hit()), screening_id=LATER),
        screening(answer(), screening_id=LATER),
        screening(
            answer(hit(), hit("EL-9", content="z")),
            screening_id=LATER,
            false=frozenset({(USER.content, "z")}),
        ),
        screening(answer(EXACT), screening_id=LATER, subjects=(OTHER,)),
    ],
    ids=["known", "gone", "found false before", "other parties"],
)
def test_where_nothing_is_new_nothing_is_told(newer: ScreeningCompleted) -> None:
    assert decide(screened(hit()), Rescreen(newer, {"EL-1", "EL-9"})) == ()


def test_a_hit_that_no_changed_entry_caused_is_not_told() -> None:
    newer = screening(answer(EXACT), screening_id=LATER)

    assert decide(screened(), Rescreen(newer, {"SDN-5"})) == ()


def test_a_changed_entry_asks_again_in_place_of_the_open_hit() -> None:
    application = screened(hit(content="a"))
    newer = screening(answer(hit(content="b"), version=NEWER), screening_id=LATER)

    changed = after(application, Rescreen(newer, {"EL-1"}))

    assert [each.state for each in changed.hits] == [HitState.SUPERSEDED, HitState.OPEN]


def test_an_open_hit_whose_entry_left_its_list_stays_for_a_decision() -> None:
    application = screened(hit("EL-1"))
    newer = screening(answer(hit("SDN-2"), version=NEWER), screening_id=LATER)

    changed = after(application, Rescreen(newer, {"SDN-2"}))

    assert [(each.hit.entry_id, each.state) for each in changed.hits] == [
        ("EL-1", HitState.OPEN),
        ("SDN-2", HitState.OPEN),
    ]
    assert standing_of(changed, "end-user").entry_ids == ("EL-1", "SDN-2")


def test_a_verdict_survives_a_screening_in_which_the_pair_is_the_same() -> None:
    cleared = after(screened(hit()), judge(screened(hit()), FALSE))
    newer = screening(answer(hit(), hit("SDN-2"), version=NEWER), screening_id=LATER)

    changed = after(cleared, Rescreen(newer, {"SDN-2"}))

    assert [each.state for each in changed.hits] == [HitState.FALSE_POSITIVE, HitState.OPEN]


# Owners


OWNER = Subject(
    "owner", ("Example Holding 1 Ltd",), owns=(Stake("end-user", ShareRange(60.0, 60.0)),)
)


def owned(*hits: model.Hit) -> ScreenedApplication:
    """An application whose end user is held by an owner with these hits."""
    return after(
        None, CompleteScreening(screening(answer(*hits), answer(), subjects=(OWNER, USER)))
    )


def results(ownership: OwnershipAssessment | None) -> list[tuple[str, OwnershipCause]]:
    assert ownership is not None
    return [(finding.rule_id, finding.cause) for finding in ownership.findings]


def test_a_screening_says_who_owns_whom_by_the_rules_of_its_day() -> None:
    said = owned(EXACT).latest.ownership

    assert results(said) == [("us-bis-affiliates", OwnershipCause.OWNED_BY_LISTED)]
    assert said is not None
    assert (said.rules_version, said.assessed_on) == (RULING.version, "2026-11-24")
    assert said.findings[0].most_restrictive_owner_id == "owner"


def test_an_owner_found_not_to_be_the_entry_leaves_nothing_against_the_party() -> None:
    application = owned(hit())
    (event,) = decide(application, judge(application, FALSE))  # type: ignore[misc]  # never a refusal

    assert results(application.latest.ownership) == [
        ("us-bis-affiliates", OwnershipCause.MAY_REACH_THRESHOLD)
    ]
    assert isinstance(event, HitAdjudicated)
    assert results(event.ownership) == []


def test_an_owner_found_to_be_the_entry_makes_the_party_count_as_listed() -> None:
    application = owned(hit(strength=Strength.WEAK))
    (event,) = decide(application, judge(application, CONFIRMED))  # type: ignore[misc]  # never a refusal

    assert isinstance(event, HitAdjudicated)
    assert results(event.ownership) == [("us-bis-affiliates", OwnershipCause.OWNED_BY_LISTED)]


def test_a_list_that_names_an_owner_later_is_told_with_what_it_makes_of_the_owned() -> None:
    newer = screening(
        answer(EXACT, version=NEWER), answer(), screening_id=LATER, subjects=(OWNER, USER)
    )

    decided = decide(owned(), Rescreen(newer, {"EL-1"}))

    assert isinstance(decided, tuple)
    completed, listed = decided
    assert isinstance(completed, ScreeningCompleted)
    assert isinstance(listed, PartyListed)
    assert listed.party_id == "owner"
    assert listed.ownership == completed.ownership
    assert results(listed.ownership) == [("us-bis-affiliates", OwnershipCause.OWNED_BY_LISTED)]


def test_a_confirmed_owner_stays_confirmed_when_another_list_changes() -> None:
    weak = hit(strength=Strength.WEAK)
    confirmed = after(owned(weak), judge(owned(weak), CONFIRMED))
    newer = screening(
        answer(weak, hit("SDN-2", Strength.WEAK)),
        answer(),
        screening_id=LATER,
        subjects=(OWNER, USER),
    )

    changed = after(confirmed, Rescreen(newer, {"SDN-2"}))

    assert ("us-bis-affiliates", OwnershipCause.OWNED_BY_LISTED) in results(
        changed.latest.ownership
    )


def test_of_a_screening_from_before_owners_were_kept_nothing_is_said_of_them() -> None:
    older = evolve(
        None, replace(screening(answer(hit()), answer(), subjects=(OWNER, USER)), ownership=None)
    )
    newer = screening(
        answer(hit(), EXACT, hit("SDN-2")), answer(), screening_id=LATER, subjects=(OWNER, USER)
    )

    (judged,) = decide(older, judge(older, FALSE))  # type: ignore[misc]  # never a refusal
    told = decide(older, Rescreen(newer, {"SDN-2"}))

    assert isinstance(judged, HitAdjudicated)
    assert judged.ownership is None
    assert isinstance(told, tuple)
    assert [getattr(each, "ownership", None) for each in told] == [None, None]


# Licenses


def test_a_new_match_of_a_licensed_party_names_the_license() -> None:
    licensed = after(screened(), MonitorLicense(LICENSE, FIRST))

    decided = decide(licensed, Rescreen(screening(answer(EXACT), screening_id=LATER), {"EL-1"}))

    assert isinstance(decided, tuple)
    assert isinstance(decided[1], PartyListed)
    assert decided[1].license_id == LICENSE


def listed_meanwhile() -> ScreenedApplication:
    return after(screened(), Rescreen(screening(answer(EXACT), screening_id=LATER), {"EL-1"}))


def test_a_license_that_was_signed_while_a_list_named_its_party_is_told_of_it() -> None:
    decided = decide(listed_meanwhile(), MonitorLicense(LICENSE, FIRST))

    assert isinstance(decided, tuple)
    monitored, listed = decided
    assert monitored == LicenseMonitored(APPLICATION, LICENSE)
    assert isinstance(listed, PartyListed)
    assert (listed.license_id, listed.new_entry_ids) == (LICENSE, ("EL-1",))


def test_a_license_that_was_decided_with_the_match_in_sight_is_left_alone() -> None:
    assert decide(listed_meanwhile(), MonitorLicense(LICENSE, LATER)) == (
        LicenseMonitored(APPLICATION, LICENSE),
    )


def test_a_match_found_false_before_the_license_came_is_over() -> None:
    listed = listed_meanwhile()
    cleared = after(
        listed, judge(listed, FALSE, "licensing-1"), judge(listed, FALSE, "licensing-2")
    )

    assert decide(cleared, MonitorLicense(LICENSE, FIRST)) == (
        LicenseMonitored(APPLICATION, LICENSE),
    )


@pytest.mark.parametrize("decided_on", [FIRST, LATER])
def test_a_match_that_was_confirmed_while_the_license_was_being_signed_is_told_with_the_license(
    decided_on: UUID,
) -> None:
    application = screened(EXACT)
    confirmed = after(application, judge(application, CONFIRMED, "licensing-1"))

    decided = decide(confirmed, MonitorLicense(LICENSE, decided_on))

    assert isinstance(decided, tuple)
    monitored, listed = decided
    assert monitored == LicenseMonitored(APPLICATION, LICENSE)
    assert isinstance(listed, PartyListed)
    assert (listed.license_id, listed.new_entry_ids) == (LICENSE, ("EL-1",))
    assert listed.result is ScreeningResult.CONFIRMED_MATCH


def test_a_party_that_was_listed_and_confirmed_meanwhile_is_told_once() -> None:
    listed = listed_meanwhile()
    confirmed = after(listed, judge(listed, CONFIRMED, "licensing-1"))

    decided = decide(confirmed, MonitorLicense(LICENSE, FIRST))

    assert isinstance(decided, tuple)
    assert [type(each) for each in decided] == [LicenseMonitored, PartyListed]


def test_what_is_over_is_not_compared_any_more_and_ends_once() -> None:
    closed = after(screened(), EndMonitoring("ApplicationDenied"))

    assert decide(closed, Rescreen(screening(answer(EXACT), screening_id=LATER), {"EL-1"})) == ()
    assert decide(closed, EndMonitoring("LicenseRevoked")) == ()
    assert decide(closed, MonitorLicense(LICENSE, FIRST)) == ()


@pytest.mark.parametrize(
    "command", [MonitorLicense(LICENSE, FIRST), EndMonitoring("ApplicationDenied")]
)
def test_a_fact_about_an_application_that_was_never_screened_changes_nothing(
    command: object,
) -> None:
    assert decide(None, command) == ()  # type: ignore[arg-type]  # parametrized


# The table


IN = {
    None: None,
    ScreenedState.SCREENED: screened(EXACT),
    ScreenedState.LICENSED: after(screened(EXACT), MonitorLicense(LICENSE, FIRST)),
    ScreenedState.CLOSED: after(screened(EXACT), EndMonitoring("ApplicationDenied")),
}


def event_of(kind: type) -> events.Event:
    application = screened(EXACT)
    (proposed,) = decide(application, judge(application, FALSE))  # type: ignore[misc]  # never a refusal
    (confirmed,) = decide(application, judge(application, CONFIRMED))  # type: ignore[misc]  # same
    (_, listed) = decide(
        screened(), Rescreen(screening(answer(EXACT), screening_id=LATER), {"EL-1"})
    )  # type: ignore[misc]  # same
    found = {
        type(event): event for event in (proposed, confirmed, listed, screening(answer(EXACT)))
    }
    found[LicenseMonitored] = LicenseMonitored(APPLICATION, LICENSE)
    found[MonitoringEnded] = MonitoringEnded(APPLICATION, "ApplicationDenied")
    assert HitClearingProposed in found
    return found[kind]


@pytest.mark.parametrize("kind", get_args(events.Event), ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("state", [None, *ScreenedState])
def test_each_cell_of_the_table_is_walked_and_each_missing_one_is_impossible(
    state: ScreenedState | None, kind: type
) -> None:
    expected = APPLICATION_TRANSITIONS[state].get(kind)
    if expected is None:
        with pytest.raises(ImpossibleEvent):
            evolve(IN[state], event_of(kind))
    else:
        assert evolve(IN[state], event_of(kind)).state is expected
