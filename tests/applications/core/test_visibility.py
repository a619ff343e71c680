from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pytest

from services.applications.core.errors import Kind, Reason, Refusal
from services.applications.core.visibility import is_visible, refuse_access
from tests.applications import builders as b


@dataclass(frozen=True)
class Caller:
    kind: Literal["partner", "officer", "gate"]
    partner_id: str | None


OWNER = Caller("partner", b.PARTNER)
OTHER_PARTNER = Caller("partner", "example-2")
OFFICER = Caller("officer", None)
AFFILIATED_OFFICER = Caller("officer", "example-2")


@pytest.mark.parametrize("caller", [OWNER, OFFICER, AFFILIATED_OFFICER])
def test_the_owner_and_every_officer_read_an_application(caller: Caller) -> None:
    assert is_visible(b.submitted(), caller)
    assert refuse_access(b.submitted(), caller) is None


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
