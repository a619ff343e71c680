"""The journal's tables, what its two kinds of streams are found by, and the sources of the lists."""

from pathlib import Path

from chassis.store.migrations import apply, journal_sql

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Creates everything."""
    apply(journal_sql("create"))
    apply(Path(__file__).with_suffix(".sql").read_text())
