"""The files of the project: those that git tracks or, without git, those that no tool made."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from checks.check import ROOT

_MADE: Final = frozenset(
    {".git", ".venv", ".cache", ".run", "build", "gen", "__pycache__", "node_modules"}
)


@cache
def files() -> tuple[Path, ...]:
    """Returns all files, relative to the root. New files count unless git ignores them."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        found = (path.relative_to(ROOT) for path in ROOT.rglob("*"))
        names = [path for path in found if not _MADE & set(path.parts)]
    else:
        names = [Path(name) for name in listed.stdout.split("\0") if name]
    return tuple(sorted(path for path in names if (ROOT / path).is_file()))


def texts() -> Iterator[tuple[Path, str]]:
    """Yields each text file with its content."""
    for path in files():
        try:
            yield path, (ROOT / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
