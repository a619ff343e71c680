"""Reads a list file in any of the published layouts.

A list of your own may be small, so the least number of parties that the service requires of a
publisher's list is not required here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import assert_never

from services.screening.core.lists import csl, ofac, opensanctions, un
from services.screening.core.lists.parsed_list import Part, archived
from services.screening.core.model import Entry


class Layout(StrEnum):
    """Layout of a list file."""

    CSL = "csl"
    SDN = "sdn"
    UN = "un"
    TARGETS_SIMPLE = "targets-simple"


def read_list(layout: Layout, files: Mapping[Part, Path]) -> tuple[Entry, ...]:
    """Returns all parties of a list. Files may be gzip-compressed.

    Only the SDN list has files besides PRIMARY: alternative names (ALT) and addresses (ADD), both
    optional here. Raises ListUnreadable if a file is empty, truncated or not in its layout, and
    OSError if it cannot be opened.
    """
    contents = {part: path.read_bytes() for part, path in files.items()}
    primary = contents[Part.PRIMARY]
    match layout:
        case Layout.CSL:
            return csl.read_entries(primary, minimum=1)
        case Layout.SDN:
            return ofac.read_entries(archived(contents), needed=frozenset(contents))
        case Layout.UN:
            return un.read_entries(primary)
        case Layout.TARGETS_SIMPLE:
            return opensanctions.read_entries(primary, code_of(files[Part.PRIMARY]))
        case _:
            assert_never(layout)


def code_of(file: Path) -> str:
    """Returns the code of a list whose file has none: the beginning of the file's name."""
    return re.sub(r"\W+", "_", file.name.partition(".")[0]) or "list"


def published_id(entry_id: str) -> str:
    """Returns an entry's id as in the file, without the list code in front of it."""
    return entry_id.partition("-")[2]
