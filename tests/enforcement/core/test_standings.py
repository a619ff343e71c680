"""The end of a license is the same in every version of its standing, which removal rests on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from safeconduct.standing import Grant, StandingState

from services.enforcement.core.model import LicenseConduct
from services.enforcement.core.standings import change_standing, complete_grants
from tests.enforcement.core import builders as b


def test_no_change_of_a_standing_moves_the_end_of_the_license() -> None:
    conduct, end = b.issued(), b.register().not_after

    for state in StandingState:
        assert change_standing(conduct, state, None, b.NOW).standing.not_after == end


def test_grants_that_come_later_do_not_move_the_end_of_the_license() -> None:
    known = b.issued()
    plain = frozenset(Grant(each.model_id, None) for each in known.known_standing.grants)
    earlier: LicenseConduct = replace(known, standing=replace(known.known_standing, grants=plain))
    again = replace(b.register(), not_after=b.register().not_after + timedelta(days=9))

    completed = complete_grants(earlier, again, b.NOW)

    assert completed is not None
    assert completed.standing.not_after == b.register().not_after
