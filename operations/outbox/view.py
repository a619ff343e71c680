"""The table of parked records. Imports `rich`, so commands import it only to print."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import RenderableType
from safeconduct.cli.tables import Column, rows

from operations.outbox.records import ParkedRecord


def parked_table(parked: Iterable[ParkedRecord], width: int | None = None) -> RenderableType:
    """Returns the table, for a terminal of `width` columns; by default for standard output."""
    columns = (
        Column("RECORD", whole=True), Column("REASON", whole=True), Column("BEHIND"),
        Column("SINCE", rank=1), Column("EVENT", rank=2), Column("BYTES", rank=3),
        Column("STREAM", rank=4, whole=True),
    )  # fmt: skip
    lines = [
        (
            each.id,
            each.reason,
            str(each.behind),
            each.parked_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            each.event_type,
            str(each.payload_bytes),
            str(each.stream_id or ""),
        )
        for each in parked
    ]
    return rows(columns, lines, width=width)
