"""One measured result, and its forms as table and JSON."""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.table import Table


@dataclass(frozen=True, slots=True)
class Target:
    """Bound of a result: upper, or lower if `at_least`; of the value or of the ratio."""

    bound: float
    of_ratio: bool = False
    at_least: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """A value in its unit, with the baseline of the same run if there is one."""

    name: str
    value: float
    unit: str
    baseline: float | None = None
    conditions: str = ""
    target: Target | None = None

    @property
    def ratio(self) -> float | None:
        """Value divided by the baseline."""
        return self.value / self.baseline if self.baseline else None

    @property
    def is_met(self) -> bool | None:
        """Whether the target is met; None without a target."""
        if self.target is None:
            return None
        measured = self.ratio if self.target.of_ratio else self.value
        compare = operator.ge if self.target.at_least else operator.le
        return measured is not None and compare(measured, self.target.bound)


def document(figure: Result) -> dict[str, Any]:
    """Returns the six fields of a result as JSON values; the conditions end with the target."""
    ratio = figure.ratio
    return {
        "name": figure.name,
        "value": _short(figure.value),
        "unit": figure.unit,
        "baseline": None if figure.baseline is None else _short(figure.baseline),
        "ratio": None if ratio is None else _short(ratio),
        "conditions": figure.conditions + _verdict(figure),
    }


def write(figures: Iterable[Result], file: Path) -> None:
    """Writes the results as JSON."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(
        json.dumps([document(figure) for figure in figures], indent=2, ensure_ascii=False) + "\n"
    )


def table(figures: Iterable[Result]) -> Table:
    """Returns the results as a table."""
    shown = Table(
        "figure", "value", "unit", "baseline", "ratio", "target", box=None, pad_edge=False
    )
    for column in (1, 3, 4):
        shown.columns[column].justify = "right"
    for figure in figures:
        ratio = figure.ratio
        shown.add_row(
            figure.name,
            f"{_short(figure.value):g}",
            figure.unit,
            "" if figure.baseline is None else f"{_short(figure.baseline):g}",
            "" if ratio is None else f"{_short(ratio):g}",
            _MARKS[figure.is_met](figure),
        )
    return shown


def _short(value: float) -> float:
    """Rounds to four significant digits; more would be noise."""
    return float(f"{value:.4g}")


def _wanted(figure: Result) -> str:
    assert figure.target is not None
    sign = "≥" if figure.target.at_least else "≤"
    return f"{sign} {figure.target.bound:g}" + (
        " x" if figure.target.of_ratio else f" {figure.unit}"
    )


_MARKS: Final[Mapping[bool | None, Callable[[Result], str]]] = {
    None: lambda _: "",
    True: lambda figure: f"[green]{_wanted(figure)} met[/]",
    False: lambda figure: f"[red]{_wanted(figure)} missed[/]",
}


def _verdict(figure: Result) -> str:
    if figure.target is None:
        return ""
    return f"; target {_wanted(figure)}: {'met' if figure.is_met else 'missed'}"
