"""The script that finds the programs of the set-up."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from infra.cache import CHECKOUT

BASE = f"{sys.base_prefix}/bin/python{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A folder for PATH with the programs that the script itself uses."""
    for name in ("bash", "dirname", "env"):
        (tmp_path / name).symlink_to(shutil.which(name) or name)
    return tmp_path


def _program(file: Path, body: str) -> None:
    file.write_text(f"#!{shutil.which('sh')}\n{body}\n")
    file.chmod(0o755)


def _run(
    path: Path, *arguments: str, checkout: Path = CHECKOUT, **env: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [checkout / "infra/prerequisites", *arguments],
        env={**os.environ, "PATH": str(path), **env},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_fitting_python_is_found_behind_one_that_does_not_run(path: Path) -> None:
    _program(path / "python3.11", "exit 127")  # as the shim of a version that is not installed
    _program(path / "python3.12", f'exec {BASE} "$@"')

    assert _run(path, "--python").stdout.strip() == BASE


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(["python3"], id="only python3"),
        pytest.param(["python3", "python3.12"], id="as on Ubuntu 24.04"),
        pytest.param(["python3", "python3.13"], id="as on Debian 13"),
    ],
)
def test_a_system_without_python_3_11_uses_its_own_python(path: Path, names: list[str]) -> None:
    for name in names:
        _program(path / name, f'exec {BASE} "$@"')

    assert _run(path, "--python").stdout.strip() == BASE


@pytest.fixture
def without_python(path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout on a system whose only Python does not fit; the environment of uv is made."""
    checkout = tmp_path_factory.mktemp("checkout")
    (checkout / "infra").mkdir()
    shutil.copy(CHECKOUT / "infra/prerequisites", checkout / "infra")
    (checkout / ".cache/uv/bin").mkdir(parents=True)
    _program(checkout / ".cache/uv/bin/python", '[ "$2" = pip ]')
    _program(path / "python3", '[ "$1 $2" = "-m venv" ]')
    return checkout


def test_uv_brings_a_python_if_none_fits(path: Path, without_python: Path) -> None:
    mkdir, copy = shutil.which("mkdir"), shutil.which("cp")
    _program(path / "brought", f'exec {BASE} "$@"')
    _program(
        without_python / ".cache/uv/bin/uv",
        f'{mkdir} -p "$4/cpython/bin" && {copy} {path / "brought"} "$4/cpython/bin/python3"',
    )

    found = _run(path, "--python", checkout=without_python)

    assert (found.returncode, found.stdout.strip()) == (0, BASE)
    assert "uv downloads one" in found.stderr


def test_the_command_is_named_if_uv_cannot_bring_a_python(path: Path, without_python: Path) -> None:
    _program(without_python / ".cache/uv/bin/uv", "exit 2")

    refused = _run(path, "--python", checkout=without_python)

    assert refused.returncode == 1
    assert "sudo apt-get install python3 python3-venv python3-dev" in refused.stderr


def test_the_base_of_a_virtual_environment_is_chosen(path: Path) -> None:
    _program(path / "python3.11", f'exec {sys.executable} "$@"')

    assert _run(path, "--python").stdout.strip() == BASE


def test_a_python_that_is_requested_but_does_not_fit_is_refused(path: Path) -> None:
    _program(path / "python3.11", f'exec {BASE} "$@"')
    _program(path / "other", "exit 1")

    refused = _run(path, "--python", PYTHON=str(path / "other"))

    assert refused.returncode == 1
    assert "is none of 3.11, 3.12 and 3.13" in refused.stderr


def test_the_command_that_installs_what_is_missing_is_named(path: Path) -> None:
    _program(path / "python3.11", f'exec {BASE} "$@"')
    for name in ("git", "make", "g++", "pkg-config", "mvn", "setpriv", "npm", "faketime"):
        _program(path / name, "exit 0")

    missing = _run(path)

    assert missing.returncode == 1
    assert "sudo apt-get install default-jre-headless" in missing.stderr
    assert _run(path, "--packages").stdout.split() == ["default-jre-headless"]
