"""Distributes lines to processes, and returns the answers in the order of the lines.

On Linux the index is built once and the workers are forked. Elsewhere each worker builds its own.
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

from services.screening.batch.answers import Answer, Options, answer
from services.screening.core.names.index import ListIndex

_CHUNK: Final = 32
"""Lines that a worker takes at once."""
_CHUNKS_AHEAD: Final = 4
"""Queued chunks per worker: no worker idles, and a large file does not fill the memory."""

NumberedLines = Sequence[tuple[int, bytes]]

_screening: tuple[ListIndex, Options] | None = None
"""Index and options of this process. Set once, before its first line."""


def answers(
    build: Callable[[], ListIndex],
    options: Options,
    lines: Iterable[tuple[int, bytes]],
    workers: int,
) -> Iterator[Answer]:
    """Yields one answer per line, in order. Raises BrokenProcessPool if a worker dies."""
    if workers == 1:
        _prepare(build, options)
        for chunk in _chunks(lines):
            yield from _answers(chunk)
        return
    is_forked = sys.platform == "linux"
    if is_forked:
        _prepare(build, options)
    context = multiprocessing.get_context("fork" if is_forked else "spawn")
    initializer = None if is_forked else partial(_prepare, build, options)
    with ProcessPoolExecutor(workers, mp_context=context, initializer=initializer) as pool:
        pending: deque[Future[list[Answer]]] = deque()
        for chunk in _chunks(lines):
            pending.append(pool.submit(_answers, chunk))
            if len(pending) >= workers * _CHUNKS_AHEAD:
                yield from pending.popleft().result()
        while pending:
            yield from pending.popleft().result()


def _prepare(build: Callable[[], ListIndex], options: Options) -> None:
    global _screening  # noqa: PLW0603 - the tasks of a process pool can reach the index in no other way
    _screening = (build(), options)
    gc.collect()
    gc.freeze()  # garbage collection would write to memory that forked processes share


def _answers(chunk: NumberedLines) -> list[Answer]:
    assert _screening is not None, "the process was prepared"
    return [answer(*_screening, number, line) for number, line in chunk]


def _chunks(lines: Iterable[tuple[int, bytes]]) -> Iterator[NumberedLines]:
    source = iter(lines)
    while chunk := list(islice(source, _CHUNK)):
        yield chunk
