"""The command `safeconduct-screening`: screens a book of parties against a list file, without a running stack."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from enum import IntEnum
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final, TextIO

from services.screening.batch.answers import Wanted
from services.screening.batch.files import Layout, code_of, read_list
from services.screening.batch.progress import Progress
from services.screening.batch.workers import answers
from services.screening.core.config import DEFAULT
from services.screening.core.lists.parsed_list import ListUnreadable, Part
from services.screening.core.names.index import ListIndex

STANDARD: Final = Path("-")
"""Standard input or output in place of a file."""


class Exit(IntEnum):
    """How the command ends. Wrong arguments end with 2, as everywhere."""

    ANSWERED = 0
    FAILED = 1
    LIST_UNREADABLE = 3
    QUERIES_UNREADABLE = 4
    OUT_UNWRITABLE = 5
    INTERRUPTED = 130


class _Ended(Exception):  # noqa: N818  what happened, in the words of the command
    """The command cannot go on."""

    def __init__(self, code: Exit, why: object) -> None:
        super().__init__(str(why))
        self.code = code


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; answers its exit code."""
    asked = _parser().parse_args(arguments)
    try:
        match(asked)
    except _Ended as ended:
        print(f"safeconduct-screening: {ended}", file=sys.stderr)
        return ended.code
    except KeyboardInterrupt:
        print("safeconduct-screening: interrupted", file=sys.stderr)
        return Exit.INTERRUPTED
    return Exit.ANSWERED


def match(asked: argparse.Namespace) -> None:
    """Answers every line of the book. The file of answers appears when it is complete."""
    progress = Progress(sys.stderr)
    files = {Part.PRIMARY: asked.list, Part.ALT: asked.alternative_names, Part.ADD: asked.addresses}
    try:
        entries = read_list(
            asked.list_format, {part: path for part, path in files.items() if path is not None}
        )
    except (ListUnreadable, OSError) as error:
        raise _Ended(Exit.LIST_UNREADABLE, f"the list cannot be read: {error}") from error
    progress.said(f"{len(entries)} listed parties read; the index is being built")
    build = partial(ListIndex.build, entries, code_of(asked.list))
    wanted = Wanted(DEFAULT, asked.limit, asked.explain, asked.min_score)
    with _book(asked.queries) as book, _out(asked.out) as out:
        try:
            for answered in answers(build, wanted, progress.lines(book), asked.workers):
                out.write(answered.text + "\n")
                progress.answered(answered)
        except BrokenProcessPool as error:
            raise _Ended(
                Exit.FAILED, "a worker process ended; is there memory for so many?"
            ) from error
    progress.summary(DEFAULT, len(entries))


@contextmanager
def _book(path: Path) -> Iterator[BinaryIO]:
    try:
        book = sys.stdin.buffer if path == STANDARD else path.open("rb")
    except OSError as error:
        raise _Ended(Exit.QUERIES_UNREADABLE, f"the queries cannot be read: {error}") from error
    with book:
        yield book


@contextmanager
def _out(path: Path) -> Iterator[TextIO]:
    """The file of answers. It stands under another name until it is complete, so that half of one is never taken."""
    if path == STANDARD:
        yield sys.stdout
        return
    unfinished = path.with_name(f"{path.name}.unfinished")
    try:
        with unfinished.open("w", encoding="utf-8") as out:
            yield out
        unfinished.replace(path)
    except OSError as error:
        raise _Ended(Exit.OUT_UNWRITABLE, f"the answers cannot be written: {error}") from error
    finally:
        unfinished.unlink(missing_ok=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="safeconduct-screening", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    found = commands.add_parser(
        "match",
        help="compare every party of a file with a list",
        epilog="exit codes: 0 every line answered, 1 a worker died, 2 wrong arguments, 3 list unreadable, "
        "4 queries unreadable, 5 answers not writable, 130 interrupted",
    )
    found.add_argument(
        "--list", required=True, type=Path, metavar="FILE", help="the list; may be gzip-compressed"
    )
    found.add_argument(
        "--list-format", required=True, type=Layout, choices=list(Layout), help="its layout"
    )
    found.add_argument(
        "--alternative-names",
        type=Path,
        metavar="FILE",
        help="alternative names (alt.csv), sdn only",
    )
    found.add_argument(
        "--addresses", type=Path, metavar="FILE", help="addresses (add.csv), sdn only"
    )
    found.add_argument(
        "--queries",
        required=True,
        type=Path,
        metavar="IN",
        help="one JSON object a line; - is stdin",
    )
    found.add_argument(
        "--out", required=True, type=Path, metavar="OUT", help="one JSON object a line; - is stdout"
    )
    found.add_argument(
        "--limit", type=_whole(1), default=20, metavar="N", help="hits a party at most (20)"
    )
    found.add_argument(
        "--workers",
        type=_whole(1),
        default=_processors(),
        metavar="N",
        help="processes (%(default)s)",
    )
    found.add_argument("--explain", action="store_true", help="say of every hit why")
    found.add_argument(
        "--min-score",
        type=_share,
        metavar="X",
        help="tell hits from this score on, 0 to 1 (threshold)",
    )
    return parser


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _whole(least: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        value = int(text)
        if value < least:
            raise argparse.ArgumentTypeError(f"at least {least}")
        return value

    return number


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError("between 0 and 1")
    return value
