"""The README of the package: its commands run, and its program runs, as they stand."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import shutil
import sys
from pathlib import Path

import pytest

from infra.local.certificate_authority import Identity
from tests.sdk.fake_services import APPLICATION, LICENSE, FakeServices
from tests.sdk.servers import serving
from tests.sdk.test_gate import standing

SDK = Path(__file__).resolve().parents[2] / "sdk"
BLOCKS = dict(
    re.findall(r"```(\w*)\n(.*?)```", (SDK / "README.md").read_text(encoding="utf-8"), re.DOTALL)
)


@pytest.fixture
def services() -> FakeServices:
    """Everything approved, to be signed, and the license in force."""
    services = FakeServices()
    services.application.acceptance_text = b"I accept"
    services.application.code_of_conduct.version = "1.0"
    in_force = standing(LICENSE)
    in_force.not_after.FromJsonString("2199-01-01T00:00:00Z")
    services.standing.publish(in_force)
    return services


async def execute(folder: Path, files: Identity, port: int, *arguments: str) -> str:
    names = ("APPLICATIONS", "SCREENING", "ENFORCEMENT")
    environ = {
        **{
            name: value for name, value in os.environ.items() if not name.startswith("SAFECONDUCT_")
        },
        **{f"SAFECONDUCT_{name}": f"127.0.0.1:{port}" for name in names},
        "SAFECONDUCT_CA": str(files.ca),
        "SAFECONDUCT_CERT": str(files.cert),
        "SAFECONDUCT_KEY": str(files.key),
        "PYTHONPATH": str(SDK),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, cwd=folder, env=environ,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, (arguments, err.decode())
    return out.decode()


async def test_the_commands_and_then_the_program_of_the_readme_run(
    services: FakeServices, server_files: Identity, partner_files: Identity, tmp_path: Path
) -> None:
    shutil.copytree(
        SDK / "examples",
        tmp_path / "sdk" / "examples",
        ignore=shutil.ignore_patterns("*.pem", "node_modules"),
    )
    lines = [shlex.split(line) for line in BLOCKS[""].splitlines()]
    said = {"APPLICATION": APPLICATION, "LICENSE": LICENSE}

    async with serving(server_files, services.register) as port:
        for program, *words in lines:
            assert program == "safeconduct"
            arguments = [said.get(word, word) for word in words]
            await execute(tmp_path, partner_files, port, "-m", "safeconduct.cli", *arguments)
        printed = await execute(tmp_path, partner_files, port, "-c", BLOCKS["python"])

    assert "Verdict(allowed=True" in printed
