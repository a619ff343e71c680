"""Renames the journal's tables, columns and indexes. No row changes."""

from chassis.store.migrations import apply, journal_sql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Renames them."""
    apply(journal_sql("rename"))
