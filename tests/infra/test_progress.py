"""Progress reports of long commands."""

from __future__ import annotations

import io

import pytest

from infra.progress import Progress


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_step_is_one_line_with_its_seconds() -> None:
    out, clock = io.StringIO(), Clock()

    with Progress(out, clock).step("kafka"):
        clock.now = 1.5

    assert out.getvalue().split() == ["1.5", "s", "kafka"]


def test_a_step_that_raises_is_reported_as_failed() -> None:
    out = io.StringIO()

    with pytest.raises(ValueError, match="broken"), Progress(out, Clock()).step("kafka"):
        raise ValueError("broken")

    assert out.getvalue().endswith("kafka: failed\n")


def test_a_step_of_more_than_two_seconds_is_announced_and_again_every_ten() -> None:
    out, clock = io.StringIO(), Clock()
    progress, announced = Progress(out, clock), []

    with progress.step("kafka"):
        for clock.now in (1.0, 3.0, 4.0, 12.0, 14.0):
            progress.tick()
            announced.append(out.getvalue().count("so far"))

    assert announced == [0, 1, 1, 1, 2]
