"""Every benchmark runs and gives well-formed results. No test asserts a speed."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.cache import CHECKOUT
from tests.bench.benchmarks import BENCHES
from tests.bench.cpu import cpu_of, spent_by
from tests.bench.result import Result, Target, document


@pytest.fixture(scope="module")
def figures(run_folder: Path) -> list[dict[str, Any]]:
    """Returns the output of `python -m tests.bench --quick`."""
    out = run_folder / "bench.json"
    command = [
        sys.executable,
        "-m",
        "tests.bench",
        "--quick",
        "--root",
        str(run_folder / "bench"),
        "--out",
        str(out),
    ]
    # No time limit: the benchmarks limit each of their waits, and a busy machine takes long.
    ran = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout[-2_000:] + ran.stderr[-4_000:]
    found: list[dict[str, Any]] = json.loads(out.read_text())
    return found


def test_every_benchmark_gives_well_formed_figures(figures: list[dict[str, Any]]) -> None:
    assert len(figures) >= 2 * len(BENCHES)
    for figure in figures:
        assert figure.keys() == {"name", "value", "unit", "baseline", "ratio", "conditions"}
        assert isinstance(figure["value"], float)
        assert math.isfinite(figure["value"])
        assert figure["unit"]
        assert "load average" in figure["conditions"]
        assert figure["baseline"] is None or "baseline" in figure["conditions"]


def test_no_two_figures_have_the_same_name(figures: list[dict[str, Any]]) -> None:
    names = [figure["name"] for figure in figures]

    assert len(set(names)) == len(names)


def test_every_target_says_whether_it_is_met(figures: list[dict[str, Any]]) -> None:
    verdicts = [figure["conditions"] for figure in figures if "target" in figure["conditions"]]

    assert verdicts
    assert all(verdict.endswith((": met", ": missed")) for verdict in verdicts)


def test_a_target_of_the_ratio_looks_at_the_ratio() -> None:
    figure = Result("cost", 70.0, "µs", 10.0, "alone", Target(6, of_ratio=True))

    assert (figure.ratio, figure.is_met) == (7.0, False)
    assert document(figure)["conditions"] == "alone; target ≤ 6 x: missed"


def test_a_figure_without_a_baseline_has_no_ratio() -> None:
    figure = Result("delay", 12.345678, "ms", None, "alone", Target(20))

    assert (document(figure)["ratio"], document(figure)["value"], figure.is_met) == (
        None,
        12.35,
        True,
    )


def test_the_cpu_of_a_process_counts_its_children_that_have_ended() -> None:
    burn = "import time; end = time.process_time() + 0.2\nwhile time.process_time() < end: pass"

    with spent_by({"here": os.getpid}) as spent:
        subprocess.run([sys.executable, "-c", burn], check=True)

    assert spent["here"] >= 0.15


def test_a_process_that_is_gone_costs_nothing() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()

    assert cpu_of(ended.pid) == 0
