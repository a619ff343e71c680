"""The examples in Go and TypeScript: generated from committed files, they submit an application."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from safeconduct import conduct
from safeconduct.applications.v1 import model_pb2
from safeconduct.client import Client

from checks import project_files
from infra.cache import CHECKOUT
from infra.local.stack import Stack
from tests.docs.readme import blocks

BIN = Path(sys.executable).parent
PARTNER = "partner/example-1"
CONTRACTS = ("buf.yaml", "protos/safeconduct/", "third_party/")
OLDEST_GO = (1, 25)
OLDEST_NODE = (20,)
SECONDS = 900.0


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The committed contracts and examples; what the examples generate stays in this folder."""
    for path in project_files.files():
        if str(path).startswith((*CONTRACTS, "sdk/examples/")):
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(CHECKOUT / path, tmp_path / path)
    return tmp_path


@pytest.fixture
def environ(stack: Stack, clone: Path) -> dict[str, str]:
    """The partner's variables, with a signatory's key."""
    key = clone / "signatory.pem"
    conduct.save_key(conduct.generate_key(), key)
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, **stack.client_env(PARTNER), "PATH": path, "SIGNATORY_KEY": str(key)}


def require(program: str, arguments: str, oldest: tuple[int, ...]) -> None:
    """Skips the test unless the program is installed in this version or a later one."""
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    printed = subprocess.run([program, arguments], capture_output=True, text=True, check=True)
    version = tuple(int(part) for part in re.findall(r"\d+", printed.stdout)[: len(oldest)])
    if version < oldest:
        pytest.skip(f"the example needs {program} {oldest}, and this machine has {version}")


def run(clone: Path, environ: Mapping[str, str], example: str) -> subprocess.CompletedProcess[str]:
    """Runs the block of the page that enters the folder of this example."""
    page = (CHECKOUT / "docs" / "other-languages.md").read_text(encoding="utf-8")
    (block,) = (each for each in blocks("sh", page) if f"cd sdk/examples/{example}\n" in each)
    return subprocess.run(
        ["bash", "-euc", block],
        cwd=clone,
        env=environ,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


async def assert_submitted(
    ran: subprocess.CompletedProcess[str], partner: Client, key: Path
) -> None:
    """The application that the example printed is stored, with everything that it wrote."""
    assert ran.returncode == 0, ran.stdout + ran.stderr
    application_id, state = ran.stdout.splitlines()[-1].split()
    stored = await partner.applications.get(application_id)
    parties = stored.details.parties

    assert state.endswith("SCREENING")
    assert [party.party_id for party in parties] == ["applicant", "end-user", "signatory"]
    assert parties[2].signing_authority.public_key == conduct.load_public_key(key)
    assert list(stored.details.end_uses) == [model_pb2.END_USE_HEALTHCARE]
    assert stored.details.monthly_million_tokens == 100


async def test_the_commands_for_go_submit_an_application(
    clone: Path, environ: dict[str, str], client_of: Callable[[str], Client]
) -> None:
    require("go", "version", OLDEST_GO)

    ran = run(clone, environ, "go")

    await assert_submitted(ran, client_of(PARTNER), Path(environ["SIGNATORY_KEY"]))


def test_the_client_in_go_prints_the_reason_of_a_refusal(
    clone: Path, environ: dict[str, str], stack: Stack
) -> None:
    require("go", "version", OLDEST_GO)

    ran = run(clone, {**environ, **stack.client_env("officer/licensing-1")}, "go")

    assert ran.returncode != 0
    assert "ROLE_MISSING" in ran.stderr.splitlines()


async def test_the_commands_for_typescript_submit_an_application(
    clone: Path, environ: dict[str, str], client_of: Callable[[str], Client]
) -> None:
    require("node", "--version", OLDEST_NODE)
    require("npm", "--version", ())

    ran = run(clone, environ, "typescript")

    await assert_submitted(ran, client_of(PARTNER), Path(environ["SIGNATORY_KEY"]))
