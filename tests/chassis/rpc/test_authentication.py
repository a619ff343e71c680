from __future__ import annotations

from typing import Any

import pytest

from chassis.rpc.authentication import (
    Officers,
    OfficersFileError,
    Principal,
    acting_as,
    authenticate,
    current_principal,
)
from chassis.rpc.errors import RpcError

GOOD = """
officers:
  - {id: licensing-1, roles: [LICENSING_OFFICER, COUNTERSIGNER], tier: 2, affiliation: null}
  - {id: enforcement-1, roles: [], tier: 1, affiliation: example-1}
"""


class Peer:
    """The certificate's part of a servicer context."""

    def __init__(self, *uris: str) -> None:
        self._uris = [uri.encode() for uri in uris]

    def auth_context(self) -> dict[str, list[bytes]]:
        return {"peer_spiffe_id": self._uris, "x509_common_name": [b"officer/licensing-1"]}


@pytest.fixture
def file(tmp_path: Any) -> Any:
    path = tmp_path / "officers.yaml"
    path.write_text(GOOD)
    return path


@pytest.fixture
def officers(file: Any) -> Any:
    return Officers.load(file)


def replace(file: Any, content: Any) -> None:
    """Like an editor or a mounted volume does: another file in the same place."""
    draft = file.with_suffix(".new")
    draft.write_text(content)
    draft.replace(file)


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
            Principal(
                "officer", "licensing-1", None, frozenset({"LICENSING_OFFICER", "COUNTERSIGNER"}), 2
            ),
            "officer/licensing-1",
        ),
        (
            "officer/enforcement-1",
            Principal("officer", "enforcement-1", "example-1", frozenset(), 1),
            "officer/enforcement-1",
        ),
    ],
)
def test_a_certificate_names_its_principal(
    officers: Any, path: Any, principal: Any, name: Any
) -> None:
    found = authenticate(
        Peer(f"spiffe://safeconduct.example/{path}"), "safeconduct.example", officers
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
def test_any_other_certificate_names_nobody(officers: Any, uris: Any) -> None:
    with pytest.raises(RpcError) as caught:
        authenticate(Peer(*uris), "safeconduct.example", officers)

    assert caught.value.reason == "UNAUTHENTICATED"


def test_a_role_taken_away_is_gone_without_a_restart(file: Any, officers: Any) -> None:
    replace(file, GOOD.replace(", COUNTERSIGNER", ""))
    officers.refresh()

    assert frozenset({"LICENSING_OFFICER"}) == officers.find("licensing-1").roles


def test_the_file_is_looked_at_by_itself_after_a_second(
    file: Any, officers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace(file, "officers: []")
    before = officers.find("licensing-1")
    monkeypatch.setattr("chassis.rpc.authentication._RELOAD_SECONDS", 0.0)

    assert before is not None
    assert officers.find("licensing-1") is None


@pytest.mark.parametrize("content", ["officers: [", None])
def test_a_file_that_went_bad_leaves_the_last_good_one_in_force(
    file: Any, officers: Any, content: Any
) -> None:
    if content is None:
        file.unlink()
    else:
        replace(file, content)
    officers.refresh()

    assert officers.find("licensing-1") is not None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("officers: [", "is not YAML"),
        ("", "valid dictionary"),
        ("officers: []\nofficials: []", "officials"),
        ("officers: [{id: a, roles: [KING], tier: 1}]", "officers.0.roles.0"),
        ("officers: [{id: a, roles: [], tier: 4}]", "officers.0.tier"),
        ("officers: [{id: a, roles: [], tier: '1'}]", "officers.0.tier"),
        ("officers: [{id: a, roles: []}]", "officers.0.tier"),
        ("officers: [{id: a b, roles: [], tier: 1}]", "officers.0.id"),
        ("officers: [{id: a, roles: [], tier: 1, level: 9}]", "officers.0.level"),
        ("officers: [{id: a, id: b, roles: [], tier: 1}]", "a key is there twice"),
        (
            "officers: [{id: a, roles: [], tier: 1}, {id: a, roles: [], tier: 2}]",
            "the id is there twice: a",
        ),
    ],
)
def test_a_file_with_a_fault_is_refused_and_says_where(file: Any, content: Any, words: Any) -> None:
    file.write_text(content)

    with pytest.raises(OfficersFileError) as caught:
        Officers.load(file)

    assert words in str(caught.value)


def test_outside_of_a_call_there_is_no_caller() -> None:
    with pytest.raises(LookupError):
        current_principal()


def test_inside_a_block_one_acts_as_its_principal() -> None:
    principal = Principal("service", "screening", None, frozenset({"SERVICE"}))
    with acting_as(principal):
        inside = current_principal()

    assert principal == inside
