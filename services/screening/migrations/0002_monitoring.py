"""Adds the progress of comparisons with new list versions, and the hits that officers judge."""

from pathlib import Path

from chassis.store.migrations import apply

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Adds a column and two tables."""
    apply(Path(__file__).with_suffix(".sql").read_text())
