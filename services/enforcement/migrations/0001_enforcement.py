"""The journal's tables, and what cases are found by."""

from pathlib import Path

from chassis.store.migrations import apply, journal_sql

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Creates everything."""
    apply(journal_sql("create"))
    apply(Path(__file__).with_suffix(".sql").read_text())
