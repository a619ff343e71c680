"""Writes docs/lifecycles/ from the tables that the cores walk: one page a lifecycle, with its diagram.

`python -m docs.generate` writes; `python -m docs.generate --check` fails when anything would change.
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
"""States, or None for the state before the first event, with the states that each event leads to."""


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """A table as words: where it stands in the code, and every step that there is, taken or not."""

    page: str
    title: str
    source: str
    begins: str
    steps: tuple[str, ...]
    table: Table

    @property
    def taken(self) -> int:
        """Cells that lead somewhere."""
        return sum(len(row) for row in self.table.values())

    @property
    def refused(self) -> int:
        """Cells that are missing: each one is a refused case of the tests."""
        return len(self.table) * len(self.steps) - self.taken


def lifecycles() -> tuple[Lifecycle, ...]:
    """All six."""
    return (
        Lifecycle(
            "application", "An application", "services/applications/core/lifecycle.py: TRANSITIONS",
            "", _names(Event.__args__), _by_event(applications.TRANSITIONS),
        ),
        Lifecycle(
            "license", "The record of a license", "services/applications/core/lifecycle.py: LICENSE_TRANSITIONS",
            "ACTIVE", _steps(applications.LICENSE_TRANSITIONS), _by_target(applications.LICENSE_TRANSITIONS),
        ),
        Lifecycle(
            "screening", "An application at screening", "services/screening/core/lifecycle.py: TRANSITIONS",
            "", _names(events.Event.__args__), _by_event(lifecycle.TRANSITIONS),
        ),
        Lifecycle(
            "hit", "A hit", "services/screening/core/lifecycle.py: HIT_TRANSITIONS",
            "OPEN", _steps(lifecycle.HIT_TRANSITIONS), _by_target(lifecycle.HIT_TRANSITIONS),
        ),
        Lifecycle(
            "violation", "A violation case", "services/enforcement/core/lifecycle.py: VIOLATION_TRANSITIONS",
            "", _steps(enforcement.VIOLATION_TRANSITIONS), _by_target(enforcement.VIOLATION_TRANSITIONS),
        ),
        Lifecycle(
            "standing", "The standing of a license", "services/enforcement/core/lifecycle.py: LICENSE_TRANSITIONS",
            "", _names(event for row in enforcement.LICENSE_TRANSITIONS.values() for event in row),
            _by_event(enforcement.LICENSE_TRANSITIONS),
        ),
    )  # fmt: skip


_NOWHERE: Final = "[*]"


def _steps(table: TargetTable) -> tuple[str, ...]:
    """Returns the steps of a table whose events may lead to several states, in the table's order."""
    several = _several(table)
    found = (
        _step(event, to, several)
        for row in table.values()
        for event, targets in row.items()
        for to in sorted(targets)
    )
    return tuple(dict.fromkeys(found))


def _by_target(table: TargetTable) -> Table:
    """Returns the table with one step for each state that an event may lead to."""
    several = _several(table)
    return {
        _row(state): {
            _step(event, to, several): to.value
            for event, targets in row.items()
            for to in sorted(targets)
        }
        for state, row in table.items()
    }


def _several(table: TargetTable) -> frozenset[type]:
    """Returns the events that lead to more than one state."""
    return frozenset(
        event for row in table.values() for event, targets in row.items() if len(targets) > 1
    )


def _step(event: type, to: StrEnum, several: frozenset[type]) -> str:
    return f"{event.__name__} to {to}" if event in several else event.__name__


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
    return _NOWHERE if state is None else state.value


def page_of(lifecycle: Lifecycle) -> str:
    """The page in Markdown."""
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
    return f"{cells}: {lifecycle.taken} cells lead somewhere, {lifecycle.refused} are refused."


def _cell(state: str) -> str:
    return "(nothing)" if state == _NOWHERE else state


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


def overview(all_of_them: Iterable[Lifecycle]) -> str:
    """The page that lists the others."""
    return "\n".join(
        [
            "# Lifecycles",
            "",
            "Generated by `python -m docs.generate` from the tables that the cores walk; do not edit.",
            "A cell that a table does not list is refused, and a generated test asks for each of them.",
            "",
            "| Lifecycle | Rows | Steps | Lead somewhere | Refused |",
            "|---|---|---|---|---|",
            *(f"| [{each.title}]({each.page}.md) | {_sizes(each)} |" for each in all_of_them),
            "",
        ]
    )


def _sizes(lifecycle: Lifecycle) -> str:
    return (
        f"{len(lifecycle.table)} | {len(lifecycle.steps)} | {lifecycle.taken} | {lifecycle.refused}"
    )


def main() -> int:
    """Writes or checks; returns the exit code."""
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
            "pages are not what the tables say; run `python -m docs.generate`:",
            *changed,
            sep="\n  ",
        )
    return 1 if changed else 0


if __name__ == "__main__":
    raise SystemExit(main())
