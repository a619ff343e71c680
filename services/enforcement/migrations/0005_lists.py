"""Adds what cases are listed by, and their summaries. `rebuild` fills the rows from before."""

from chassis.store.migrations import add_columns, create_index

revision = "0005"
down_revision = "0004"

COLUMNS = {
    "partner_id": "text",
    "clause": "text",
    "severity": "text",
    "credibility": "text",
    "summary": "bytea",
}
NEWEST = "opened_at desc, violation_id desc"


def upgrade() -> None:
    """Adds the columns, nullable, and the indexes, without a lock on writers."""
    add_columns("violation", COLUMNS)
    create_index("violation_of_partner", f"violation (partner_id, {NEWEST})")
    create_index("violation_of_clause", f"violation (clause, {NEWEST})")
    create_index(
        "violation_of_severity", f"violation (severity, {NEWEST}) where severity is not null"
    )
