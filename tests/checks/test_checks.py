"""The checks themselves: what they find, and what they let pass."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from grimp import ImportGraph

from checks import lock, places, reasons, tracked
from checks.__main__ import main
from checks.check import Check, Found, Verdict, faults, run_all
from checks.rooms import RoomContract
from checks.table import CHECKS


def room(graph: ImportGraph, **options: object) -> Sequence[str]:
    """What the contract finds in the graph."""
    contract = RoomContract(
        name="", session_options={}, contract_options={"modules": ["house.core"], **options}
    )
    wrong: Sequence[str] = contract.check(graph, verbose=False).metadata["wrong"]
    return wrong


@pytest.fixture
def graph() -> ImportGraph:
    graph = ImportGraph()
    for name in ("house", "house.core", "house.core.rule", "house.shell"):
        graph.add_module(name)
    for name in ("datetime", "random", "numpy"):
        graph.add_module(name, is_squashed=True)
    return graph


@pytest.mark.parametrize("imported", ["house.core", "datetime"])
def test_a_room_may_import_itself_and_the_standard_library(
    graph: ImportGraph, imported: str
) -> None:
    graph.add_import(importer="house.core.rule", imported=imported)

    assert not room(graph)


@pytest.mark.parametrize("imported", ["house.shell", "numpy", "house"])
def test_a_room_may_import_nothing_else(graph: ImportGraph, imported: str) -> None:
    graph.add_import(importer="house.core.rule", imported=imported)

    assert room(graph)


def test_a_room_may_import_what_it_lists(graph: ImportGraph) -> None:
    graph.add_import(importer="house.core.rule", imported="numpy")

    assert not room(graph, may_import=["numpy"])


def test_what_a_room_may_not_import_wins_over_the_standard_library(graph: ImportGraph) -> None:
    graph.add_import(importer="house.core.rule", imported="random")

    assert room(graph, may_not_import=["random"])


def test_a_room_with_any_library_still_may_not_import_another_room(graph: ImportGraph) -> None:
    graph.add_import(importer="house.core.rule", imported="numpy")
    graph.add_import(importer="house.core.rule", imported="house.shell")

    assert len(room(graph, any_library="True")) == 1


@pytest.mark.parametrize(
    ("line", "is_fault"),
    [
        ("x = 1  # noqa: S105 - a reason, not a secret", False),
        ("x = 1  # noqa: S105", True),
        ("x = 1  # noqa", True),
        ("x = 1  # type: ignore[misc]  # the library ships no types", False),
        ("x = 1  # type: ignore[misc]", True),
        ("x = 1  # type: ignore", True),
        ('x = "a text that names # noqa"', False),
    ],
)
def test_an_ignore_needs_a_code_and_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, is_fault: bool
) -> None:
    file = tmp_path / "module.py"
    file.write_text(f"{line}\n")
    monkeypatch.setattr(tracked, "files", lambda: (file,))

    assert (reasons.every_ignore_has_one().verdict is Verdict.FAILED) == is_fault


def test_a_reason_holds_until_the_next_empty_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "module.py"
    file.write_text("a = 1  # noqa: S105 - said once\nb = 2  # noqa: S105\n\nc = 3  # noqa: S105\n")
    monkeypatch.setattr(tracked, "files", lambda: (file,))

    assert reasons.every_ignore_has_one().output.count("\n") == 0
    assert ":4:" in reasons.every_ignore_has_one().output


@pytest.mark.parametrize(
    ("text", "is_fault"),
    [
        ("/" + "home/somebody/project", True),
        ("see https://pypi" + ".org/simple", True),
        ("/etc/safeconduct/tls.crt", False),
        ("a home/page", False),
    ],
)
def test_a_place_of_one_machine_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, is_fault: bool
) -> None:
    monkeypatch.setattr(tracked, "texts", lambda: [(Path("file"), text)])

    assert (places.none_of_one_machine().verdict is Verdict.FAILED) == is_fault


@pytest.mark.parametrize(
    ("name", "line", "is_fault"),
    [
        ("requirements.lock", "--index-url somewhere", True),
        ("requirements.lock", "thing @ file:///tmp/thing.whl", True),
        ("requirements.lock", "thing==1.0 \\", False),
        ("package-lock.json", '  "resolved": "somewhere/thing.tgz",', True),
        ("package-lock.json", '  "integrity": "sha512-00",', False),
        ("README.md", "--index-url somewhere", False),
    ],
)
def test_a_download_address_in_a_lock_is_found(
    monkeypatch: pytest.MonkeyPatch, name: str, line: str, is_fault: bool
) -> None:
    monkeypatch.setattr(tracked, "texts", lambda: [(Path(name), line)])

    assert (lock.no_addresses().verdict is Verdict.FAILED) == is_fault


@pytest.mark.parametrize(
    ("locked", "word"),
    [
        ("thing==1.4 \\\n    --hash=sha256:" + "0" * 64 + "\n    # via project (pyproject.toml)\n", ""),
        ("thing==2.0 \\\n    --hash=sha256:" + "0" * 64 + "\n", "is not met"),
        ("", "is not in"),
        ("thing==1.4\n", "has no hash"),
        (
            "thing==1.4 \\\n    --hash=sha256:" + "0" * 64
            + "\nold==1 \\\n    --hash=sha256:" + "0" * 64 + "\n    # via project (pyproject.toml)\n",
            "does not ask for it",
        ),
    ],
)  # fmt: skip
def test_a_lock_that_is_out_of_step_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, locked: str, word: str
) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\ndependencies = ["thing>=1,<2"]\n')
    (tmp_path / "requirements.lock").write_text(locked)
    monkeypatch.setattr(lock, "ROOT", tmp_path)
    monkeypatch.setattr(lock, "PROJECTS", (Path("pyproject.toml"),))
    found = lock.in_step()

    assert word in found.output
    assert (found.verdict is Verdict.FAILED) == bool(word)


def test_every_check_runs_even_if_others_fail_or_break() -> None:
    def breaks() -> Found:
        raise RuntimeError("broken")

    checks = [
        Check("fails", lambda: faults(["a fault"])),
        Check("breaks", breaks),
        Check("holds", lambda: faults([])),
    ]

    assert [result.found.verdict for result in run_all(checks, lambda _: None)] == [
        "failed",
        "failed",
        "ok",
    ]


def test_what_others_need_runs_first() -> None:
    ended: list[str] = []
    checks = [Check("later", lambda: faults([])), Check("first", lambda: faults([]), is_first=True)]

    results = run_all(checks, lambda result: ended.append(result.name))

    assert ended == ["first", "later"]
    assert [result.name for result in results] == ["later", "first"]


def test_the_result_as_json_names_every_check_that_was_asked_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = main(["diagrams", "--json"])
    document = json.loads(capsys.readouterr().out)

    assert (code, document["ok"]) == (0, True)
    assert [check["name"] for check in document["checks"]] == ["diagrams"]


def test_the_names_of_the_checks_are_different() -> None:
    assert len({check.name for check in CHECKS}) == len(CHECKS)
