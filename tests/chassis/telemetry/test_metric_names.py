"""Names of all metrics of the project, read from the source: the conventions of Prometheus hold."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from chassis.telemetry import semconv
from infra.cache import CHECKOUT

TYPES = {"Counter", "Gauge", "Histogram"}
NAME = re.compile(r"safeconduct(_[a-z][a-z0-9]*)+")
OTHER_UNITS = re.compile(r"_(ms|millis|milliseconds|micros|microseconds|minutes|hours|kb|mb)\b")


def metrics() -> Iterator[tuple[str, str]]:
    """Type and name of every metric that the services create."""
    for path in sorted([*CHECKOUT.glob("chassis/**/*.py"), *CHECKOUT.glob("services/**/*.py")]):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if "prometheus_client" in _imported(tree):
            yield from _created(tree, path)


def _imported(tree: ast.Module) -> set[str]:
    return {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}


def _created(tree: ast.Module, path: Path) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in TYPES:
            match node.args[0]:
                case ast.Constant(value=str(name)):
                    yield node.func.id, name
                case ast.Attribute(attr=constant):
                    yield node.func.id, getattr(semconv, constant)
                case other:
                    pytest.fail(f"{path}: the name of a metric is {ast.dump(other)}")


def test_every_metric_begins_with_the_prefix_of_the_project() -> None:
    names = [name for _, name in metrics()]

    assert len(names) >= 20
    assert [name for name in names if not NAME.fullmatch(name)] == []
    assert len(set(names)) == len(names)


def test_a_counter_has_no_unit_twice_and_gets_its_total_from_the_library() -> None:
    assert [name for kind, name in metrics() if name.endswith("_total")] == []


def test_units_are_base_units_and_a_histogram_says_its_own() -> None:
    assert [name for _, name in metrics() if OTHER_UNITS.search(name)] == []
    assert [
        name for kind, name in metrics() if kind == "Histogram" and not name.endswith("_seconds")
    ] == []
