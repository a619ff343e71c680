"""Adds state schemas, the fence of consumed events, and parked records.

Publishes every LicenseIssued again: the standings of earlier releases name models without forms of
access, and enforcement completes them from these records.
"""

import sqlalchemy
from alembic import op

from chassis.store.migrations import apply, journal_sql
from chassis.store.outbox import shard_of

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Adds them."""
    apply(journal_sql("releases"))
    licenses = op.get_bind().execute(
        sqlalchemy.text("select stream_id, version from event where name = 'LicenseIssued'")
    )
    outbox = sqlalchemy.table("outbox", *map(sqlalchemy.column, ("shard", "stream_id", "version")))
    rows = [
        {"shard": shard_of(each.stream_id), "stream_id": each.stream_id, "version": each.version}
        for each in licenses
    ]
    if rows:
        op.bulk_insert(outbox, rows)
