"""The stamp of the Python environment: what makes the set-up run again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from infra import environment
from infra.progress import Progress

Installed = Callable[[], str]


@pytest.fixture
def installed_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installed:
    """A checkout with an environment of the set `run`, complete and current."""
    for file in (*environment.LOCKS.values(), *environment._INPUTS):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(file)
    venv = tmp_path / ".venv"
    (venv / "lib/python3.11/site-packages/thing-1.dist-info").mkdir(parents=True)
    monkeypatch.setattr(environment, "CHECKOUT", tmp_path)
    monkeypatch.setattr(environment, "VENV", venv)
    monkeypatch.setattr(environment, "_STAMP", venv / ".installed")
    monkeypatch.setattr(environment, "_version", lambda: "Python 3.11.2")
    (venv / ".installed").write_text(f"run {environment._digest('run')}")
    return environment._installed_set


def test_a_current_environment_is_used(installed_set: Installed) -> None:
    assert installed_set() == "run"


def test_a_changed_lock_makes_the_environment_stale(
    installed_set: Installed, tmp_path: Path
) -> None:
    (tmp_path / "requirements-run.lock").write_text("thing==2")

    assert installed_set() == ""


def test_a_removed_package_makes_the_environment_stale(
    installed_set: Installed, tmp_path: Path
) -> None:
    (tmp_path / ".venv/lib/python3.11/site-packages/thing-1.dist-info").rmdir()

    assert installed_set() == ""


def test_an_interpreter_that_does_not_run_makes_the_environment_stale(
    installed_set: Installed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "_version", lambda: "")

    assert installed_set() == ""


def test_the_set_up_does_not_wait_for_the_trace_viewer(
    installed_set: Installed, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []
    monkeypatch.setattr(environment, "_run", lambda *_argv: None)
    monkeypatch.setattr(environment.kafka, "jars", Path)
    monkeypatch.setattr(environment.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(environment.trace_viewer, "is_downloaded", lambda: False)
    monkeypatch.setattr(
        environment.trace_viewer, "download_in_background", lambda: begun.append("viewer")
    )

    environment._install("run", Progress())

    assert (installed_set(), begun) == ("run", ["viewer"])


def test_an_interrupted_set_up_leaves_no_stamp(
    installed_set: Installed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_argv: str) -> None:
        raise environment.SetupError("the network is away")

    monkeypatch.setattr(environment, "_run", fails)
    monkeypatch.setattr(environment.kafka, "jars", Path)
    monkeypatch.setattr(environment.trace_viewer, "is_downloaded", lambda: True)
    with pytest.raises(environment.SetupError):
        environment._install("run", Progress())

    assert installed_set() == ""


def test_a_linked_environment_is_refused_and_left_as_it_was(
    installed_set: Installed,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    others = tmp_path / "others"
    (tmp_path / ".venv").rename(others)
    (tmp_path / ".venv").symlink_to(others)
    (tmp_path / "requirements-run.lock").write_text("thing==2")  # an update is wanted
    (tmp_path / "infra" / "prerequisites").write_text("#!/bin/sh\n")
    (tmp_path / "infra" / "prerequisites").chmod(0o755)
    before = sorted(others.rglob("*"))
    commands: list[tuple[str, ...]] = []
    monkeypatch.setattr(environment, "_run", lambda *argv: commands.append(argv))

    exit_code = environment.main("run")

    assert exit_code == 1
    assert f"is a symbolic link to {others}" in capsys.readouterr().err
    assert (commands, sorted(others.rglob("*"))) == ([], before)
