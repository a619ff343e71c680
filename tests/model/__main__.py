"""`python -m tests.model` writes docs/model.md."""

from __future__ import annotations

from infra.cache import CHECKOUT
from tests.model.diagrams import page

if __name__ == "__main__":
    (CHECKOUT / "docs" / "model.md").write_text(page(), encoding="utf-8")
