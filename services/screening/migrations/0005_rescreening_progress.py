"""Renames table `coverage` to `rescreening_progress`. No row changes."""

from pathlib import Path

from chassis.store.migrations import apply

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Renames the table, its index and its constraints."""
    apply(Path(__file__).with_suffix(".sql").read_text())
