"""The trace viewer and the Node that runs it, installed by npm from a lock with hashes.

`python -m infra.downloads.trace_viewer` downloads it unless that was done before.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from infra.cache import CACHE, CHECKOUT, cached, is_cached
from infra.programs import DownloadError, required_program

NODE: Final = "node_modules/node/bin/node"
PROGRAM: Final = "node_modules/autotel-devtools/dist/cli.js"
_SOURCE: Final = Path(__file__).with_suffix("")
_FILES: Final = (_SOURCE / "package.json", _SOURCE / "package-lock.json")
_NAME: Final = "viewer"
_LOWEST_PRIORITY: Final = 19


def folder() -> Path:
    """Returns the folder that contains NODE and PROGRAM. The first call downloads them.

    Raises MissingProgramError without npm, DownloadError if npm fails.
    """
    return cached(_NAME, _FILES, _install)


def is_downloaded() -> bool:
    """Returns whether `folder` returns at once."""
    return is_cached(_NAME, _FILES)


def download_in_background() -> None:
    """Starts a process of the lowest priority that calls `folder`; its output is in `.cache`.

    It shares the caller's process group, so that Ctrl-C ends it as well.
    """
    with (CACHE / "viewer.log").open("w") as log:
        subprocess.Popen(
            ["nice", f"-n{_LOWEST_PRIORITY}", sys.executable, "-m", __name__],
            cwd=CHECKOUT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )


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


if __name__ == "__main__":
    folder()
