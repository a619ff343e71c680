"""The package installs alone: what it imports is what it declares."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import safeconduct
from packaging.requirements import Requirement
from safeconduct.channel import SENT_ONCE

SDK = Path(safeconduct.__file__).resolve().parents[1]

PROBE = """
import sys
sys.path.insert(0, sys.argv[1])

class OnlyDeclared:
    def find_spec(self, name, path=None, target=None):
        root = name.partition(".")[0]
        allowed = {"safeconduct", "buf", *sys.argv[3].split(",")}
        if root in sys.stdlib_module_names or root in allowed:
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


def test_the_lower_bounds_of_grpcio_and_protobuf_are_those_of_the_generated_code() -> None:
    declared = tomllib.loads((SDK / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    stub = (SDK / "safeconduct/applications/v1/service_pb2_grpc.py").read_text(encoding="utf-8")
    messages = (SDK / "safeconduct/applications/v1/service_pb2.py").read_text(encoding="utf-8")
    (grpc_version,) = re.findall(r"^GRPC_GENERATED_VERSION = '(.+)'", stub, re.MULTILINE)
    (protobuf_version,) = re.findall(r"^# Protobuf Python Version: (.+)", messages, re.MULTILINE)

    assert f"grpcio>={grpc_version},<2" in declared["dependencies"]
    assert f"protobuf>={protobuf_version},<8" in declared["dependencies"]


def test_the_lock_of_the_package_has_every_dependency_with_hashes() -> None:
    lock = (SDK / "requirements.lock").read_text(encoding="utf-8")
    declared = tomllib.loads((SDK / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = [declared["dependencies"], *declared["optional-dependencies"].values()]
    locked = {
        (name, version) for name, version in re.findall(r"^([a-z0-9-]+)==(\S+)", lock, re.MULTILINE)
    }

    for text in [text for group in groups for text in group]:
        requirement = Requirement(text)
        versions = [version for name, version in locked if name == requirement.name]
        assert versions, text
        assert all(requirement.specifier.contains(version) for version in versions), text
    assert "--index-url" not in lock


def test_streams_of_requests_are_never_retried_by_grpc() -> None:
    contracts = [
        importlib.import_module(f"safeconduct.{service}.v1.service_pb2").DESCRIPTOR
        for service in ("applications", "screening", "enforcement")
    ]
    streams = {
        (service.full_name, method.name)
        for contract in contracts
        for service in contract.services_by_name.values()
        for method in service.methods
        if method.client_streaming
    }

    assert set(SENT_ONCE) == streams


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
