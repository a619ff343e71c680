"""Runs independent tasks at the same time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait


def run_side_by_side(*tasks: Callable[[], None], abort: Callable[[], None] = lambda: None) -> None:
    """Runs every task in a thread of its own and returns when all have returned.

    If a task raises, or a signal handler raises in the calling thread, `abort` is called.
    `abort` makes the other tasks end early. Then the first exception is raised.
    """
    with ThreadPoolExecutor(max_workers=len(tasks)) as pool:
        try:
            ended, _ = wait([pool.submit(task) for task in tasks], return_when=FIRST_EXCEPTION)
            for each in ended:
                each.result()
        except BaseException:
            abort()
            raise
