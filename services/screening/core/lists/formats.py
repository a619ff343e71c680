"""Reads a list in any format, and compares two versions of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import assert_never

from services.screening.core.lists import csl, ofac, opensanctions, un
from services.screening.core.lists.versions import ListFormat
from services.screening.core.model import Entry


def read(kind: ListFormat, list_code: str, content: bytes) -> tuple[Entry, ...]:
    """Returns all entries of a stored list. Raises ListUnreadable."""
    match kind:
        case ListFormat.CSL_CSV:
            return csl.read_entries(content)
        case ListFormat.OFAC_SDN_CSV:
            return ofac.read_entries(content)
        case ListFormat.UN_XML:
            return un.read_entries(content)
        case ListFormat.TARGETS_SIMPLE_CSV:
            return opensanctions.read_entries(content, list_code)
        case _:
            assert_never(kind)


@dataclass(frozen=True, slots=True)
class Delta:
    """Difference of two versions: new and changed entries as they are now, ids of removed ones."""

    added: tuple[Entry, ...]
    changed: tuple[Entry, ...]
    removed: tuple[str, ...]

    @property
    def to_screen(self) -> tuple[Entry, ...]:
        """Entries that may match a party that they did not match before."""
        return (*self.added, *self.changed)


def delta(before: Iterable[Entry], after: Iterable[Entry]) -> Delta:
    """Returns the difference by entry id and content hash."""
    old = {entry.entry_id: entry.content_hash for entry in before}
    new = {entry.entry_id: entry for entry in after}
    return Delta(
        added=tuple(entry for entry_id, entry in new.items() if entry_id not in old),
        changed=tuple(
            entry
            for entry_id, entry in new.items()
            if entry_id in old and old[entry_id] != entry.content_hash
        ),
        removed=tuple(entry_id for entry_id in old if entry_id not in new),
    )
