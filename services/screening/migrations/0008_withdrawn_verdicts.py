"""Adds to each hit when officers cleared it, which verdict cleared it, and the latest withdrawal.

Rows from before have none of them. Their verdicts are remembered from the time at which the hit was
found, until `rebuild` has filled the columns.
"""

from chassis.store.migrations import apply

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Adds three columns that the release before does not write, and the indexes of their use."""
    apply(
        """
        alter table hit add column cleared_at timestamptz;
        alter table hit add column remembered_hit_id uuid;
        alter table hit add column withdrawn_at timestamptz;
        create index hit_withdrawn on hit (party_content, entry_content)
         where withdrawn_at is not null or state = 'CONFIRMED';
        create index hit_remembered on hit (remembered_hit_id) where remembered_hit_id is not null;
        """
    )
