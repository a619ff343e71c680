"""Reads a list file in any of the published layouts. Knows files and layouts, nothing of matching.

A list of one's own may be small: the least number of parties that the service asks of a publisher's list is not asked.
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
    """How a list file is published."""

    CSL = "csl"
    SDN = "sdn"
    UN = "un"
    TARGETS_SIMPLE = "targets-simple"


def read_list(layout: Layout, files: Mapping[Part, Path]) -> tuple[Entry, ...]:
    """Every party of a list. Files may be gzip-compressed.

    Only the SDN list has files besides PRIMARY: alternative names (ALT) and addresses (ADD), both optional here.
    Raises ListUnreadable when a file is empty, cut short or not in its layout; OSError when it cannot be opened.
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
    """The code of a list whose file does not name it: the beginning of the file's own name."""
    return re.sub(r"\W+", "_", file.name.partition(".")[0]) or "list"


def published_id(entry_id: str) -> str:
    """An entry's id as it stands in the file; inside Safeconduct the code of its list stands before it."""
    return entry_id.partition("-")[2]
