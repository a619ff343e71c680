"""`python -m tests.bench.screening`: how well the engine finds, beside its peers; writes build/screening.json.

Original-script names come from the UN's consolidated list, which is not shipped: without `--un` they are left out.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from services.screening.core.config import DEFAULT
from services.screening.core.lists import csl
from services.screening.core.names.index import ListIndex
from tests.bench.screening.cases import CHECKOUT, SEED, SHIPPED, Case, Family, Half, drawn
from tests.bench.screening.delta import delta
from tests.bench.screening.entities import accuracy
from tests.bench.screening.firms import alerts
from tests.bench.screening.measures import SHARES, Outcome, outcome
from tests.bench.screening.pairs import best_f1, pairs
from tests.bench.screening.retrieval import MILLION, SIZES, missed_strings, resident_mb, retrieval
from tests.bench.screening.systems import Matcher, Scored, System, peers

MOST_SHOWN: Final = 0.015
"""The table shows the share of about 1 %; the file has all."""
EVERY: Final = 1400
"""So many cases of a family and half are every alias there is: of 300, a hundredth more or less is chance."""


def main() -> None:
    """Measure, show and write."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.screening", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="small numbers: whether it works, not how well"
    )
    parser.add_argument(
        "--size", type=int, default=300, help="cases of a family and half (%(default)s)"
    )
    parser.add_argument(
        "--names", type=int, nargs="*", default=SIZES, help="sizes of indexes (%(default)s)"
    )
    parser.add_argument(
        "--million", action="store_true", help="a million names too: 3 minutes, 7 GB"
    )
    parser.add_argument(
        "--parties", type=int, default=100_000, help="monitored parties of a delta (%(default)s)"
    )
    parser.add_argument(
        "--un", type=Path, default=None, metavar="FILE", help="the UN's consolidated list, XML"
    )
    parser.add_argument("--only-engine", action="store_true", help="leave the peers out")
    parser.add_argument("--out", type=Path, default=CHECKOUT / "build" / "screening.json")
    asked = parser.parse_args()
    console = Console(width=220)
    entries, cases = drawn(asked.un, 20 if asked.quick else asked.size)
    report: dict[str, Any] = {
        "rules": DEFAULT.version,
        "threshold": DEFAULT.threshold,
        "quick": asked.quick,
    }
    began = time.process_time()
    generation = ListIndex.build(entries, "bench")
    report["build_cpu_s"] = time.process_time() - began
    report["memory_mb"] = resident_mb()
    console.print(
        f"{len(entries)} parties, {len(generation.rows)} distinct names, {len(cases)} cases; {load()}"
    )
    outcomes = _compared(generation, cases, report, console, with_peers=not asked.only_engine)
    _show(outcomes, console)
    report["outcomes"] = [asdict(each) for each in outcomes]
    if not asked.quick:
        report["every"] = _every(asked.un, console)
    report["missed_strings"] = _exact(console, quick=asked.quick)
    report["pairs"] = _pairs(generation, console)
    report["entity_pairs"] = _entity_pairs(generation, console)
    report["innocent_firms"] = _innocent_firms(generation, console, quick=asked.quick)
    hard = [case for case in cases if case.family in {Family.SLIPS, Family.ALIAS, Family.INNOCENT}]
    sizes = [0] if asked.quick else [0, *asked.names, *([MILLION] if asked.million else [])]
    report["sizes"] = [
        retrieval(entries, random.Random(SEED).sample(hard, min(200, len(hard))), size)
        for size in sizes
    ]
    for each in report["sizes"]:
        console.print({key: round(value, 4) for key, value in each.items()})
    report["delta"] = delta(entries, 2_000 if asked.quick else asked.parties)
    console.print({key: round(value, 4) for key, value in report["delta"].items()})
    report["load"] = load()
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text(json.dumps(report, indent=1, default=str) + "\n", encoding="utf-8")
    console.print(f"written: {asked.out}")


