from __future__ import annotations

from typing import Any

import pytest

from chassis.rpc.officers import Officers, OfficersFileError

GOOD = """
officers:
  - {id: licensing-1, roles: [LICENSING_OFFICER, COUNTERSIGNER], tier: 2, affiliation: null}
  - {id: enforcement-1, roles: [], tier: 1, affiliation: example-1}
"""


@pytest.fixture
def file(tmp_path: Any) -> Any:
    path = tmp_path / "officers.yaml"
    path.write_text(GOOD)
    return path


@pytest.fixture
def officers(file: Any) -> Any:
    return Officers(file)


def replace(file: Any, content: Any) -> None:
    """Puts another file in the same place, like an editor or a mounted volume."""
    draft = file.with_suffix(".new")
    draft.write_text(content)
    draft.replace(file)


def test_a_removed_role_is_gone_without_a_restart(file: Any, officers: Any) -> None:
    replace(file, GOOD.replace(", COUNTERSIGNER", ""))
    officers.refresh()

    assert frozenset({"LICENSING_OFFICER"}) == officers.find("licensing-1").roles


def test_a_changed_file_is_read_by_itself_after_a_second(
    file: Any, officers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace(file, "officers: []")
    before = officers.find("licensing-1")
    monkeypatch.setattr("chassis.rpc.reread_file.RELOAD_SECONDS", 0.0)

    assert before is not None
    assert officers.find("licensing-1") is None


@pytest.mark.parametrize("content", ["officers: [", None])
def test_an_invalid_new_file_leaves_the_last_valid_one_in_use(
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
        ("officers: [", "line 1, column 12: invalid YAML: expected the node content"),
        ("", "valid dictionary"),
        ("officers: []\nofficials: []", "officials"),
        ("officers: [{id: a, roles: [KING], tier: 1}]", "officers.0.roles.0"),
        ("officers: [{id: a, roles: [], tier: 4}]", "officers.0.tier"),
        ("officers: [{id: a, roles: [], tier: '1'}]", "officers.0.tier"),
        ("officers: [{id: a, roles: []}]", "officers.0.tier"),
        ("officers: [{id: a b, roles: [], tier: 1}]", "officers.0.id"),
        ("officers: [{id: a, roles: [], tier: 1, level: 9}]", "officers.0.level"),
        (
            "officers: [{id: a, id: b, roles: [], tier: 1}]",
            'line 1, column 20: invalid YAML: found duplicate key "id"',
        ),
        (
            "officers: [{id: a, roles: [], tier: 1}, {id: a, roles: [], tier: 2}]",
            "officers.1.id: 'a' is taken by officers.0",
        ),
        *(
            (
                (
                    f"officers: [{{id: licensing-1, roles: [], tier: 1}},"
                    f" {{id: {other}, roles: [], tier: 1}}]"
                ),
                f"officers.1.id: '{other}' can be taken for 'licensing-1', the id of officers.0",
            )
            for other in ("licensing-1.", "licensing_1", "1icensing-1")
        ),
        ("officers: [{id: Licensing-1, roles: [], tier: 1}]", "officers.0.id"),
        (
            "officers: [{id: a, roles: [], tier: 1, affiliation: Example-1}]",
            "officers.0.affiliation",
        ),
        (
            "officers: [{id: a, roles: [], tier: 1, person: b}]",
            "officers.0.person: 'b' is not the id of another entry",
        ),
        (
            "officers: [{id: a, roles: [], tier: 1, person: a}]",
            "officers.0.person: 'a' is not the id of another entry",
        ),
        (
            (
                "officers: [{id: a, roles: [], tier: 1}, {id: b, roles: [], tier: 1, person: a},"
                " {id: c, roles: [], tier: 1, person: b}]"
            ),
            "officers.2.person: 'b' has a person itself; name 'a'",
        ),
        (
            (
                "officers: [{id: a, roles: [], tier: 1},"
                " {id: b, roles: [], tier: 1, person: a, affiliation: example-1}]"
            ),
            "officers.1.affiliation: differs from that of 'a', the same person; leave it out",
        ),
    ],
)
def test_an_invalid_file_is_an_error_with_the_place_of_the_fault(
    file: Any, content: Any, words: Any
) -> None:
    file.write_text(content)

    with pytest.raises(OfficersFileError) as caught:
        Officers(file)

    assert words in str(caught.value)


def test_two_accounts_of_one_person_have_one_id_for_four_eyes_and_one_affiliation(
    file: Any,
) -> None:
    file.write_text(
        "officers:\n"
        "  - {id: anna, roles: [COUNTERSIGNER], tier: 2, affiliation: example-1}\n"
        "  - {id: enforcement-7, roles: [ENFORCEMENT_OFFICER], tier: 1, person: anna}\n"
    )
    officers = Officers(file)
    one, other = officers.find("anna"), officers.find("enforcement-7")

    assert one is not None
    assert other is not None
    assert (one.person_id, other.person_id) == ("anna", "anna")
    assert (one.partner_id, other.partner_id) == ("example-1", "example-1")
    assert other.name == "officer/enforcement-7"


def test_an_affiliation_with_no_registered_partner_is_refused(file: Any) -> None:
    with pytest.raises(OfficersFileError) as caught:
        Officers(file, lambda partner_id: partner_id == "example-2")

    assert "officers.1.affiliation: 'example-1' is no partner of the partner registry" in str(
        caught.value
    )
