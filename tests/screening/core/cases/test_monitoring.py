"""What follows from a new list version, an issued license and the end of an application."""

from __future__ import annotations

from uuid import UUID

import pytest

from services.screening.core.cases.standing import standing_of
from services.screening.core.commands import (
    EndMonitoring,
    MonitorLicense,
    Rescreen,
)
from services.screening.core.events import (
    LicenseMonitored,
    PartyListed,
    ScreeningCompleted,
)
from services.screening.core.evolve import ScreenedApplication
from services.screening.core.model import Strength
from services.screening.core.records import HitState, ScreeningResult
from tests.screening.core.hits import (
    APPLICATION,
    CONFIRMED,
    FALSE,
    FIRST,
    LATER,
    LICENSE,
    OTHER,
    PAST,
    USER,
    after,
    answer,
    confirm,
    decide,
    hit,
    judge,
    screened,
    screening,
)

EXACT = hit(strength=Strength.EXACT)
NEWER = "US-CSL/2/b"


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
            false={(USER.content, "z"): PAST},
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
    proposed = after(listed, judge(listed, FALSE, "licensing-1"))
    cleared = after(proposed, confirm(proposed, "licensing-2"))

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
