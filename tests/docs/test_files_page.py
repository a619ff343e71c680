"""Every file that the documents name exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from checks import project_files
from infra.cache import CHECKOUT

PAGES = [
    path for path in project_files.files() if path.suffix == ".md" and path.name != "CHANGELOG.md"
]
_FILE = re.compile(
    r"`((?:chassis|services|sdk|operations|infra|tests|checks|protos|docs)/[\w./-]+\.[a-z]+)(?::[^`]*)?`"
)


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_file_that_a_document_names_exists(page: Path) -> None:
    named = _FILE.findall((CHECKOUT / page).read_text(encoding="utf-8"))

    assert [name for name in named if not (CHECKOUT / name).exists()] == []
