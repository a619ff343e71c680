from __future__ import annotations

from contextvars import copy_context
from typing import Any

import pytest

from chassis.rpc.authentication import (
    Principal,
    authenticate,
    current_principal,
    set_principal,
)
from chassis.rpc.errors import RpcError

LICENSING = Principal(
    "officer", "licensing-1", None, frozenset({"LICENSING_OFFICER", "COUNTERSIGNER"}), 2
)
ENFORCEMENT = Principal("officer", "enforcement-1", "example-1", frozenset(), 1)


class Peer:
    """The certificate's part of a servicer context."""

    def __init__(self, *uris: str) -> None:
        self._uris = [uri.encode() for uri in uris]

    def auth_context(self) -> dict[str, list[bytes]]:
        return {"peer_spiffe_id": self._uris, "x509_common_name": [b"officer/licensing-1"]}


def find_officer(officer_id: str) -> Principal | None:
    return {"licensing-1": LICENSING, "enforcement-1": ENFORCEMENT}.get(officer_id)


@pytest.mark.parametrize(
    ("path", "principal", "name"),
    [
        (
            "partner/example-1",
            Principal("partner", "example-1", "example-1", frozenset({"PARTNER"})),
            "partner/example-1",
        ),
        (
            "gate/example-1/g1",
            Principal("gate", "g1", "example-1", frozenset({"GATE"})),
            "gate/example-1/g1",
        ),
        (
            "service/screening",
            Principal("service", "screening", None, frozenset({"SERVICE"})),
            "service/screening",
        ),
        (
            "officer/licensing-1",
            LICENSING,
            "officer/licensing-1",
        ),
        (
            "officer/enforcement-1",
            ENFORCEMENT,
            "officer/enforcement-1",
        ),
    ],
)
def test_a_certificate_names_its_principal(path: Any, principal: Any, name: Any) -> None:
    found = authenticate(
        Peer(f"spiffe://safeconduct.example/{path}"), "safeconduct.example", find_officer
    )

    assert (principal, name) == (found, found.name)


@pytest.mark.parametrize(
    "uris",
    [
        (),
        ("spiffe://safeconduct.example/partner/a", "spiffe://safeconduct.example/partner/b"),
        ("spiffe://other.example/partner/a",),
        ("spiffe://safeconduct.example.evil/partner/a",),
        ("spiffe://safeconduct.example/partner/",),
        ("spiffe://safeconduct.example/partner/a/b",),
        ("spiffe://safeconduct.example/partner/a\n",),
        ("spiffe://safeconduct.example/partner/é",),
        ("spiffe://safeconduct.example/gate/a",),
        ("spiffe://safeconduct.example/gate/../g1",),
        ("spiffe://safeconduct.example/officer/unknown",),
        ("spiffe://safeconduct.example/admin/a",),
        ("SPIFFE://safeconduct.example/partner/a",),
        ("spiffe://safeconduct.example/partner/" + "a" * 64,),
    ],
)
def test_any_other_certificate_is_unauthenticated(uris: Any) -> None:
    with pytest.raises(RpcError) as caught:
        authenticate(Peer(*uris), "safeconduct.example", find_officer)

    assert caught.value.reason == "UNAUTHENTICATED"


def test_outside_of_a_call_there_is_no_caller() -> None:
    with pytest.raises(LookupError):
        current_principal()


def test_inside_a_call_the_caller_is_known() -> None:
    principal = Principal("service", "screening", None, frozenset({"SERVICE"}))

    def caller_of_a_call() -> Principal:
        set_principal(principal)
        return current_principal()

    assert principal == copy_context().run(caller_of_a_call)
