"""The package, installed from its wheel and its lock, on every Python version that it supports."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from infra.local.certificate_authority import Identity
from tests.sdk.cli.running import SDK
from tests.sdk.fake_services import APPLICATION, LICENSE, FakeServices
from tests.sdk.servers import serving
from tests.sdk.test_gate import standing

PROJECT = tomllib.loads((SDK / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LANGUAGE = "Programming Language :: Python :: "
VERSIONS = [
    text.removeprefix(LANGUAGE)
    for text in PROJECT["classifiers"]
    if text.startswith(f"{LANGUAGE}3.")
]
UV = Path(sys.executable).parent / "uv"
VECTORS = SDK / "conformance" / "gate_vectors.json"
PROGRAM = Path(__file__).with_name("on_an_interpreter.py")


def interpreter(version: str) -> str | None:
    """The path of an interpreter of this version: on PATH, or among those of pyenv."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    candidates = [shutil.which(f"python{version}")]
    candidates += [str(path) for path in pyenv.glob(f"versions/{version}.*/bin/python{version}")]
    for candidate in filter(None, candidates):
        probe = [candidate, "-c", "import sys, ssl; print('%d.%d' % sys.version_info[:2])"]
        found = subprocess.run(probe, capture_output=True, text=True, timeout=30, check=False)
        if found.stdout.strip() == version:
            return candidate
    return None


@pytest.fixture(scope="module")
def wheel(run_folder: Path) -> Path:
    """The package as it would be published."""
    folder = run_folder / "wheel"
    subprocess.run([UV, "build", "--quiet", "--wheel", SDK, "--out-dir", folder], check=True)
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture
def installed(version: str, wheel: Path, tmp_path: Path) -> Path:
    """The folder of the programs of an environment that holds the package and its locked needs."""
    found = interpreter(version)
    if found is None:
        pytest.skip(f"no Python {version} on this machine")
    environment = tmp_path / "environment"
    lock = SDK / "requirements.lock"
    install = [UV, "pip", "install", "--quiet", "--python", environment]
    subprocess.run([UV, "venv", "--quiet", "--python", found, environment], check=True)
    subprocess.run([*install, "--require-hashes", "-r", lock], check=True)
    subprocess.run([*install, "--no-deps", wheel], check=True)
    return environment / "bin"


@pytest.mark.parametrize("version", VERSIONS)
async def test_client_gate_and_command_work_on_every_supported_version(
    installed: Path, server_files: Identity, partner_files: Identity, tmp_path: Path
) -> None:
    services = FakeServices()
    in_force = standing(LICENSE)
    in_force.not_after.FromJsonString("2199-01-01T00:00:00Z")
    services.standing.publish(in_force)
    shutil.copytree(
        SDK / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns("node_modules")
    )
    access = [
        "--model", "example-frontier-1", "--access", "HOSTED_ACCESS", "--destination", "DE",
        "--end-use", "HEALTHCARE",
    ]  # fmt: skip
    key = tmp_path / "examples" / "keys" / "signatory.pem"
    key.unlink(missing_ok=True)

    async with serving(server_files, services.register) as port:
        environ = {f"SAFECONDUCT_{name}": f"127.0.0.1:{port}"
                   for name in ("APPLICATIONS", "SCREENING", "ENFORCEMENT")}  # fmt: skip
        environ |= {
            "SAFECONDUCT_CA": str(partner_files.ca),
            "SAFECONDUCT_CERT": str(partner_files.cert),
            "SAFECONDUCT_KEY": str(partner_files.key),
        }

        async def start(program: str, *arguments: str) -> asyncio.subprocess.Process:
            return await asyncio.create_subprocess_exec(
                installed / program, *arguments, cwd=tmp_path, env=environ,
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            )  # fmt: skip

        async def run(*arguments: str) -> int:
            process = await start("safeconduct", *arguments)
            _, err = await asyncio.wait_for(process.communicate(), 60)
            print(err.decode())
            return process.returncode or 0

        codes = [
            await run("--help"),
            await run("applications", "keygen", "--out", str(key)),
            await run("applications", "submit", "examples/hospital-hosted-access.yaml"),
            await run("applications", "list"),
            await run("gates", "check", LICENSE, *access),
        ]
        program = await start("python", "-I", "-W", "error", str(PROGRAM), LICENSE, str(VECTORS))
        assert program.stderr is not None
        first = await asyncio.wait_for(program.stderr.readline(), 60)
        services.standing.publish(standing(LICENSE, version=2, state="REVOKED"))
        out, err = await asyncio.wait_for(program.communicate(), 60)

    assert codes == [0, 0, 0, 0, 0]
    assert (first, program.returncode) == (b"version 1\n", 0), first.decode() + err.decode()
    found = json.loads(out)
    assert found.pop("modules") > 50
    assert found == {
        "wrongVectors": [],
        "gate": ["ALLOWED", "REVOKED"],
        "application": APPLICATION,
        "signature": True,
        "isText": True,
    }


def test_the_oldest_and_the_newest_version_are_those_of_the_project_file() -> None:
    assert PROJECT["requires-python"] == f">={VERSIONS[0]}"
    assert VERSIONS == ["3.10", "3.11", "3.12", "3.13", "3.14"]
