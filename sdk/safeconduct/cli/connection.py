"""Who calls which service for one command: from the options, else from the environment."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from typing import Final, TypeVar

from safeconduct.channel import VARIABLES, Credentials, Endpoints
from safeconduct.client import Client
from safeconduct.gate import Gate

T = TypeVar("T")

TRACES: Final = "SAFECONDUCT_TRACES"
PATIENCE_SECONDS: Final = 30.0
"""How long a watch bears that its service is away."""

OVERRIDES: Final[ContextVar[Mapping[str, str]]] = ContextVar("overrides")


def environment() -> dict[str, str]:
    """The SAFECONDUCT_ variables with the command's options over them."""
    return {**os.environ, **OVERRIDES.get({})}


def override(**given: str | None) -> None:
    """Options of the command line, by the names of `safeconduct.channel.VARIABLES`."""
    OVERRIDES.set({VARIABLES[name]: value for name, value in given.items() if value})


def call(act: Callable[[Client], Awaitable[T]]) -> T:
    """What one act with a client gives; opens the client for it and closes it."""

    async def run() -> T:
        async with Client.from_env(environment()) as client:
            return await act(client)

    return asyncio.run(run())


def gate() -> Gate:
    """A gate with this identity. To be made inside an event loop."""
    environ = environment()
    return Gate(Endpoints.from_env(environ).target("enforcement"), Credentials.from_env(environ))


def traces_base() -> str:
    """The HTTP base of the span store, or empty."""
    return environment().get(TRACES, "").rstrip("/")
