"""The command `safeconduct-screening`: reads a list and a file of parties, writes the answers."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from enum import IntEnum
from functools import partial
from pathlib import Path
from typing import BinaryIO, TextIO

from services.screening.batch.answers import Options
from services.screening.batch.arguments import STANDARD, parser
from services.screening.batch.list_files import code_of, read_list
from services.screening.batch.progress import Progress
from services.screening.batch.workers import answers
from services.screening.core.config import DEFAULT
from services.screening.core.lists.parsed_list import ListUnreadable, Part
from services.screening.core.model import Entry
from services.screening.core.names.index import ListIndex


class Exit(IntEnum):
    """Exit codes. Wrong arguments end with 2, as usual."""

    ANSWERED = 0
    FAILED = 1
    LIST_UNREADABLE = 3
    QUERIES_UNREADABLE = 4
    OUT_UNWRITABLE = 5
    INTERRUPTED = 130


class _CommandError(Exception):
    """The command cannot go on. The message is for the user."""

    def __init__(self, code: Exit, message: str) -> None:
        super().__init__(message)
        self.code = code


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    options = parser().parse_args(arguments)
    try:
        match(options)
    except _CommandError as error:
        print(f"safeconduct-screening: {error}", file=sys.stderr)
        return error.code
    except KeyboardInterrupt:
        print("safeconduct-screening: interrupted", file=sys.stderr)
        return Exit.INTERRUPTED
    return Exit.ANSWERED


def match(options: argparse.Namespace) -> None:
    """Answers every line of the input. The output file appears only once it is complete."""
    progress = Progress(sys.stderr)
    entries = _list_entries(options)
    progress.log(f"{len(entries)} listed parties read; building the index")
    build = partial(ListIndex.build, entries, code_of(options.list))
    shown = Options(DEFAULT, options.limit, options.explain, options.min_score)
    with _input(options.queries) as queries, _output(options.out) as out:
        try:
            for answer in answers(build, shown, progress.lines(queries), options.workers):
                out.write(answer.text + "\n")
                progress.answered(answer)
        except BrokenProcessPool as error:
            message = "a worker process died, possibly for lack of memory; try fewer --workers"
            raise _CommandError(Exit.FAILED, message) from error
    progress.summary(DEFAULT, len(entries))


def _list_entries(options: argparse.Namespace) -> tuple[Entry, ...]:
    files = {
        Part.PRIMARY: options.list,
        Part.ALT: options.alternative_names,
        Part.ADD: options.addresses,
    }
    given = {part: path for part, path in files.items() if path is not None}
    try:
        return read_list(options.list_format, given)
    except (ListUnreadable, OSError) as error:
        message = f"the list cannot be read as {options.list_format}: {error}"
        raise _CommandError(Exit.LIST_UNREADABLE, message) from error


@contextmanager
def _input(path: Path) -> Iterator[BinaryIO]:
    try:
        opened = sys.stdin.buffer if path == STANDARD else path.open("rb")
    except OSError as error:
        message = f"the queries cannot be read: {error}"
        raise _CommandError(Exit.QUERIES_UNREADABLE, message) from error
    with opened:
        yield opened


@contextmanager
def _output(path: Path) -> Iterator[TextIO]:
    """Yields the output file.

    It has another name until it is complete, so that nobody takes half of it.
    """
    if path == STANDARD:
        yield sys.stdout
        return
    unfinished = path.with_name(f"{path.name}.unfinished")
    try:
        with unfinished.open("w", encoding="utf-8") as out:
            yield out
        unfinished.replace(path)
    except OSError as error:
        message = f"the answers cannot be written: {error}"
        raise _CommandError(Exit.OUT_UNWRITABLE, message) from error
    finally:
        unfinished.unlink(missing_ok=True)