def _compared(
    generation: ListIndex,
    cases: list[Case],
    report: dict[str, Any],
    console: Console,
    *,
    with_peers: bool,
) -> list[Outcome]:
    systems: list[System] = [
        Matcher(generation),
        Matcher(generation, with_facts=True, name="safeconduct, facts told"),
    ]
    outcomes: list[Outcome] = []
    report["times"] = {}
    for system in [*systems, *(peers(generation) if with_peers else ())]:
        scored = [(case, system.score(case)) for case in cases]
        taken = sorted(score.ms for _, score in scored)
        times = {
            "mean": sum(taken) / len(taken),
            "p50": taken[len(taken) // 2],
            "p99": taken[len(taken) * 99 // 100],
        }
        report["times"][system.name] = times
        outcomes += _outcomes(system, scored)
        console.print(
            f"{system.name}: CPU ms {', '.join(f'{name} {ms:.1f}' for name, ms in times.items())}"
        )
    return outcomes


def _every(un_file: Path | None, console: Console) -> list[dict[str, Any]]:
    """The engine on every case, in an index from which other aliases are held out."""
    entries, cases = drawn(un_file, EVERY)
    engine = Matcher(ListIndex.build(entries, "every"))
    outcomes = _outcomes(engine, [(case, engine.score(case)) for case in cases])
    _show(outcomes, console)
    return [asdict(each) for each in outcomes]


def _outcomes(system: System, scored: Sequence[tuple[Case, Scored]]) -> list[Outcome]:
    """What a system made of both halves at every share, the engine at its own threshold too."""
    found = [outcome(system, half, share, scored) for share in SHARES for half in Half]
    if isinstance(system, Matcher):
        found += [outcome(system, half, 0, scored, DEFAULT.threshold) for half in Half]
    return found


def _show(outcomes: Sequence[Outcome], console: Console) -> None:
    for half in Half:
        console.print(
            table(
                [each for each in outcomes if each.half is half and each.share <= MOST_SHOWN], half
            )
        )


def _exact(console: Console, *, quick: bool) -> list[str]:
    """Every published string of the shipped list, a kind told at random."""
    entries = csl.read_entries(SHIPPED.read_bytes())
    strings = [(entry.entry_id, name) for entry in entries for name in entry.names]
    chance = random.Random(SEED)
    asked = chance.sample(strings, 200) if quick else strings
    missed = missed_strings(ListIndex.build(entries, "shipped"), asked, chance)
    console.print(
        f"published names found at the threshold, any kind told: {len(asked) - len(missed)} of {len(asked)}"
    )
    return missed


def _pairs(generation: ListIndex, console: Console) -> dict[str, Any]:
    small, asked = pairs(generation)
    found = dict(best_f1((Matcher(small), *peers(small)), asked))
    for name, figures in found.items():
        halves = ", ".join(f"{half.value} half {figures[half.value]:.3f}" for half in Half)
        console.print(
            f"pairs of names, {name}: best F1 {figures['best_f1']:.3f} from {figures['threshold']:.3f}; {halves}"
        )
    return found


def _entity_pairs(generation: ListIndex, console: Console) -> dict[str, Any]:
    found = accuracy(generation)
    for name in ("safeconduct", "logic-v2"):
        console.print(
            f"pairs of parties, {name}: {found[name]:.3f} of {found['pairs']} judged as labelled"
        )
    return found


def _innocent_firms(generation: ListIndex, console: Console, *, quick: bool) -> dict[str, Any]:
    """Firms made to be mistaken for listed ones."""
    found = alerts(generation, 10 if quick else 150)
    for sort, halves in found.items():
        shares = ", ".join(f"{half} half {share:.1%}" for half, share in halves.items())
        console.print(f"innocent firms that alert, {sort}: {shares}")
    return dict(found)


def load() -> str:
    """How busy the machine is: times say little on a busy one."""
    return f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"


def table(outcomes: list[Outcome], half: Half) -> Table:
    """The outcomes of a half, families down, systems across."""
    shown = Table(title=f"{half.value} half: recall", box=None)
    shown.add_column("", no_wrap=True)
    for each in outcomes:
        shown.add_column(
            f"{each.system.replace(', ', chr(10))}\n{each.share:.2%}\nfrom {each.threshold:.3f}",
            no_wrap=True,
        )
    for family, count in outcomes[0].cases.items():
        shown.add_row(f"{family} ({count})", *(f"{each.recall[family]:.3f}" for each in outcomes))
    shown.add_row("innocent firms that alert", *(f"{each.innocent_firms:.3f}" for each in outcomes))
    return shown


if __name__ == "__main__":
    main()
