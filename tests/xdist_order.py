"""Who runs what when `pytest -n` has several processes share the suite.

A file stays whole, so that what its tests share is started once. What brings up whole stacks of services stays in one
process: two stacks at once would make each other wait, and every deadline in them would have to be longer. It goes
first, because it takes longest; then what needs PostgreSQL and Kafka; last what needs nothing, which fills any gap.
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
"""Every one of them runs all three services at once."""
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
    """What a test stays together with: the stacks, or its file."""
    return "stacks" if nodeid.startswith(STACKS) else nodeid.partition("::")[0]


def in_order(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """Stacks, servers, the rest; inside of each as they were collected."""

    def turn(item: pytest.Item) -> tuple[int, int]:
        for number, folders in enumerate((STACKS, SERVERS)):
            for place, folder in enumerate(folders):
                if item.nodeid.startswith(folder):
                    return number, place
        return 2, 0

    return sorted(items, key=turn)


class OrderedScheduling(LoadScopeScheduling):
    """xdist's scheduler of whole files, with our shares for files, in the order of the collection."""

    def __init__(self, config: pytest.Config, log: object) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)
