"""Which reader reads which format, and what a version changes against another. Knows no layout itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import assert_never

from services.screening.core.lists import csl, ofac, opensanctions, un
from services.screening.core.lists.versions import ListFormat
from services.screening.core.model import Entry


def read(kind: ListFormat, list_code: str, content: bytes) -> tuple[Entry, ...]:
    """Every party of a list as it is kept. Raises ListUnreadable with its flaw."""
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
    """What changes from one set of entries to another: entries as they are now, and ids of those that are gone."""

    added: tuple[Entry, ...]
    changed: tuple[Entry, ...]
    removed: tuple[str, ...]

    @property
    def to_screen(self) -> tuple[Entry, ...]:
        """Entries that may be somebody whom they were not before."""
        return (*self.added, *self.changed)


def delta(before: Iterable[Entry], after: Iterable[Entry]) -> Delta:
    """What changes, by id and content."""
    old = {entry.entry_id: entry.content_hash for entry in before}
    new = {entry.entry_id: entry for entry in after}
    return Delta(
        added=tuple(entry for entry_id, entry in new.items() if entry_id not in old),
        changed=tuple(
            e for entry_id, e in new.items() if entry_id in old and old[entry_id] != e.content_hash
        ),
        removed=tuple(entry_id for entry_id in old if entry_id not in new),
    )
