"""Events name their partner, so that a partner's watch reads its own events only.

Rows of earlier releases, and those that replicas of the release before still write, have none.
The change feed finds their partner in table `stream`.
"""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Adds column and index. Writers are not locked out while the index is built."""
    op.execute("alter table event add column if not exists partner_id text")
    with op.get_context().autocommit_block():
        # One that an interrupted build has left would be invalid.
        op.execute("drop index concurrently if exists event_of_partner")
        op.execute(
            "create index concurrently event_of_partner on event (partner_id, xid, position)"
        )
