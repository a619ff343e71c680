"""The trace viewer and the Node that runs it, installed by npm from a lock with hashes."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from infra.cache import cached
from infra.programs import DownloadError, required_program

NODE: Final = "node_modules/node/bin/node"
PROGRAM: Final = "node_modules/autotel-devtools/dist/cli.js"
_SOURCE: Final = Path(__file__).with_suffix("")
_FILES: Final = (_SOURCE / "package.json", _SOURCE / "package-lock.json")


def folder() -> Path:
    """Returns the folder that contains NODE and PROGRAM. The first call downloads them.

    Raises MissingProgramError without npm, DownloadError if npm fails.
    """
    return cached("viewer", _FILES, _install)


def _install(draft: Path) -> None:
    npm = required_program("npm", "npm")
    for file in _FILES:
        shutil.copy(file, draft / file.name)
    # The package `node` moves its binary into place in an install script; no other script runs.
    result = subprocess.run(
        [npm, "ci", "--no-audit", "--no-fund"],
        cwd=draft,
        env={**os.environ, "npm_config_update_notifier": "false"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode or not (draft / NODE).exists():
        raise DownloadError(f"npm ci failed: {(result.stderr or result.stdout)[-1_000:]}")
