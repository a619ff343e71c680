"""The partner registry of a local stack."""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import Final

_WRITING: Final = Lock()


def add_partner(path: Path, partner_id: str) -> None:
    """Adds an active partner to the registry unless it has it in whatever state.

    The file is replaced as a whole: services that read it at the same time find a valid one.
    """
    with _WRITING:
        text = path.read_text()
        if f"{{id: {partner_id}," in text:
            return
        draft = path.with_suffix(".new")
        draft.write_text(f"{text.rstrip()}\n  - {{id: {partner_id}, state: ACTIVE}}\n")
        draft.replace(path)
