"""Adds state schemas, the fence of consumed events, and parked records.

The standings of earlier releases name models without forms of access. Applications publishes every
LicenseIssued again (its 0004), and enforcement must not skip them as handled before.

Standings and heartbeats get an outbox of their own.
"""

from pathlib import Path

from alembic import op

from chassis.store.migrations import apply, journal_sql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Adds them."""
    apply(journal_sql("releases"))
    apply(Path(__file__).with_name("0004_standing_outbox.sql").read_text())
    op.execute("delete from idempotency where method = 'event:LicenseIssued'")
