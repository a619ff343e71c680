"""Renames the journal's tables, columns and indexes. No row changes."""

from chassis.store.migrations import apply, journal_sql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Renames them."""
    apply(journal_sql("rename"))
    apply("alter index stream_waiting rename to stream_review_queue")
