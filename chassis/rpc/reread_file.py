"""A value from a file that is read again when the file changes."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Final, Generic, TypeVar

import structlog

RELOAD_SECONDS: Final = 1.0
"""Time after which a change is looked for."""

T = TypeVar("T")

log = structlog.get_logger()


class RereadFile(Generic[T]):
    """The value of one file. A changed file is noticed within RELOAD_SECONDS.

    `read` raises a ValueError whose text names every fault. If a new file is invalid or missing,
    that is logged as `NAME_file_rejected` and the last valid value stays. Raises the error of
    `read` if the first file is invalid.
    """

    def __init__(self, path: Path, name: str, read: Callable[[Path], T]) -> None:
        self._path, self._read = path, read
        self._rejected, self._accepted = f"{name}_file_rejected", f"{name}_file_read"
        self._signature = _signature(path)
        self._value = read(path)
        self._checked_at = time.monotonic()

    def current(self) -> T:
        """Returns the value that the file gives now."""
        if time.monotonic() - self._checked_at >= RELOAD_SECONDS:
            self.refresh()
        return self._value

    def refresh(self) -> T:
        """Reads the file again if it has changed since it was last read. Returns the value."""
        self._checked_at = time.monotonic()
        signature = _signature(self._path)
        if signature == self._signature:
            return self._value
        # The signature of an invalid file is kept, too: one log line a file, not one a second.
        self._signature = signature
        try:
            self._value = self._read(self._path)
        except ValueError as error:
            log.error(self._rejected, faults=str(error))  # noqa: TRY400 - the text names all
        else:
            log.info(self._accepted)
        return self._value


def _signature(path: Path) -> Hashable:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
