"""The shipped list, read and indexed once for all tests of the engine."""

from pathlib import Path

import pytest

from services.screening.core.lists.csl import read_entries
from services.screening.core.model import Entry
from services.screening.core.names.index import ListIndex

SHIPPED_LIST = Path(__file__).parents[3] / "services/screening/lists/us_csl_2025-02.csv.gz"


@pytest.fixture(scope="session")
def published() -> bytes:
    return SHIPPED_LIST.read_bytes()


@pytest.fixture(scope="session")
def entries(published: bytes) -> tuple[Entry, ...]:
    return read_entries(published)


@pytest.fixture(scope="session")
def generation(entries: tuple[Entry, ...]) -> ListIndex:
    return ListIndex.build(entries, "us-csl-2025-02")
