"""Writes docs/lifecycles/ from the tables in the cores: one page with a diagram per lifecycle.

`python -m docs.generate` writes them. With `--check` it fails if a page would change.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar

from services.applications.core import lifecycle as applications
from services.applications.core.events import Event
from services.enforcement.core import lifecycle as enforcement
from services.screening.core import events, lifecycle

PAGES: Final = Path(__file__).resolve().parent / "lifecycles"

State = TypeVar("State", bound=StrEnum)
Table: TypeAlias = Mapping[str, Mapping[str, str]]
TargetTable: TypeAlias = Mapping[Any, Mapping[type, frozenset[Any]]]
"""For each state, or None before the first event: the target states of each event."""


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """A table in words, with its place in the code and all steps, allowed or refused."""

    page: str
    title: str
    source: str
    begins: str
    steps: tuple[str, ...]
    table: Table

    @property
    def allowed(self) -> int:
        """The number of cells with a target state."""
        return sum(len(row) for row in self.table.values())

    @property
    def refused(self) -> int:
        """The number of missing cells. A generated test covers each of them."""
        return len(self.table) * len(self.steps) - self.allowed


def lifecycles() -> tuple[Lifecycle, ...]:
    """Returns all lifecycles."""
    core = "services/{}/core/lifecycle.py: {}"
    return (
        Lifecycle(
            page="application",
            title="An application",
            source=core.format("applications", "TRANSITIONS"),
            begins="",
            steps=_names(Event.__args__),
            table=_by_event(applications.TRANSITIONS),
        ),
        Lifecycle(
            page="license",
            title="The record of a license",
            source=core.format("applications", "LICENSE_TRANSITIONS"),
            begins="ACTIVE",
            steps=_steps(applications.LICENSE_TRANSITIONS),
            table=_by_target(applications.LICENSE_TRANSITIONS),
        ),
        Lifecycle(
            page="screening",
            title="An application at screening",
            source=core.format("screening", "TRANSITIONS"),
            begins="",
            steps=_names(events.Event.__args__),
            table=_by_event(lifecycle.TRANSITIONS),
        ),
        Lifecycle(
            page="hit",
            title="A hit",
            source=core.format("screening", "HIT_TRANSITIONS"),
            begins="OPEN",
            steps=_steps(lifecycle.HIT_TRANSITIONS),
            table=_by_target(lifecycle.HIT_TRANSITIONS),
        ),
        Lifecycle(
            page="violation",
            title="A violation case",
            source=core.format("enforcement", "VIOLATION_TRANSITIONS"),
            begins="",
            steps=_steps(enforcement.VIOLATION_TRANSITIONS),
            table=_by_target(enforcement.VIOLATION_TRANSITIONS),
        ),
        Lifecycle(
            page="standing",
            title="The standing of a license",
            source=core.format("enforcement", "LICENSE_TRANSITIONS"),
            begins="",
            steps=_names(
                event for row in enforcement.LICENSE_TRANSITIONS.values() for event in row
            ),
            table=_by_event(enforcement.LICENSE_TRANSITIONS),
        ),
    )


_START: Final = "[*]"


def _steps(table: TargetTable) -> tuple[str, ...]:
    """Returns the steps of a table whose events may lead to several states, in order."""
    ambiguous = _ambiguous(table)
    found = (
        _step(event, to, ambiguous)
        for row in table.values()
        for event, targets in row.items()
        for to in sorted(targets)
    )
    return tuple(dict.fromkeys(found))


def _by_target(table: TargetTable) -> Table:
    """Returns the table with one step for each state that an event may lead to."""
    ambiguous = _ambiguous(table)
    return {
        _row(state): {
            _step(event, to, ambiguous): to.value
            for event, targets in row.items()
            for to in sorted(targets)
        }
        for state, row in table.items()
    }


def _ambiguous(table: TargetTable) -> frozenset[type]:
    """Returns the events that lead to more than one state."""
    return frozenset(
        event for row in table.values() for event, targets in row.items() if len(targets) > 1
    )


def _step(event: type, to: StrEnum, ambiguous: frozenset[type]) -> str:
    return f"{event.__name__} to {to}" if event in ambiguous else event.__name__


def _names(events: Iterable[type]) -> tuple[str, ...]:
    """Returns the names of the events, each once."""
    return tuple(dict.fromkeys(event.__name__ for event in events))


def _by_event(table: Mapping[State | None, Mapping[type, State]]) -> Table:
    """Returns a table whose events lead to one state each."""
    return {
        _row(state): {event.__name__: to.value for event, to in row.items()}
        for state, row in table.items()
    }


def _row(state: StrEnum | None) -> str:
    return _START if state is None else state.value


def page_of(lifecycle: Lifecycle) -> str:
    """Returns the page of a lifecycle in Markdown."""
    final = [state for state, row in lifecycle.table.items() if not row]
    return "\n".join(
        [
            f"# {lifecycle.title}",
            "",
            f"Generated from `{lifecycle.source}` by `python -m docs.generate`; do not edit.",
            "",
            "```mermaid",
            *_diagram(lifecycle),
            "```",
            "",
            "| From | Step | To |",
            "|---|---|---|",
            *(
                f"| {_cell(state)} | {step} | {to} |"
                for state, row in lifecycle.table.items()
                for step, to in row.items()
            ),
            "",
            f"Final: {', '.join(final)}.",
            "",
            _count(lifecycle),
            "",
        ]
    )


def _count(lifecycle: Lifecycle) -> str:
    cells = f"{len(lifecycle.table)} rows by {len(lifecycle.steps)} steps"
    return f"{cells}: {lifecycle.allowed} cells are allowed, {lifecycle.refused} are refused."


def _cell(state: str) -> str:
    return "(nothing)" if state == _START else state


def _diagram(lifecycle: Lifecycle) -> Iterable[str]:
    yield "stateDiagram-v2"
    if lifecycle.begins:
        yield f"    [*] --> {lifecycle.begins}"
    for state, row in lifecycle.table.items():
        for step, to in row.items():
            yield f"    {state} --> {to}: {step}"
    for state, row in lifecycle.table.items():
        if not row:
            yield f"    {state} --> [*]"


def overview(found: Iterable[Lifecycle]) -> str:
    """Returns the page that lists all lifecycles."""
    return "\n".join(
        [
            "# Lifecycles",
            "",
            "Generated by `python -m docs.generate` from the tables in the cores; do not edit.",
            "A missing cell is a refused step. A generated test covers each of them.",
            "",
            "| Lifecycle | Rows | Steps | Allowed | Refused |",
            "|---|---|---|---|---|",
            *(f"| [{each.title}]({each.page}.md) | {_sizes(each)} |" for each in found),
            "",
        ]
    )


def _sizes(lifecycle: Lifecycle) -> str:
    rows, steps = len(lifecycle.table), len(lifecycle.steps)
    return f"{rows} | {steps} | {lifecycle.allowed} | {lifecycle.refused}"


def main() -> int:
    """Writes or checks the pages; returns the exit code."""
    found = lifecycles()
    pages = {f"{each.page}.md": page_of(each) for each in found} | {"README.md": overview(found)}
    if "--check" not in sys.argv:
        PAGES.mkdir(exist_ok=True)
        for name, text in pages.items():
            (PAGES / name).write_text(text, encoding="utf-8")
    existing = {path.name: path.read_text(encoding="utf-8") for path in PAGES.glob("*.md")}
    changed = sorted(
        name for name in pages.keys() | existing.keys() if pages.get(name) != existing.get(name)
    )
    if changed:
        print(
            "pages differ from the tables; run `python -m docs.generate`:",
            *changed,
            sep="\n  ",
        )
    return 1 if changed else 0


if __name__ == "__main__":
    raise SystemExit(main())
