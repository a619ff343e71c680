"""The timeline of an application as a table, and its spans as a tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text
from rich.tree import Tree

from safeconduct.applications.v1 import service_pb2 as applications
from safeconduct.cli.application_view import state_name
from safeconduct.cli.output import time_text
from safeconduct.cli.spans import Branch, decode, tree
from safeconduct.cli.tables import Column, coloured, rows, show
from safeconduct.cli.terminal_text import printable

if TYPE_CHECKING:
    from safeconduct.cli.trace import Entry, Timeline


def show_timeline(timeline: Timeline) -> None:
    """Prints the events in order of time, the links to their traces, and the tree of spans."""
    columns = (
        Column("TIME", whole=True),
        Column("SERVICE", whole=True),
        Column("EVENT", whole=True),
        Column("STATE", whole=True, rank=1),
        Column("ACTOR", rank=3, least=18),
        Column("TRACE", whole=True, rank=2),
    )
    lines = [
        (
            time_text(entry.occurred_at),
            service,
            entry.event_type,
            coloured(_state(entry)),
            entry.actor,
            entry.trace_id,
        )
        for service, entry in timeline.entries
    ]
    show(rows(columns, lines))
    links = dict.fromkeys(timeline.url(entry.trace_id) for _, entry in timeline.entries)
    show("", *(Text(link, style="dim", overflow="fold") for link in links if link))
    for root in tree(map(decode, timeline.spans)):
        show("", _tree(root))


def _state(entry: Entry) -> str:
    """Only applications' entries carry a state."""
    if isinstance(entry, applications.ApplicationTimelineEntry):
        return state_name(entry.state)
    return ""


def _tree(root: Branch) -> Tree:
    begun = root.span.start_ns

    def grow(branch: Branch, into: Tree | None) -> Tree:
        label = _label(branch, begun)
        grown = Tree(label) if into is None else into.add(label)
        for child in branch.children:
            grow(child, grown)
        return grown

    return grow(root, None)


def _label(branch: Branch, begun: int) -> Text:
    """The span with its duration, and its start after the root's."""
    span = branch.span
    return Text.assemble(
        ("linked " if branch.is_linked else "", "cyan"),
        (printable(span.service), "bold"),
        f" {printable(span.name)} ",
        (f"{span.milliseconds:.1f} ms", "green"),
        (f" at +{(span.start_ns - begun) / 1_000_000:.1f} ms", "dim"),
        (" ERROR" if span.is_error else "", "red"),
    )
