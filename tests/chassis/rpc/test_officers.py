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
    monkeypatch.setattr("chassis.rpc.officers._RELOAD_SECONDS", 0.0)

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
            "two officers have the id a",
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
