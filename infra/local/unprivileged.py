"""Runs PostgreSQL without root rights when the stack itself is run by root, as in a container.

PostgreSQL refuses to run as root. It then runs as uid 65534, which every system has as `nobody`.
If that uid may not enter the folders above the data (a checkout below a home of mode 0700), the
server runs in a user namespace, in which the files of root belong to an ordinary user.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from infra.programs import required_program

NOBODY: Final = 65_534


def prefix(*paths: Path) -> list[str]:
    """Returns the command that goes in front of a program which uses these paths."""
    if os.geteuid() != 0:
        return []
    if server_uid(*paths) == NOBODY:
        return [
            required_program("setpriv", "util-linux"),
            f"--reuid={NOBODY}",
            f"--regid={NOBODY}",
            "--clear-groups",
        ]
    return [
        required_program("unshare", "util-linux"),
        "--user",
        f"--map-user={NOBODY}",
        f"--map-group={NOBODY}",
    ]


def server_uid(*paths: Path) -> int:
    """Returns the uid of a server that uses these paths, as seen outside a user namespace."""
    if os.geteuid() != 0:
        return os.geteuid()
    is_open = all(_is_open_to_others(folder) for path in paths for folder in _with_parents(path))
    return NOBODY if is_open else 0


def change_owner(path: Path, uid: int) -> None:
    """Gives a file to `uid`. Does nothing without root rights."""
    if os.geteuid() == 0:
        os.chown(path, uid, uid, follow_symlinks=False)


def _with_parents(path: Path) -> Iterator[Path]:
    yield path
    yield from path.parents


def _is_open_to_others(folder: Path) -> bool:
    return not folder.exists() or bool(folder.stat().st_mode & stat.S_IXOTH)
