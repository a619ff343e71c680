"""Adds state schemas, the fence of consumed events, and parked records. No row changes."""

from chassis.store.migrations import apply, journal_sql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Adds them."""
    apply(journal_sql("releases"))
