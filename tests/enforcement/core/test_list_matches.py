"""A list match suspends a license at once, and prevents its reinstatement until it is settled."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from safeconduct.standing import StandingCause, StandingState

from services.enforcement.core import events as e
from services.enforcement.core.commands import Command
from services.enforcement.core.decide import decide
from services.enforcement.core.errors import Reason
from services.enforcement.core.model import LicenseState
from tests.enforcement.core.builders import (
    APPLICATION,
    FIRST,
    LICENSE,
    NOW,
    SECOND,
    THIRD,
    cleared,
    confirm_reinstatement,
    confirmed_hit,
    done,
    issued,
    listed,
    propose_finding,
    propose_reinstatement,
    refused,
    register,
    report,
    revoked,
    suspended,
)


def test_an_active_license_is_suspended_at_once_with_no_officer() -> None:
    match = listed()
    decided = decide(issued(), match, NOW)

    assert isinstance(decided, tuple)
    recorded, stopped, changed = decided
    assert isinstance(recorded, e.ListMatchRecorded)
    assert stopped == e.LicenseSuspended(LICENSE, APPLICATION, None, None, 2)
    assert isinstance(changed, e.StandingChanged)
    assert (changed.standing.state, changed.standing.cause) == (
        StandingState.SUSPENDED,
        StandingCause(None, None, is_list_match=True),
    )


def test_a_suspended_license_only_keeps_the_match() -> None:
    (recorded,) = decide(suspended(), listed(), NOW)  # type: ignore[misc]  # never a refusal

    assert isinstance(recorded, e.ListMatchRecorded)


def test_of_a_revoked_license_nothing_is_recorded() -> None:
    assert decide(revoked(), listed(), NOW) == ()


def test_the_same_match_published_twice_changes_nothing() -> None:
    conduct = issued(listed())

    assert decide(conduct, listed(), NOW) == ()


def test_another_entry_for_the_same_party_is_recorded_in_its_place() -> None:
    conduct = issued(listed("end-user", "EL-1"), listed("end-user", "EL-1", "SDN-2"))

    assert [match.entry_ids for match in conduct.list_matches] == [("EL-1", "SDN-2")]


@pytest.mark.parametrize(
    "conduct", [issued(listed()), suspended(listed())], ids=["by the match", "by a measure"]
)
def test_no_license_is_reinstated_before_the_match_is_settled(conduct: object) -> None:
    refusal = refused(conduct, propose_reinstatement(THIRD))  # type: ignore[arg-type]  # parametrized

    assert (refusal.reason, refusal.metadata) == (Reason.LIST_MATCH_OPEN, {"openMatches": "1"})


def test_a_settled_match_reinstates_nothing_by_itself() -> None:
    conduct = issued(listed(), cleared())

    assert (conduct.list_matches, conduct.known_standing.state) == ((), StandingState.SUSPENDED)


def test_two_officers_reinstate_once_every_party_is_settled() -> None:
    waiting = issued(listed("end-user"), listed("deployer"), cleared("end-user"))
    assert refused(waiting, propose_reinstatement(FIRST)).reason is Reason.LIST_MATCH_OPEN

    conduct = done(waiting, cleared("deployer"), propose_reinstatement(FIRST))
    assert refused(conduct, confirm_reinstatement(FIRST)).reason is Reason.SELF_CONFIRMATION
    conduct = done(conduct, confirm_reinstatement(SECOND))

    assert (conduct.known_standing.state, conduct.is_suspended_by_list) == (
        StandingState.ACTIVE,
        False,
    )


def test_a_match_after_the_proposal_prevents_the_confirmation() -> None:
    conduct = issued(listed(), cleared(), propose_reinstatement(FIRST), listed("deployer"))

    assert refused(conduct, confirm_reinstatement(SECOND)).reason is Reason.LIST_MATCH_OPEN


def test_a_verdict_that_leaves_other_entries_open_settles_nothing() -> None:
    conduct = issued(listed("end-user", "EL-1", "SDN-2"))

    assert decide(conduct, cleared("end-user", "SDN-2"), NOW) == ()


def test_a_confirmed_hit_suspends_a_license_that_was_never_listed() -> None:
    conduct = issued(confirmed_hit())

    assert conduct.known_standing.state is StandingState.SUSPENDED
    assert [match.screening_id for match in conduct.list_matches] == [None]


def test_a_party_without_match_needs_no_settlement() -> None:
    assert decide(issued(), cleared(), NOW) == ()


def test_a_license_whose_match_came_first_begins_suspended_so_no_gate_sees_it_active() -> None:
    decided = decide(done(None, listed()), register(), NOW)

    assert isinstance(decided, tuple)
    registered, stopped, changed = decided
    assert isinstance(registered, e.LicenseRegistered)
    assert stopped == e.LicenseSuspended(LICENSE, APPLICATION, None, None, 1)
    assert isinstance(changed, e.StandingChanged)
    assert (changed.standing.state, changed.standing.version, changed.standing.cause) == (
        StandingState.SUSPENDED,
        1,
        StandingCause(None, None, is_list_match=True),
    )


@pytest.mark.parametrize(
    "command", [report(), propose_reinstatement(FIRST), propose_finding(FIRST)]
)
def test_to_callers_a_license_that_is_not_registered_is_unknown(command: Command) -> None:
    assert refused(done(None, listed()), command).reason in {Reason.NOT_FOUND, Reason.NOT_VISIBLE}


def test_a_verdict_on_nothing_changes_nothing() -> None:
    assert decide(None, cleared(), NOW) == ()


def test_officers_reinstate_a_license_whose_match_was_settled_before_it_was_registered() -> None:
    conduct = done(None, listed(), cleared(), register(), propose_reinstatement(FIRST))

    assert done(conduct, confirm_reinstatement(SECOND)).state is LicenseState.ACTIVE


@given(
    commands=st.lists(
        st.sampled_from([listed(), listed("owner"), cleared(), cleared("owner"), confirmed_hit()]),
        max_size=5,
    ),
    place=st.integers(min_value=0, max_value=5),
)
def test_whenever_the_license_is_registered_matches_and_verdicts_lead_to_the_same_state(
    commands: list[Command], place: int
) -> None:
    place = min(place, len(commands))
    late = done(None, *commands[:place], register(), *commands[place:])
    first = done(None, register(), *commands)

    assert late.state is first.state
    assert late.list_matches == first.list_matches
    assert late.is_suspended_by_list == first.is_suspended_by_list
