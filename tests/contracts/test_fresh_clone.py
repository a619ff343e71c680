"""The contracts compile from the committed files alone, and name the packages of Go."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from checks import project_files
from infra.cache import CHECKOUT

BUF = Path(sys.executable).with_name("buf")
CONTRACTS = [
    path for path in project_files.files() if path.suffix == ".proto" and path.parts[0] == "protos"
]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The committed files that buf reads, in a folder without anything that a command made."""
    for path in project_files.files():
        if path.name == "buf.yaml" or path.parts[0] in ("protos", "third_party"):
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(CHECKOUT / path, tmp_path / path)
    return tmp_path


@pytest.mark.parametrize("arguments", [("build",), ("lint",)])
def test_buf_works_in_a_fresh_clone_without_a_network(
    clone: Path, arguments: tuple[str, ...]
) -> None:
    # The cache is empty, and the proxy of every download is an address on which nothing listens.
    alone = {"HOME": str(clone / "home"), "HTTPS_PROXY": "http://127.0.0.1:1"}

    ran = subprocess.run(
        [BUF, *arguments],
        cwd=clone,
        env={"PATH": os.environ["PATH"], **alone},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ran.returncode, ran.stdout + ran.stderr) == (0, "")


@pytest.mark.parametrize("path", CONTRACTS, ids=str)
def test_every_contract_names_its_go_package(path: Path) -> None:
    service = path.parts[2]
    package = f"safeconduct.example/gen/safeconduct/{service}/v1;{service}v1"

    assert f'\noption go_package = "{package}";\n' in (CHECKOUT / path).read_text("utf-8")
