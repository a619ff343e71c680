"""The order and the grouping of the tests for `pytest -n`.

The tests of a file run in one process, so that its fixtures start once. All tests with a whole
stack run in one process as well: two stacks at a time would slow each other down, and all their
time limits would have to be longer. They run first because they take longest. Then follow the tests
with PostgreSQL and Kafka. The tests without a server run last and fill the remaining time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pytest
from xdist.scheduler import LoadScopeScheduling

STACKS: Final = (
    "tests/journeys/",
    "tests/faults/test_run.py",
    "tests/bench/test_bench.py",
    "tests/docs/test_readme.py",
)
"""Tests that run all three services."""
SERVERS: Final = (
    "tests/screening/shell/",
    "tests/enforcement/shell/",
    "tests/sdk/",
    "tests/operations/",
    "tests/infra/",
    "tests/chassis/",
    "tests/bench/",
    "tests/docs/",
)


def group_of(nodeid: str) -> str:
    """Returns the group of a test: `stacks`, or its file."""
    return "stacks" if nodeid.startswith(STACKS) else nodeid.partition("::")[0]


def in_order(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """Returns the tests sorted by STACKS, SERVERS and the rest; else in the order of collection."""

    def rank(item: pytest.Item) -> tuple[int, int]:
        for number, folders in enumerate((STACKS, SERVERS)):
            for position, folder in enumerate(folders):
                if item.nodeid.startswith(folder):
                    return number, position
        return 2, 0

    return sorted(items, key=rank)


class OrderedScheduling(LoadScopeScheduling):
    """Distributes whole groups to the processes, in the order of collection."""

    def __init__(self, config: pytest.Config, log: object) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)
