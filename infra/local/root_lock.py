"""Prevents that two stacks use the same folder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class AlreadyRunningError(RuntimeError):
    """Another stack uses this folder. The message names its pid."""


@contextmanager
def root_lock(root: Path) -> Iterator[None]:
    """Locks `root` within the block. The kernel releases the lock when the process ends.

    Raises AlreadyRunningError if another process holds the lock.
    """
    with (root / "lock").open("a+", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            raise AlreadyRunningError(
                f"a stack already runs in {root} (pid {holder}); stop it, or use --root"
            ) from error
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield
