"""Reasons of exceptions from rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks import ignore_reasons, project_files
from checks.check import Verdict


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
    monkeypatch.setattr(project_files, "files", lambda: (file,))

    assert (ignore_reasons.every_ignore_has_a_reason().verdict is Verdict.FAILED) == is_fault


def test_a_reason_is_valid_until_the_next_empty_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "module.py"
    file.write_text(
        "a = 1  # noqa: S105 - the reason\nb = 2  # noqa: S105\n\nc = 3  # noqa: S105\n"
    )
    monkeypatch.setattr(project_files, "files", lambda: (file,))

    assert ignore_reasons.every_ignore_has_a_reason().output.count("\n") == 0
    assert ":4:" in ignore_reasons.every_ignore_has_a_reason().output
