"""Tasks that run side by side."""

from __future__ import annotations

import threading

import pytest

from infra.parallel import run_side_by_side


def test_tasks_run_at_the_same_time() -> None:
    barrier = threading.Barrier(2, timeout=20)

    run_side_by_side(lambda: _ignore(barrier.wait()), lambda: _ignore(barrier.wait()))

    assert not barrier.broken


def test_a_task_that_raises_aborts_the_others() -> None:
    is_aborted = threading.Event()

    def fails() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        run_side_by_side(fails, lambda: _ignore(is_aborted.wait(20)), abort=is_aborted.set)

    assert is_aborted.is_set()


def _ignore(_result: object) -> None:
    """Drops a result."""
