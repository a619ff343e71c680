"""Makes the next release: this tree with the patches of `patches/`, in an environment of its own.

The patches hold what a release may change beside a running one: a new state, field, enum member
and event type, and a column that changes by expand and contract. `docs/upgrading.md` has the rules.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from infra.cache import CHECKOUT
from infra.local.service import Release
from infra.programs import required_program

PATCHES: Final = Path(__file__).with_name("patches")
FOLDER: Final = CHECKOUT / "build" / "upgrade" / "next"
BROKEN: Final = Path(__file__).with_name("defects")
BROKEN_FOLDER: Final = CHECKOUT / "build" / "upgrade" / "broken"
_LEFT_OUT: Final = (
    ".git", ".venv", ".cache", ".run", "build", "node_modules", "__pycache__", ".*_cache",
    ".hypothesis", "*.egg-info",
)  # fmt: skip


class NextReleaseError(RuntimeError):
    """The next release could not be made. The message contains the end of the output."""


def copy_patched(folder: Path, patches: Path = PATCHES) -> None:
    """Makes `folder` this tree with all patches applied. Raises NextReleaseError if one fails."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(CHECKOUT, folder, ignore=shutil.ignore_patterns(*_LEFT_OUT), symlinks=True)
    git = required_program("git", "git")
    for patch in sorted(patches.glob("*.patch")):
        # Without the ceiling Git would find the repository around `build/` and leave out every
        # file, because the names in the patch are not below the current folder.
        env = {**os.environ, "GIT_CEILING_DIRECTORIES": str(folder.parent)}
        run([git, "apply", "--whitespace=nowarn", str(patch)], folder, env)


def make_next_release(folder: Path = FOLDER) -> Release:
    """Returns the next release in `folder`, with generated stubs and its own environment."""
    copy_patched(folder)
    (folder / ".cache").symlink_to(CHECKOUT / ".cache")
    # The generated code of this tree would be found before that of the patched one.
    env = {**os.environ, "PYTHONPATH": str(folder)}
    run([sys.executable, "protos/generate.py"], folder, env)
    return Release(folder, make_environment(folder))


def make_environment(folder: Path) -> Path:
    """Installs what the lock of `folder` names into its own `.venv`; returns the interpreter."""
    uv = _uv()
    env = {**os.environ, "VIRTUAL_ENV": str(folder / ".venv")}
    run([sys.executable, "-m", "venv", "--without-pip", ".venv"], folder, env)
    run([uv, "pip", "sync", "--quiet", "--require-hashes", "requirements.lock"], folder, env)
    run([uv, "pip", "install", "--quiet", "--no-deps", "-e", ".", "-e", "sdk"], folder, env)
    return folder / ".venv" / "bin" / "python"


def make_broken_release(folder: Path = BROKEN_FOLDER) -> Release:
    """Returns this release with a defect: applications cannot handle any ScreeningCompleted.

    It uses the environment of this release: only the code of a service differs.
    """
    copy_patched(folder, BROKEN)
    return Release(folder, Path(sys.executable))


def _uv() -> str:
    beside = Path(sys.executable).with_name("uv")
    return str(beside) if beside.exists() else required_program("uv", "python3-uv")


def run(argv: Sequence[str], folder: Path, env: dict[str, str]) -> None:
    """Runs a program in `folder`. Raises NextReleaseError if it does not end with 0."""
    result = subprocess.run(
        argv, cwd=folder, env=env, capture_output=True, text=True, check=False
    )  # fmt: skip
    if result.returncode:
        output = (result.stdout + result.stderr)[-4_000:]
        raise NextReleaseError(f"{' '.join(argv)} failed with {result.returncode}:\n{output}")
