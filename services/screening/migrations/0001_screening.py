"""Creates the journal's tables, their columns for applications and lists, and list sources."""

from pathlib import Path

from chassis.store.migrations import apply, journal_sql

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Creates the tables."""
    apply(journal_sql("create"))
    apply(Path(__file__).with_suffix(".sql").read_text())
