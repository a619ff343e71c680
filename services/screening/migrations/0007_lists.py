"""Adds what hits are listed by, and their summaries. `rebuild` fills the rows from before."""

from chassis.store.migrations import add_columns, create_index

revision = "0007"
down_revision = "0006"

COLUMNS = {
    "partner_id": "text",
    "list_code": "text",
    "strength": "text",
    "words": "text",
    "summary": "bytea",
}
NEWEST = "found_at desc, hit_id desc"
INDEXES = {
    "hit_of_partner": f"hit (partner_id, {NEWEST})",
    "hit_of_list": f"hit (list_code, {NEWEST})",
    "hit_of_strength": f"hit (strength, {NEWEST})",
    # A search reads the list of pending entries whole, so it stays short (256 kB).
    "hit_words": (
        "hit using gin (string_to_array(words, ' ')) with (gin_pending_list_limit = 256)"
    ),
}


def upgrade() -> None:
    """Adds the columns, nullable, and the indexes, without a lock on writers."""
    add_columns("hit", COLUMNS)
    for name, definition in INDEXES.items():
        create_index(name, definition)
