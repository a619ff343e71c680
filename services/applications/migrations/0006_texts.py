"""Adds the table of the texts that decisions rest on."""

from pathlib import Path

from chassis.store.migrations import apply

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Adds it. The texts that a release works with are stored when it starts."""
    apply(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
