"""Downloads and generated files that are made once per checkout, in folders below `.cache/`."""

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
    """Returns the folder `.cache/<name>`, filled by `make` unless it is current.

    The folder is current if it was made from source files with the same content as `sources`.
    It is complete or absent: `make` fills a draft, which is renamed when `make` has returned.
    Processes that call this at the same time wait for each other.
    """
    target = CACHE / name
    digest = _digest(sources)
    target.parent.mkdir(parents=True, exist_ok=True)
    with (target.parent / f".{target.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _is_made_from(target, digest):
            draft = target.with_name(f".{target.name}.draft")
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir()
            make(draft)
            (draft / _STAMP).write_text(digest, encoding="ascii")
            shutil.rmtree(target, ignore_errors=True)
            draft.rename(target)
    return target


def is_cached(name: str, sources: Sequence[Path]) -> bool:
    """Returns whether `cached` would return the folder at once: it is complete and current."""
    return _is_made_from(CACHE / name, _digest(sources))


def _digest(sources: Sequence[Path]) -> str:
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()


def _is_made_from(target: Path, digest: str) -> bool:
    file = target / _STAMP
    return file.exists() and file.read_text(encoding="ascii") == digest
