from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pytest

from services.enforcement.core.errors import Refusal
from services.enforcement.core.visibility import (
    ListScope,
    is_visible,
    list_scope,
    refuse_conflict,
    refuse_license,
)


@dataclass(frozen=True)
class Caller:
    kind: Literal["partner", "officer", "gate"]
    partner_id: str | None


PARTNER = "example-1"
OFFICER_OF_THE_PARTNER = Caller("officer", PARTNER)


@pytest.mark.parametrize(
    ("caller", "partner_id", "reason"),
    [
        (Caller("partner", PARTNER), PARTNER, None),
        (Caller("gate", PARTNER), PARTNER, None),
        (Caller("partner", "example-2"), PARTNER, "NOT_VISIBLE"),
        (Caller("partner", PARTNER), None, "NOT_VISIBLE"),
        (Caller("officer", None), PARTNER, None),
        (Caller("officer", "example-2"), PARTNER, None),
        (Caller("officer", None), None, "NOT_FOUND"),
        (OFFICER_OF_THE_PARTNER, PARTNER, "CONFLICT_OF_INTEREST"),
        (OFFICER_OF_THE_PARTNER, None, "NOT_FOUND"),
        # The partner of a license that is not registered yet is not known.
        (Caller("officer", None), "", None),
        (OFFICER_OF_THE_PARTNER, "", "CONFLICT_OF_INTEREST"),
    ],
)
def test_a_license_is_seen_by_its_partner_and_by_officers_who_do_not_belong_to_it(
    caller: Caller, partner_id: str | None, reason: str | None
) -> None:
    refusal = refuse_license(partner_id, caller)

    assert (refusal.reason if isinstance(refusal, Refusal) else None) == reason
    assert is_visible(partner_id, caller) is (reason is None)


def test_only_an_officer_can_have_a_conflict_of_interest() -> None:
    assert refuse_conflict(PARTNER, Caller("partner", PARTNER)) is None
    assert refuse_conflict(PARTNER, OFFICER_OF_THE_PARTNER) is not None


@pytest.mark.parametrize(
    ("caller", "scope"),
    [
        (Caller("partner", "example-1"), ListScope(only_partner="example-1")),
        (Caller("officer", None), ListScope()),
        (Caller("officer", "example-1"), ListScope(except_partner="example-1")),
    ],
)
def test_an_officer_lists_the_rows_of_every_partner_but_his_own(
    caller: Caller, scope: ListScope
) -> None:
    assert list_scope(caller) == scope
