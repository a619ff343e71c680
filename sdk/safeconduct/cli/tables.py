"""Tables and colours for people.

Imports `rich`, so commands import it only when they print a table.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from safeconduct.cli.terminal_text import one_line, printable

PIPED_WIDTH: Final = 160
COLOURS: Final = {
    "APPROVED": "green",
    "ACTIVE": "green",
    "ALLOWED": "green",
    "CLEAR": "green",
    "APPROVE": "green",
    "DENIED": "red",
    "REVOKED": "red",
    "DENY": "red",
    "EXACT": "red",
    "INTENT_TO_DENY": "red",
    "SUSPENDED": "yellow",
    "UNDER_REVIEW": "yellow",
    "PENDING_COUNTERSIGN": "yellow",
    "AWAITING_SIGNATURE": "cyan",
    "POSSIBLE_MATCH": "yellow",
    "UNDETERMINED": "yellow",
    "REFER": "yellow",
    "SCREENING": "cyan",
    "OPEN": "yellow",
    "CLEARING_PROPOSED": "yellow",
    "FALSE_POSITIVE": "green",
    "CONFIRMED": "red",
    "BLOCKED": "red",
    "RED_FLAG": "yellow",
}
GAP: Final = 2
"""Spaces between two columns."""
Pairs = list[tuple[str, RenderableType]]
"""Names and values; see `pairs`."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    `whole`: its cells are never broken, because people copy them. `rank`: if the terminal is too
    narrow, columns are left out, the highest rank first; rank 0 always stays. `least`: narrowest
    useful width.
    """

    name: str
    whole: bool = False
    rank: int = 0
    least: int = 8


def console() -> Console:
    """The standard output: coloured on a terminal, plain and PIPED_WIDTH wide elsewhere."""
    return Console(
        width=None if sys.stdout.isatty() else PIPED_WIDTH, highlight=False, soft_wrap=False
    )


def show(*parts: RenderableType) -> None:
    """Prints the parts for people, one under the other."""
    out = console()
    for part in parts:
        out.print(_safe(part))


def coloured(word: str) -> Text:
    """A state or other word of the contracts in its colour."""
    return Text(printable(word), style=COLOURS.get(word, ""))


def pairs(rows: Iterable[tuple[str, RenderableType]], title: str = "") -> Table:
    """Names and values, one pair a line. Pairs with an empty value are left out.

    A value that is a plain text is one line; `listed` makes a value of several.
    """
    table = Table.grid(padding=(0, GAP))
    table.title, table.title_justify = title or None, "left"
    for name, value in rows:
        if value != "":
            table.add_row(Text(one_line(name), style="dim"), _cell(value))
    return table


def listed(texts: Iterable[str]) -> RenderableType:
    """The texts as a value of `pairs`, each in a line of its own; empty if there are none."""
    lines = [one_line(text) for text in texts]
    return Text("\n".join(lines)) if lines else ""


def rows(
    columns: Sequence[str | Column],
    lines: Iterable[Sequence[RenderableType]],
    title: str = "",
    width: int | None = None,
) -> Table:
    """A table.

    Columns of a high rank are left out if `width`, by default the terminal's, is too small.
    """
    described = [Column(one) if isinstance(one, str) else one for one in columns]
    cells = [[_cell(cell) for cell in line] for line in lines]
    kept = _that_fit(described, cells, console().width if width is None else width)
    table = Table(
        title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold"
    )
    for index in kept:
        column = described[index]
        table.add_column(column.name, overflow="fold", no_wrap=column.whole)
    for line in cells:
        table.add_row(*(line[index] for index in kept))
    hidden = [one.name for index, one in enumerate(described) if index not in kept and one.name]
    if hidden and cells:
        table.caption = f"not shown at this width: {', '.join(hidden)}"
        table.caption_justify = "left"
    return table


def _that_fit(
    columns: Sequence[Column], cells: Sequence[Sequence[RenderableType]], width: int
) -> list[int]:
    """The indexes of the columns that stay."""

    def need(index: int) -> int:
        column = columns[index]
        longest = max([len(str(line[index])) for line in cells], default=0)
        wanted = longest if column.whole else min(longest, column.least)
        return max(wanted, len(column.name))

    kept = list(range(len(columns)))
    while sum(map(need, kept)) + GAP * (len(kept) - 1) > width:
        last = max(kept, key=lambda index: (columns[index].rank, index))
        if columns[last].rank == 0:
            break
        kept.remove(last)
    return kept


def _cell(part: RenderableType) -> RenderableType:
    """Returns the content of a cell: a plain text is one line."""
    return Text(one_line(part)) if isinstance(part, str) else _safe(part)


def _safe(part: RenderableType) -> RenderableType:
    """Returns the text without markup and without control characters."""
    if isinstance(part, Text):
        # The length stays the same, so that styles keep their ranges.
        part.plain = printable(part.plain)
        return part
    return Text(printable(part)) if isinstance(part, str) else part
