"""What is fetched once per checkout: a folder below `.cache/` that is either whole and current, or not there."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

CHECKOUT: Final = Path(__file__).resolve().parents[1]
CACHE: Final = CHECKOUT / ".cache"
_STAMP: Final = ".made-from"


def cached(name: str, sources: Sequence[Path], make: Callable[[Path], None]) -> Path:
    """The folder `.cache/<name>`, filled by `make` unless it was already made from just these source files.

    Two processes that want it at once wait for each other; one that failed leaves nothing behind.
    """
    target = CACHE / name
    stamp = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    target.parent.mkdir(parents=True, exist_ok=True)
    with (target.parent / f".{target.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _is_made_from(target, stamp):
            draft = target.with_name(f".{target.name}.draft")
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir()
            make(draft)
            (draft / _STAMP).write_text(stamp, encoding="ascii")
            shutil.rmtree(target, ignore_errors=True)
            draft.rename(target)
    return target


def _is_made_from(target: Path, stamp: str) -> bool:
    file = target / _STAMP
    return file.exists() and file.read_text(encoding="ascii") == stamp
