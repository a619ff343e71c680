"""Every relative link between documents has a target."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from checks import project_files
from infra.cache import CHECKOUT

PAGES = [path for path in project_files.files() if path.suffix == ".md"]


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    text = (CHECKOUT / page).read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#\s]+)", text) if "://" not in link]

    assert [link for link in links if not (CHECKOUT / page.parent / link).exists()] == []
