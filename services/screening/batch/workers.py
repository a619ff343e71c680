"""Shares a book of parties among processes and gives the answers back in the order of the lines.

Where processes can be forked, the index is built once, before; elsewhere each worker builds its own.
"""

from __future__ import annotations

import gc
import multiprocessing
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from functools import partial
from itertools import islice
from typing import Final

from services.screening.batch.answers import Answer, Wanted, answer
from services.screening.core.names.index import ListIndex

CHUNK: Final = 32
"""Lines that a worker takes at once."""
AHEAD: Final = 4
"""Chunks that wait for each worker, so that none idles and a large book does not fill the memory."""

Numbered = Sequence[tuple[int, bytes]]

_engine: tuple[ListIndex, Wanted] | None = None
"""What this process screens with. Set once, before its first line."""


def answers(
    build: Callable[[], ListIndex], wanted: Wanted, lines: Iterable[tuple[int, bytes]], workers: int
) -> Iterator[Answer]:
    """One answer a line, in order. Raises BrokenProcessPool when a worker dies."""
    if workers == 1:
        _begin(build, wanted)
        for chunk in _chunks(lines):
            yield from _answered(chunk)
        return
    is_forked = sys.platform == "linux"
    if is_forked:
        _begin(build, wanted)
    context = multiprocessing.get_context("fork" if is_forked else "spawn")
    start = None if is_forked else partial(_begin, build, wanted)
    with ProcessPoolExecutor(workers, mp_context=context, initializer=start) as pool:
        waiting: deque[Future[list[Answer]]] = deque()
        for chunk in _chunks(lines):
            waiting.append(pool.submit(_answered, chunk))
            if len(waiting) >= workers * AHEAD:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()


def _begin(build: Callable[[], ListIndex], wanted: Wanted) -> None:
    global _engine  # noqa: PLW0603 - a process has one engine, and a pool's tasks can reach it in no other way
    _engine = (build(), wanted)
    gc.collect()
    gc.freeze()  # what is collected is written to, and what is written to is no longer shared by forked processes


def _answered(chunk: Numbered) -> list[Answer]:
    assert _engine is not None, "the worker has not begun"
    return [answer(*_engine, number, line) for number, line in chunk]


def _chunks(lines: Iterable[tuple[int, bytes]]) -> Iterator[Numbered]:
    source = iter(lines)
    while chunk := list(islice(source, CHUNK)):
        yield chunk
