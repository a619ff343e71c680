from __future__ import annotations

from chassis.rpc.authentication import Principal
from services.screening.shell.dependencies import officer_of


def test_the_core_compares_persons_and_not_their_accounts() -> None:
    account = Principal("officer", "anna", None, frozenset(), 2)
    other_account = Principal("officer", "duty-desk", None, frozenset(), 2, person="anna")

    assert officer_of(account) == officer_of(other_account)
