"""Adds what lists are filtered and sorted by, and their summaries.

`rebuild` fills the rows from before.
"""

from chassis.store.migrations import add_columns, create_index

revision = "0008"
down_revision = "0007"

COLUMNS = {
    "license_ends_at": "timestamptz",
    "license_state": "text",
    "party_words": "text[]",
    "countries": "text[]",
    "model_ids": "text[]",
    "rule_ids": "text[]",
    "tier": "smallint",
    "summary": "bytea",
    "license_summary": "bytea",
}
WAITING = "state in ('UNDER_REVIEW', 'INTENT_TO_DENY', 'PENDING_COUNTERSIGN')"
INDEXES = {
    "stream_newest": "stream (submitted_at desc, id desc)",
    "stream_in_state": "stream (state, submitted_at desc, id desc)",
    "stream_waiting_oldest": f"stream (submitted_at, id) where {WAITING}",
    "stream_waiting_in_tier": f"stream (tier, submitted_at, id) where {WAITING}",
    "stream_licensed_newest": "stream (licensed_at desc, id desc) where license_id is not null",
    "stream_license_ends": "stream (license_ends_at, id) where license_ends_at is not null",
    "stream_license_ends_of_partner": (
        "stream (partner_id, license_ends_at, id) where license_ends_at is not null"
    ),
    # A search reads the list of pending entries whole, so it stays short (256 kB).
    "stream_listed_by": (
        "stream using gin (party_words, countries, model_ids, rule_ids)"
        " with (gin_pending_list_limit = 256)"
    ),
}


def upgrade() -> None:
    """Adds the columns, nullable, and the indexes, without a lock on writers."""
    add_columns("stream", COLUMNS)
    for name, definition in INDEXES.items():
        create_index(name, definition)
