"""The stack of the journeys: three services in processes of their own, started once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from safeconduct.applications.v1 import model_pb2
from safeconduct.channel import Credentials, Endpoints
from safeconduct.client import Client

from infra.local.stack import Stack
from infra.scenario.clients import Clients, open_clients
from infra.scenario.examples import read_examples

Examples = Mapping[str, model_pb2.ApplicationDetails]


@pytest.fixture(scope="session")
def stack(run_folder: Path) -> Iterator[Stack]:
    with Stack(run_folder / "stack") as running:
        yield running


@pytest.fixture(scope="session")
def prepared(stack: Stack) -> tuple[Examples, Path]:
    return read_examples(stack.root)


@pytest.fixture(scope="session")
def examples(prepared: tuple[Examples, Path]) -> Examples:
    return prepared[0]


@pytest.fixture(scope="session")
async def clients(stack: Stack, prepared: tuple[Examples, Path]) -> AsyncIterator[Clients]:
    async with AsyncExitStack() as undo:
        yield await open_clients(stack, prepared[1], undo)


@pytest.fixture(scope="session")
async def client_of(stack: Stack) -> AsyncIterator[Callable[[str], Client]]:
    clients: dict[str, Client] = {}

    def of(principal: str) -> Client:
        if principal not in clients:
            environ = stack.client_env(principal)
            clients[principal] = Client(
                Endpoints.from_env(environ),
                Credentials.from_env(environ),
                deadline=60,
                waits_for_ready=True,
            )
        return clients[principal]

    yield of
    for client in clients.values():
        await client.close()
