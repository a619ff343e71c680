"""The package installs alone: what it imports is what it declares."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import safeconduct

SDK = Path(safeconduct.__file__).resolve().parents[1]

PROBE = """
import sys
sys.path.insert(0, sys.argv[1])

class OnlyDeclared:
    def find_spec(self, name, path=None, target=None):
        root = name.partition(".")[0]
        if root in sys.stdlib_module_names or root in {"safeconduct", "buf", *sys.argv[3].split(",")}:
            return None
        raise ModuleNotFoundError(f"{name} is not declared", name=name)

sys.meta_path.insert(0, OnlyDeclared())
import importlib
for module in sys.argv[2].split(","):
    importlib.import_module(module)
"""
ALONE = "grpc,google,typing_extensions"  # grpcio asks for typing_extensions itself


def imported(modules: str, allowed: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", PROBE, str(SDK), modules, allowed]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_client_and_gate_need_grpc_and_protobuf_and_nothing_else() -> None:
    found = imported("safeconduct.client,safeconduct.gate,safeconduct.standing", ALONE)

    assert found.returncode == 0, found.stderr


def test_signing_needs_cryptography_besides() -> None:
    assert imported("safeconduct.conduct", ALONE).returncode != 0
    assert (
        imported("safeconduct.conduct", f"{ALONE},cryptography,cffi,_cffi_backend").returncode == 0
    )


def test_the_command_without_its_extra_says_what_to_install() -> None:
    code = PROBE + "\nfrom safeconduct.cli import main\nsys.exit(main(['--help']))"
    command = [sys.executable, "-c", code, str(SDK), "safeconduct.cli", ALONE]
    found = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert found.returncode == 1
    assert "pip install 'safeconduct[cli]'" in found.stderr


def test_the_version_is_that_of_the_distribution() -> None:
    declared = tomllib.loads((SDK / "pyproject.toml").read_text(encoding="utf-8"))

    assert safeconduct.__version__ == declared["project"]["version"]


@pytest.mark.parametrize(
    "file", sorted(SDK.glob("safeconduct/**/*.py")), ids=lambda file: file.stem
)
def test_no_module_imports_the_services_or_their_plumbing(file: Path) -> None:
    text = file.read_text(encoding="utf-8")

    assert not any(
        f"{word} {room}" in text
        for word in ("from", "import")
        for room in ("services.", "chassis", "infra")
    )
