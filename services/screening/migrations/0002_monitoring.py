"""What applications are compared with later, and the hits that officers judge."""

from pathlib import Path

from chassis.store.migrations import apply

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Adds it."""
    apply(Path(__file__).with_suffix(".sql").read_text())
