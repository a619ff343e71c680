from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pytest

from services.applications.core.errors import Kind, Reason, Refusal
from services.applications.core.visibility import ListScope, is_visible, list_scope, refuse_access
from tests.applications import builders as b


@dataclass(frozen=True)
class Caller:
    kind: Literal["partner", "officer", "gate"]
    partner_id: str | None


OWNER = Caller("partner", b.PARTNER)
OTHER_PARTNER = Caller("partner", "example-2")
OFFICER = Caller("officer", None)
OFFICER_OF_THE_PARTNER = Caller("officer", b.PARTNER)
OFFICER_OF_ANOTHER_PARTNER = Caller("officer", "example-2")


@pytest.mark.parametrize("caller", [OWNER, OFFICER, OFFICER_OF_ANOTHER_PARTNER])
def test_the_owner_and_officers_of_no_or_another_partner_read_an_application(
    caller: Caller,
) -> None:
    assert is_visible(b.submitted(), caller)
    assert refuse_access(b.submitted(), caller) is None


@pytest.mark.parametrize("resource", ["application", "license"])
def test_an_officer_of_the_partner_gets_a_conflict_of_interest(resource: str) -> None:
    refusal = refuse_access(b.submitted(), OFFICER_OF_THE_PARTNER, resource)

    assert not is_visible(b.submitted(), OFFICER_OF_THE_PARTNER)
    assert isinstance(refusal, Refusal)
    assert (refusal.kind, refusal.reason) == (Kind.PERMISSION, Reason.CONFLICT_OF_INTEREST)
    assert resource in refusal.message


def test_a_partner_gets_the_same_refusal_for_a_foreign_application_and_for_none() -> None:
    foreign, missing = (
        refuse_access(b.submitted(), OTHER_PARTNER),
        refuse_access(None, OTHER_PARTNER),
    )

    assert foreign == missing
    assert isinstance(missing, Refusal)
    assert (missing.kind, missing.reason) == (Kind.PERMISSION, Reason.NOT_VISIBLE)


def test_an_officer_is_told_that_an_application_does_not_exist() -> None:
    refusal = refuse_access(None, OFFICER)

    assert isinstance(refusal, Refusal)
    assert (refusal.kind, refusal.reason) == (Kind.NOT_FOUND, Reason.NOT_FOUND)


def test_a_caller_without_a_partner_reads_nothing_unless_an_officer() -> None:
    assert not is_visible(b.submitted(), Caller("gate", None))


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
