"""Adds the table of the newest standings, one row for each license.

A trigger fills it with each event, so that it also follows the replicas of the release before. The
rows of earlier events are added afterwards, while writers go on.
"""

from pathlib import Path

from alembic import op

from chassis.store.migrations import apply

revision = "0006"
down_revision = "0005"

_EARLIER = """
insert into standing (license_id, version, payload)
select license.id, newest.version, newest.payload
  from stream license
 cross join lateral (
   select version, payload from event
    where stream_id = license.id and name = 'StandingChanged' order by version desc limit 1
 ) newest
on conflict (license_id) do nothing
"""


def upgrade() -> None:
    """Adds table and trigger, then the rows of all licenses."""
    apply(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
    with op.get_context().autocommit_block():
        # The trigger works by now: a license that it has written since has its newest row.
        op.execute(_EARLIER)
