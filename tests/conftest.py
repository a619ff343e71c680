"""The real PostgreSQL and the real Kafka of the tests: one of each for a process, started by the first to ask."""

from __future__ import annotations

import itertools
import logging
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra.cache import CHECKOUT
from infra.local.kafka import Kafka
from infra.local.postgres import Database, Postgres


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """With `-n`, the processes share the suite by tests/xdist_order.py."""
    from tests.xdist_order import OrderedScheduling  # one process alone needs no xdist

    return OrderedScheduling(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A process that has its share of the suite collects it in the order of tests/xdist_order.py."""
    if hasattr(config, "workerinput"):
        from tests.xdist_order import in_order

        items[:] = in_order(items)


@pytest.fixture(scope="session")
def run_folder() -> Iterator[Path]:
    """A folder inside the checkout for what this run starts, removed at its end."""
    parent = CHECKOUT / "build" / "tests"
    parent.mkdir(parents=True, exist_ok=True)
    folder = _new_folder(parent)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def tmp_path(run_folder: Path) -> Path:
    """pytest's own, but inside the checkout: the tests write nowhere else, and leave no data folder behind."""
    return _new_folder(run_folder)


def _new_folder(parent: Path) -> Path:
    folder = Path(tempfile.mkdtemp(dir=parent))
    folder.chmod(0o755)  # PostgreSQL under another uid must be able to pass
    return folder


@pytest.fixture(scope="session")
def postgres(run_folder: Path) -> Iterator[Postgres]:
    """A server of this run."""
    with Postgres(run_folder / "postgres") as server:
        yield server


@pytest.fixture(scope="session")
def kafka(run_folder: Path) -> Iterator[Kafka]:
    """A one-node cluster of this run; topics are the tests' own."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # asked until it answers
    with Kafka(run_folder / "kafka") as cluster:
        yield cluster


@pytest.fixture(scope="session")
def new_database(postgres: Postgres) -> Callable[[], Database]:
    """Makes an empty database with roles of its own, as often as it is called."""
    numbers = itertools.count(1)

    def make() -> Database:
        name = f"test_{next(numbers)}"
        return postgres.provision(name, f"{name}_owner", f"{name}_app")

    return make


@pytest.fixture
def database(new_database: Callable[[], Database]) -> Database:
    """An empty database for one test."""
    return new_database()
