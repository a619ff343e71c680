"""Paths and hosts that a clone on another machine does not have."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks import machine_paths, project_files
from checks.check import Verdict


@pytest.mark.parametrize(
    ("text", "is_fault"),
    [
        ("/" + "home/somebody/project", True),
        ("see https://pypi" + ".org/simple", True),
        ("/etc/safeconduct/tls.crt", False),
        ("a home/page", False),
    ],
)
def test_a_path_of_one_machine_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, is_fault: bool
) -> None:
    monkeypatch.setattr(project_files, "texts", lambda: [(Path("file"), text)])

    assert (machine_paths.no_machine_path().verdict is Verdict.FAILED) == is_fault
