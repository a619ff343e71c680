"""Adds the version at which an application was compared."""

from pathlib import Path

from chassis.store.migrations import apply

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Adds the column."""
    apply(Path(__file__).with_suffix(".sql").read_text())
