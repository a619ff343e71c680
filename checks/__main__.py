"""`python -m checks [NAME ...] [--json]`: runs the checks, and exits with 1 if one failed."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.table import Table

from checks.all_checks import CHECKS
from checks.check import Check, Result, Verdict, run_all

_COLOURS: Final = {Verdict.OK: "green", Verdict.FAILED: "bold red", Verdict.SKIPPED: "yellow"}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the named checks, or all of them; returns the exit code."""
    names = [check.name for check in CHECKS]
    parser = argparse.ArgumentParser(
        prog="python -m checks",
        description="Checks the project without running it.",
        epilog="example: python -m checks lint types",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"only these: {', '.join(names)}")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    arguments = parser.parse_args(argv)
    if unknown := [name for name in arguments.names if name not in names]:
        parser.error(f"unknown check {', '.join(unknown)}; choose from {', '.join(names)}")
    chosen = [check for check in CHECKS if not arguments.names or check.name in arguments.names]
    return _run_with_json(chosen) if arguments.json else _run_with_table(chosen)


def _run_with_json(chosen: Sequence[Check]) -> int:
    results = run_all(chosen, lambda _: None)
    is_ok = not any(result.is_failed for result in results)
    document = {
        "ok": is_ok,
        "checks": [
            {
                "name": result.name,
                "verdict": result.finding.verdict,
                "seconds": round(result.seconds, 3),
                "note": result.finding.note,
                "output": result.finding.output if result.is_failed else "",
            }
            for result in results
        ],
    }
    json.dump(document, sys.stdout, indent=2)
    print()
    return 0 if is_ok else 1


def _run_with_table(chosen: Sequence[Check]) -> int:
    console = Console(highlight=False, soft_wrap=True)
    with console.status("") as status:
        running = [check.name for check in chosen]

        def show_running(result: Result) -> None:
            running.remove(result.name)
            status.update(", ".join(running))

        status.update(", ".join(running))
        results = run_all(chosen, show_running)
    table = Table("check", "seconds", "", "note", box=None, pad_edge=False)
    table.columns[1].justify = "right"
    for result in results:
        verdict = result.finding.verdict
        table.add_row(
            result.name,
            f"{result.seconds:.1f}",
            f"[{_COLOURS[verdict]}]{verdict}[/]",
            result.finding.note or "",
        )
    console.print(table)
    for result in results:
        if result.is_failed:
            console.print(f"\n[bold red]{result.name}[/]")
            console.print(result.finding.output, markup=False)
    return 1 if any(result.is_failed for result in results) else 0


if __name__ == "__main__":
    raise SystemExit(main())
