"""Reads files that a person or a configuration named: regular files only, and never without bound.

A device such as /dev/zero has no end, and a FIFO without a writer waits for ever.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import IO, Final

KEY_BYTES: Final = 64 * 1024
"""Bound of a file with keys or certificates."""


def open_regular(file: str | Path) -> IO[bytes]:
    """Opens a regular file, or a link to one, for reading.

    Raises OSError as `open` does, and for anything else with the `strerror` "not a regular file".
    """
    # Without O_NONBLOCK, opening a FIFO would wait for a writer.
    handle = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "not a regular file", str(file))
    return os.fdopen(handle, "rb")


def read_bounded(file: str | Path, max_bytes: int) -> bytes:
    """Returns the content of a regular file of at most `max_bytes`.

    Raises OSError. Its `strerror` is fit for a message, also for a file that is too large.
    """
    with open_regular(file) as opened:
        content = opened.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise OSError(errno.EFBIG, f"larger than {max_bytes} bytes", str(file))
    return content
