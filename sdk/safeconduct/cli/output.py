"""How a command prints: one JSON document or JSON lines for programs, tables and colour for people."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Final

import typer
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from safeconduct.cli.plain import plain

Json = Annotated[
    bool, typer.Option("--json", help="Print JSON with the names of proto JSON, for programs.")
]
RequestId = Annotated[
    str,
    typer.Option(
        "--request-id", help="UUID of this command; repeat it to get the first answer again."
    ),
]
ValidateOnly = Annotated[
    bool, typer.Option("--validate-only", help="Check everything, change nothing.")
]
Limit = Annotated[int, typer.Option("--limit", min=1, help="Show at most so many.")]

PIPED_WIDTH: Final = 160
COLOURS: Final = {
    "APPROVED": "green", "ACTIVE": "green", "ALLOWED": "green", "CLEAR": "green", "APPROVE": "green",
    "DENIED": "red", "REVOKED": "red", "DENY": "red", "EXACT": "red", "INTENT_TO_DENY": "red",
    "SUSPENDED": "yellow", "UNDER_REVIEW": "yellow", "PENDING_COUNTERSIGN": "yellow", "AWAITING_SIGNATURE": "cyan",
    "POSSIBLE_MATCH": "yellow", "UNDETERMINED": "yellow", "REFER": "yellow", "SCREENING": "cyan", "OPEN": "yellow",
    "CLEARING_PROPOSED": "yellow", "FALSE_POSITIVE": "green", "CONFIRMED": "red",
    "BLOCKED": "red", "RED_FLAG": "yellow",
}  # fmt: skip


def example(line: str) -> str:
    """The example at the end of a command's help."""
    return f"Example: safeconduct {line}"


def proto_json(message: Message) -> dict[str, Any]:
    """A message as proto JSON. Fields without presence are there even when empty, so that programs find them."""
    document: dict[str, Any] = MessageToDict(message, always_print_fields_with_no_presence=True)
    return document


def print_json(document: Any) -> None:
    """One JSON document."""
    print(json.dumps(document, ensure_ascii=False, indent=2))


def print_line(document: Any) -> None:
    """One JSON document in one line, at once."""
    print(json.dumps(document, ensure_ascii=False), flush=True)


def console() -> Console:
    """For people: colour on a terminal, none and room enough elsewhere."""
    return Console(
        width=None if sys.stdout.isatty() else PIPED_WIDTH, highlight=False, soft_wrap=False
    )


def show(*parts: RenderableType) -> None:
    """Prints for people."""
    out = console()
    for part in parts:
        out.print(_safe(part))


def coloured(word: str) -> Text:
    """A word of the contracts in its colour."""
    return Text(plain(word), style=COLOURS.get(word, ""))


def _safe(part: RenderableType) -> RenderableType:
    """Text of ours and of others as it is: brackets are no markup, control characters no control."""
    if isinstance(part, Text):
        part.plain = plain(part.plain)  # as long as before, so that styles stay where they are
        return part
    return Text(plain(part)) if isinstance(part, str) else part


def pairs(rows: Iterable[tuple[str, RenderableType]], title: str = "") -> Table:
    """Names and values under each other; what is empty is left out."""
    table = Table.grid(padding=(0, 2))
    table.title, table.title_justify = title or None, "left"
    for name, value in rows:
        if value != "":
            table.add_row(Text(plain(name), style="dim"), _safe(value))
    return table


def rows(
    columns: Sequence[str], lines: Iterable[Sequence[RenderableType]], title: str = ""
) -> Table:
    """A table."""
    table = Table(
        title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold"
    )
    for column in columns:
        table.add_column(column, overflow="fold")
    for line in lines:
        table.add_row(*map(_safe, line))
    return table


def moment(timestamp: Timestamp) -> str:
    """ISO 8601 in UTC, to the second; empty when there is none."""
    if not timestamp.seconds and not timestamp.nanos:
        return ""
    return Timestamp(seconds=timestamp.seconds).ToJsonString()


def joined(words: Iterable[str]) -> str:
    """Words with commas."""
    return ", ".join(words)
