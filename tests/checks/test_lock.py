"""The locks of the Python packages."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks import lock, project_files
from checks.check import Verdict


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
    monkeypatch.setattr(project_files, "texts", lambda: [(Path(name), line)])

    assert (lock.no_addresses().verdict is Verdict.FAILED) == is_fault


_HASH = "    --hash=sha256:" + "0" * 64 + "\n"
_VIA = "    # via project (pyproject.toml)\n"


@pytest.mark.parametrize(
    ("locked", "word"),
    [
        (f"thing==1.4 \\\n{_HASH}{_VIA}", ""),
        (f"thing==2.0 \\\n{_HASH}", "is not met"),
        ("", "is not in"),
        ("thing==1.4\n", "has no hash"),
        (f"thing==1.4 \\\n{_HASH}old==1 \\\n{_HASH}{_VIA}", "does not require it"),
    ],
)
def test_a_lock_that_is_not_current_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, locked: str, word: str
) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\ndependencies = ["thing>=1,<2"]\n')
    (tmp_path / "requirements.lock").write_text(locked)
    monkeypatch.setattr(lock, "ROOT", tmp_path)
    monkeypatch.setattr(lock, "PROJECTS", (Path("pyproject.toml"),))
    found = lock.is_current()

    assert word in found.output
    assert (found.verdict is Verdict.FAILED) == bool(word)


@pytest.mark.parametrize(
    ("run", "word"),
    [
        (f"thing==1.4 \\\n{_HASH}", ""),
        (f"thing==1.5 \\\n{_HASH}", "thing differs"),
        ("thing==1.4 \\\n    --hash=sha256:11\n", "thing differs"),
        (f"thing==1.4 \\\n{_HASH}other==1 \\\n{_HASH}", "other differs"),
        (f"dev==1 \\\n{_HASH}", "thing is missing"),
    ],
)
def test_a_run_lock_that_does_not_fit_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: str, word: str
) -> None:
    (tmp_path / "requirements.lock").write_text(f"thing==1.4 \\\n{_HASH}{_VIA}dev==1 \\\n{_HASH}")
    (tmp_path / "requirements-run.lock").write_text(run)
    (tmp_path / "pyproject.toml").write_text(
        '[project]\ndependencies = ["thing"]\noptional-dependencies = {dev = ["dev"]}\n'
    )
    monkeypatch.setattr(lock, "ROOT", tmp_path)
    monkeypatch.setattr(lock, "PROJECTS", (Path("pyproject.toml"),))
    found = lock.run_lock_fits()

    assert word in found.output
    assert (found.verdict is Verdict.FAILED) == bool(word)
