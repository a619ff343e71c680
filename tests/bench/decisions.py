"""Latency from submission to decision at several rates, and CPU per decision over all parts.

The load comes from `safeconduct load`, an open loop in a process of its own.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from infra.cache import CHECKOUT
from infra.local.stack import SERVICES
from tests.bench.bench_stack import PARTNER, BenchStack
from tests.bench.cpu import Spent, busy, spent_by
from tests.bench.result import Result, Target

RATES: Final = (5, 10, 20, 30, 40, 60, 80, 120)
KEPT_UP: Final = 0.75
"""If a smaller share of the offered load is decided in time, the peak is passed."""
BEARABLE_MS: Final = 500.0
TARGET_RATE: Final = 20
MIX: Final = {"hospital-hosted-access": 8, "fine-tuning-service": 1, "listed-end-user": 1}
_OURS: Final = (*SERVICES, "postgres")


@dataclass(frozen=True, slots=True)
class _Run:
    """One run of the load, with its cost."""

    rate: int
    report: Mapping[str, Any]
    spent: Spent
    machine: str
    """Load of the machine at the end of the run."""

    @property
    def errors(self) -> int:
        return (
            sum(self.report["errors"].values())
            + int(self.report["notSent"])
            + int(self.report["undecided"])
        )

    @property
    def is_borne(self) -> bool:
        """Returns whether everything was decided, and 99 % within half a second."""
        return not self.errors and self.report["decisionMilliseconds"]["p99"] <= BEARABLE_MS

    def cpu(self, *parts: str) -> float:
        """Returns CPU seconds of these parts per decision."""
        return self.spent.of(*parts) / max(1, self.report["decided"])


async def decisions(stack_under_test: BenchStack) -> list[Result]:
    """Measures each rate, from the lowest to the first that is too high."""
    await stack_under_test.everything()
    await _run(stack_under_test, 5, 3)
    runs: list[_Run] = []
    for rate in RATES[: stack_under_test.pick(len(RATES), 1)]:
        runs.append(await _run(stack_under_test, rate, stack_under_test.pick(20, 3)))
        report = runs[-1].report
        stack_under_test.report(
            f"{rate}/s: {report['decisionMilliseconds']} ms, {runs[-1].errors} errors or undecided"
        )
        await stack_under_test.everything()
        if report["decidedPerSecond"] < rate * KEPT_UP:
            break
    figures = [figure for run in runs for figure in _of_rate(run)]
    borne = [run for run in runs if run.is_borne]
    peak = max(runs, key=lambda run: run.report["decidedPerSecond"])
    if borne:
        figures += _of_point(
            "operating point",
            borne[-1],
            "the highest rate with p99 <= 500 ms and every one decided",
        )
    return figures + _of_point("peak", peak, "the most that was decided, whatever the delay")


def _of_rate(run: _Run) -> list[Result]:
    how = (
        f"open loop, Poisson arrivals, {run.report['sent']} submissions, mix {MIX};"
        f" {run.errors} errors or undecided: "
        f"{json.dumps(run.report['errors'])}, {run.report['undecided']} undecided;"
        " durations begin when a submission "
        f"was due; {run.machine}"
    )
    found = run.report["decisionMilliseconds"]
    base = run.report["submitMilliseconds"]
    return [
        Result(
            f"{run.rate}/s offered: submit to decision {name}",
            found[name],
            "ms",
            base[name],
            f"baseline: the same quantile of the submission's answer; {how}",
            Target(BEARABLE_MS) if run.rate == TARGET_RATE and name == "p99" else None,
        )
        for name in ("p50", "p99", "p99.9")
    ]


def _of_point(name: str, run: _Run, meaning: str) -> list[Result]:
    each = ", ".join(f"{part} {run.cpu(part) * 1e3:.1f}" for part in (*_OURS, "kafka"))
    how = (
        f"{meaning}; {run.rate}/s offered, {run.errors} errors or undecided;"
        f" CPU ms per decision: {each}; {run.machine}"
    )
    all_parts = run.cpu(*_OURS, "kafka")
    return [
        Result(
            f"{name}: decisions",
            run.report["decidedPerSecond"],
            "1/s",
            run.rate,
            f"baseline: offered; {how}",
        ),
        Result(
            f"{name}: decisions per vCPU",
            1 / all_parts if all_parts else 0.0,
            "1/s",
            None,
            f"decisions for one CPU second of services, PostgreSQL and Kafka; {how}",
        ),
        Result(
            (f"{name}: CPU of services and PostgreSQL"),
            run.cpu(*_OURS) * 1e3,
            "ms/decision",
            all_parts * 1e3,
            f"baseline: with Kafka; {how}",
        ),
    ]


async def _run(stack_under_test: BenchStack, rate: int, seconds: int) -> _Run:
    mix = [
        part
        for name, weight in MIX.items()
        for part in ("--mix", f"{stack_under_test.example_files / name}.yaml={weight}")
    ]
    stack_under_test.examples  # noqa: B018 - reading them creates the signatory's key that the files name
    with spent_by(stack_under_test.parts(*SERVICES)) as spent:
        report = await _load(
            stack_under_test, ["--rate", str(rate), "--seconds", str(seconds), *mix, "--json"]
        )
    return _Run(rate, report, spent, busy())


async def _load(stack_under_test: BenchStack, arguments: Sequence[str]) -> Any:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "operations.load",
        *arguments,
        cwd=CHECKOUT,
        env={**os.environ, **stack_under_test.stack.client_env(PARTNER)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    said, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"safeconduct load exits {process.returncode}: {said.decode()}")
    return json.loads(said)
