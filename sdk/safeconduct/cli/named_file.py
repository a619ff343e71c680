"""Reads the files that a command names, with one error for all that is wrong with them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import IO, Final

from safeconduct.bounded_file import open_regular, read_bounded
from safeconduct.cli.parsed_file import Fault, FileError

PIECE: Final = 1024 * 1024


def content_of(file: Path, max_bytes: int) -> bytes:
    """Returns the content of a regular file.

    Raises FileError if it is missing, unreadable, no regular file or larger than `max_bytes`.
    """
    try:
        return read_bounded(file, max_bytes)
    except OSError as error:
        raise _unusable(file, error) from error


def open_named(file: Path) -> IO[bytes]:
    """Opens a regular file. Raises FileError if it is missing, unreadable or no regular file."""
    try:
        return open_regular(file)
    except OSError as error:
        raise _unusable(file, error) from error


def sha256_of(file: Path) -> bytes:
    """Returns the digest of a regular file of any size, in the memory of one piece.

    Raises FileError if it is missing, unreadable or no regular file.
    """
    digest = hashlib.sha256()
    try:
        with open_regular(file) as opened:
            while piece := opened.read(PIECE):
                digest.update(piece)
    except OSError as error:
        raise _unusable(file, error) from error
    return digest.digest()


def _unusable(file: Path, error: OSError) -> FileError:
    return FileError(file, (Fault("", error.strerror or "cannot be read"),))
