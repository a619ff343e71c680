"""Adds the tables of signed license documents and of the keys that they verify with."""

from pathlib import Path

from chassis.store.migrations import apply

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Adds them. Documents of earlier licenses are signed and kept when they are first read."""
    apply(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
