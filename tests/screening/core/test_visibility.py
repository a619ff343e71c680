from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pytest

from services.screening.core.visibility import ListScope, list_scope, refuse_access


@dataclass(frozen=True)
class Caller:
    kind: Literal["partner", "officer", "gate"]
    partner_id: str | None


@pytest.mark.parametrize(
    ("caller", "reason"),
    [(Caller("officer", None), "NOT_FOUND"), (Caller("partner", "a"), "NOT_VISIBLE")],
)
def test_a_screening_that_does_not_exist_is_refused(caller: Caller, reason: str) -> None:
    refusal = refuse_access(None, caller)

    assert refusal is not None
    assert refusal.reason == reason


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
