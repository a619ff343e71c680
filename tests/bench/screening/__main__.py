"""`python -m tests.bench.screening` measures how well the engine and its peers find listed parties.

It writes build/screening.json. Original-script names come from the consolidated list of the United
Nations, which is not shipped. Without `--un` they are left out.
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
from tests.bench.screening.entity_pairs import accuracy
from tests.bench.screening.innocent_firms import alert_shares
from tests.bench.screening.list_change import list_change_figures
from tests.bench.screening.measures import SHARES, Outcome, outcome
from tests.bench.screening.name_pairs import best_f1, pairs
from tests.bench.screening.retrieval import MILLION, SIZES, missed_strings, resident_mb, retrieval
from tests.bench.screening.systems import Engine, Scored, System, peers

MAX_SHARE_SHOWN: Final = 0.015
"""The table shows the share of about 1 %. The file has all shares."""
ALL_ALIASES: Final = 1400
"""With this many cases of a family and half, every alias is one. Of 300 cases a hundredth is
chance.
"""


def main() -> None:
    """Measures, shows and writes."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.screening", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="few cases: shows that it works, not how well"
    )
    parser.add_argument(
        "--size", type=int, default=300, help="cases of each family and half (default %(default)s)"
    )
    parser.add_argument(
        "--names", type=int, nargs="*", default=SIZES, help="sizes of indexes (default %(default)s)"
    )
    parser.add_argument(
        "--million", action="store_true", help="also a million names: 3 minutes, 7 GB"
    )
    parser.add_argument(
        "--parties", type=int, default=100_000, help="monitored parties (default %(default)s)"
    )
    parser.add_argument(
        "--un", type=Path, default=None, metavar="FILE", help="consolidated list of the UN, XML"
    )
    parser.add_argument("--only-engine", action="store_true", help="without the peers")
    parser.add_argument("--out", type=Path, default=CHECKOUT / "build" / "screening.json")
    args = parser.parse_args()
    console = Console(width=220)
    entries, cases = drawn(args.un, 20 if args.quick else args.size)
    report: dict[str, Any] = {
        "rules": DEFAULT.version,
        "threshold": DEFAULT.threshold,
        "quick": args.quick,
    }
    began = time.process_time()
    index = ListIndex.build(entries, "bench")
    report["build_cpu_s"] = time.process_time() - began
    report["memory_mb"] = resident_mb()
    console.print(
        f"{len(entries)} parties, {len(index.rows)} distinct names, {len(cases)} cases; {load()}"
    )
    outcomes = _compared(index, cases, report, console, with_peers=not args.only_engine)
    _show(outcomes, console)
    report["outcomes"] = [asdict(each) for each in outcomes]
    if not args.quick:
        report["every"] = _all_aliases(args.un, console)
    report["missed_strings"] = _missed_names(console, quick=args.quick)
    report["pairs"] = _pairs(index, console)
    report["entity_pairs"] = _entity_pairs(index, console)
    report["innocent_firms"] = _innocent_firms(index, console, quick=args.quick)
    hard = [case for case in cases if case.family in {Family.SLIPS, Family.ALIAS, Family.INNOCENT}]
    sizes = [0] if args.quick else [0, *args.names, *([MILLION] if args.million else [])]
    report["sizes"] = [
        retrieval(entries, random.Random(SEED).sample(hard, min(200, len(hard))), size)
        for size in sizes
    ]
    for each in report["sizes"]:
        console.print({key: round(value, 4) for key, value in each.items()})
    report["list_change"] = list_change_figures(entries, 2_000 if args.quick else args.parties)
    console.print({key: round(value, 4) for key, value in report["list_change"].items()})
    report["load"] = load()
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(report, indent=1, default=str) + "\n", encoding="utf-8")
    console.print(f"written: {args.out}")


def _compared(
    index: ListIndex,
    cases: list[Case],
    report: dict[str, Any],
    console: Console,
    *,
    with_peers: bool,
) -> list[Outcome]:
    systems: list[System] = [
        Engine(index),
        Engine(index, with_facts=True, name="safeconduct, with facts"),
    ]
    outcomes: list[Outcome] = []
    report["times"] = {}
    for system in [*systems, *(peers(index) if with_peers else ())]:
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


def _all_aliases(un_file: Path | None, console: Console) -> list[dict[str, Any]]:
    """Returns the outcomes of the engine on every alias.

    Other aliases are held out of the index.
    """
    entries, cases = drawn(un_file, ALL_ALIASES)
    engine = Engine(ListIndex.build(entries, "every"))
    outcomes = _outcomes(engine, [(case, engine.score(case)) for case in cases])
    _show(outcomes, console)
    return [asdict(each) for each in outcomes]


def _outcomes(system: System, scored: Sequence[tuple[Case, Scored]]) -> list[Outcome]:
    """Returns the outcomes of both halves at every share, the engine's at its threshold too."""
    found = [outcome(system, half, share, scored) for share in SHARES for half in Half]
    if isinstance(system, Engine):
        found += [outcome(system, half, 0, scored, DEFAULT.threshold) for half in Half]
    return found


def _show(outcomes: Sequence[Outcome], console: Console) -> None:
    for half in Half:
        console.print(
            table(
                [each for each in outcomes if each.half is half and each.share <= MAX_SHARE_SHOWN],
                half,
            )
        )


def _missed_names(console: Console, *, quick: bool) -> list[str]:
    """Returns the published names of the shipped list that are not found with a random kind."""
    entries = csl.read_entries(SHIPPED.read_bytes())
    strings = [(entry.entry_id, name) for entry in entries for name in entry.names]
    rng = random.Random(SEED)
    queried = rng.sample(strings, 200) if quick else strings
    missed = missed_strings(ListIndex.build(entries, "shipped"), queried, rng)
    found = len(queried) - len(missed)
    console.print(f"published names found at the threshold, any kind: {found} of {len(queried)}")
    return missed


def _pairs(index: ListIndex, console: Console) -> dict[str, Any]:
    small, cases = pairs(index)
    found = dict(best_f1((Engine(small), *peers(small)), cases))
    for name, figures in found.items():
        halves = ", ".join(f"{half.value} half {figures[half.value]:.3f}" for half in Half)
        best = f"best F1 {figures['best_f1']:.3f} from {figures['threshold']:.3f}"
        console.print(f"pairs of names, {name}: {best}; {halves}")
    return found


def _entity_pairs(index: ListIndex, console: Console) -> dict[str, Any]:
    found = accuracy(index)
    for name in ("safeconduct", "logic-v2"):
        console.print(
            f"pairs of parties, {name}: {found[name]:.3f} of {found['pairs']} judged as labelled"
        )
    return found


def _innocent_firms(index: ListIndex, console: Console, *, quick: bool) -> dict[str, Any]:
    """Returns the shares of innocent firms that alert."""
    found = alert_shares(index, 10 if quick else 150)
    for sort, halves in found.items():
        shares = ", ".join(f"{half} half {share:.1%}" for half, share in halves.items())
        console.print(f"innocent firms that alert, {sort}: {shares}")
    return dict(found)


def load() -> str:
    """Returns how busy the machine is. Times mean little on a busy one."""
    return f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"


def table(outcomes: list[Outcome], half: Half) -> Table:
    """Returns a table of a half's outcomes, a row for each family and a column for each system."""
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
