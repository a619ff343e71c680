"""A shell that runs commands in sequence, as a reader of the README does."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

SECONDS = 120.0


class Shell:
    """A bash that keeps its variables between commands."""

    def __init__(self, bash: subprocess.Popen[str]) -> None:
        self._bash = bash

    def run(self, command: str) -> tuple[int, str]:
        """Runs one command; returns exit code and output. Kills the shell after SECONDS."""
        assert self._bash.stdin is not None
        assert self._bash.stdout is not None
        # Standard input is empty, or the command would read the next commands.
        self._bash.stdin.write(f"{{ {command}\n}} </dev/null\nprintf '\\n{_MARK} %s\\n' $?\n")
        self._bash.stdin.flush()
        lines: list[str] = []
        timer = Timer(SECONDS, self._bash.kill)
        timer.start()
        try:
            for line in self._bash.stdout:
                if line.startswith(_MARK):
                    return int(line.split()[1]), "".join(lines)
                lines.append(line)
        finally:
            timer.cancel()
        return -1, "".join(lines)


_MARK = "--exit-code-of-the-command--"


@contextmanager
def shell(folder: Path) -> Iterator[Shell]:
    """Opens a shell in the folder, without SAFECONDUCT_ variables of the environment."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("SAFECONDUCT_")}
    with subprocess.Popen(
        ["bash", "--noprofile", "--norc", "-o", "pipefail"],
        cwd=folder,
        env={**env, "COLUMNS": "200"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as bash:
        yield Shell(bash)
        assert bash.stdin is not None
        bash.stdin.close()
        bash.wait(SECONDS)
