"""The PostgreSQL and the Kafka of the tests: one of each per process, started at first use."""

from __future__ import annotations

import itertools
import logging
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from infra.cache import CHECKOUT
from infra.local.kafka import Kafka
from infra.local.postgres import Database, Postgres

# Tests assert no durations. Hypothesis does by default: 200 ms for an example, and a limit for the
# generation of the data, which a busy machine exceeds.
settings.register_profile(
    "no durations", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("no durations")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Returns the scheduler of tests/xdist_order.py, which `-n` uses."""
    from tests.xdist_order import OrderedScheduling  # xdist is not needed without `-n`

    return OrderedScheduling(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Sorts the tests of an xdist worker in the order of tests/xdist_order.py."""
    if hasattr(config, "workerinput"):
        from tests.xdist_order import in_order

        items[:] = in_order(items)


@pytest.fixture(scope="session")
def run_folder() -> Iterator[Path]:
    """A folder inside the checkout for the files of this run, removed at its end."""
    parent = CHECKOUT / "build" / "tests"
    parent.mkdir(parents=True, exist_ok=True)
    folder = _new_folder(parent)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def tmp_path(run_folder: Path) -> Path:
    """Replaces pytest's fixture: inside the checkout, and removed at the end of the run."""
    return _new_folder(run_folder)


def _new_folder(parent: Path) -> Path:
    folder = Path(tempfile.mkdtemp(dir=parent))
    folder.chmod(0o755)  # PostgreSQL runs under another uid and must be able to enter
    return folder


@pytest.fixture(scope="session")
def postgres(run_folder: Path) -> Iterator[Postgres]:
    """The server of this process."""
    with Postgres(run_folder / "postgres") as server:
        yield server


@pytest.fixture(scope="session")
def kafka(run_folder: Path) -> Iterator[Kafka]:
    """The one-node cluster of this process. Each test creates its own topics."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # polled until it answers
    with Kafka(run_folder / "kafka") as cluster:
        yield cluster


@pytest.fixture(scope="session")
def new_database(postgres: Postgres) -> Callable[[], Database]:
    """Returns a function that creates an empty database with its own roles."""
    numbers = itertools.count(1)

    def make() -> Database:
        name = f"test_{next(numbers)}"
        return postgres.provision(name, f"{name}_owner", f"{name}_app")

    return make


@pytest.fixture
def database(new_database: Callable[[], Database]) -> Database:
    """An empty database for one test."""
    return new_database()
