"""The arguments of `safeconduct-screening`."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from services.screening.batch.list_files import Layout

STANDARD: Final = Path("-")
"""Standard input or output in place of a file."""
_DEFAULT_LIMIT: Final = 20
_EXIT_CODES: Final = (
    "exit codes: 0 every line answered, 1 a worker process died, 2 wrong arguments,"
    " 3 list not readable, 4 queries not readable, 5 answers not writable, 130 interrupted"
)


def parser() -> argparse.ArgumentParser:
    """Returns the parser of the command line."""
    root = argparse.ArgumentParser(
        prog="safeconduct-screening",
        description="Screen a file of parties against a list file, without a running stack.",
    )
    commands = root.add_subparsers(required=True, metavar="COMMAND")
    match = commands.add_parser(
        "match", help="compare every party of a file with a list", epilog=_EXIT_CODES
    )
    match.add_argument(
        "--list",
        required=True,
        type=Path,
        metavar="FILE",
        help="list file, plain or gzip-compressed",
    )
    match.add_argument(
        "--list-format",
        required=True,
        type=Layout,
        choices=list(Layout),
        help="layout of the list file",
    )
    match.add_argument(
        "--alternative-names",
        type=Path,
        metavar="FILE",
        help="file of alternative names (alt.csv); sdn only",
    )
    match.add_argument(
        "--addresses", type=Path, metavar="FILE", help="file of addresses (add.csv); sdn only"
    )
    match.add_argument(
        "--queries",
        required=True,
        type=Path,
        metavar="IN",
        help="parties, one JSON object per line; - for standard input",
    )
    match.add_argument(
        "--out",
        required=True,
        type=Path,
        metavar="OUT",
        help="answers, one JSON object per line; - for standard output",
    )
    match.add_argument(
        "--limit",
        type=_at_least(1),
        default=_DEFAULT_LIMIT,
        metavar="N",
        help="maximum number of hits per party (default %(default)s)",
    )
    match.add_argument(
        "--workers",
        type=_at_least(1),
        default=_processors(),
        metavar="N",
        help="number of worker processes (default %(default)s)",
    )
    match.add_argument("--explain", action="store_true", help="add the evidence of every hit")
    match.add_argument(
        "--min-score",
        type=_share,
        metavar="X",
        help="add near misses from this score on, 0 to 1 (default: hits only)",
    )
    return root


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _at_least(least: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        value = int(text)
        if value < least:
            raise argparse.ArgumentTypeError(f"must be at least {least}")
        return value

    return number


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError("must be between 0 and 1")
    return value
