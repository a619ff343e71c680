"""The table of parked events. Imports `rich`, so commands import it only to print."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import RenderableType
from safeconduct.cli.tables import Column, rows

from operations.parked.events import Parked


def parked_table(parked: Iterable[Parked], width: int | None = None) -> RenderableType:
    """Returns the table, for a terminal of `width` columns; by default for standard output."""
    columns = (
        Column("PARKED EVENT", whole=True), Column("REASON", whole=True),
        Column("EVENT", whole=True, rank=1), Column("SINCE", whole=True, rank=2),
        Column("STREAM", whole=True, rank=4), Column("VERSION", rank=3), Column("ERROR", rank=5),
    )  # fmt: skip
    lines = [
        (
            each.id,
            each.event.reason,
            each.event.type,
            f"{each.parked_at:%Y-%m-%dT%H:%M:%SZ}",
            f"{each.event.source} {each.event.stream_id}",
            str(each.event.version),
            each.event.error,
        )
        for each in parked
    ]
    return rows(columns, lines, width=width)
