"""Addresses and identity of one command: from options, a profile, or the environment."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, TypeVar

from safeconduct.cli.profile_file import profile_file, read_profile, read_profiles

if TYPE_CHECKING:
    from safeconduct.client import Client
    from safeconduct.gate import Gate

T = TypeVar("T")

PROFILE: Final = "SAFECONDUCT_PROFILE"
DEFAULT_PROFILE: Final = "default"
RECONNECT_SECONDS: Final = 30.0
"""A watch ends with an error if its service is away for longer."""

OPTIONS: Final[ContextVar[Mapping[str, str]]] = ContextVar("options")
"""Options of the command line, by setting (`applications`, `ca`, ..., `profile`)."""


def variable(setting: str) -> str:
    """The environment variable of a setting: `ca` gives `SAFECONDUCT_CA`."""
    return f"SAFECONDUCT_{setting.upper()}"


def environment() -> dict[str, str]:
    """The environment with the SAFECONDUCT_ variables that hold for this command.

    First come options, then the profile that an option or SAFECONDUCT_PROFILE names, then single
    variables, then the profile `default`. A named profile beats single variables, because naming it
    is the later wish. Raises ProfileError.
    """
    options = OPTIONS.get({})
    file = profile_file()
    if name := options.get("profile") or os.environ.get(PROFILE, ""):
        base, named = {}, read_profile(file, name)
    else:
        base, named = read_profiles(file).get(DEFAULT_PROFILE, {}), {}
    given = {name: value for name, value in options.items() if value and name != "profile"}
    variables = {name: value for name, value in os.environ.items() if value}
    return {**_variables(base), **variables, **_variables(named), **_variables(given)}


def call(act: Callable[[Client], Awaitable[T]]) -> T:
    """The result of `act`, which receives a client that is open while it runs."""
    from safeconduct.client import RETRY_VARIABLE, Client

    # Without the variable, gRPC's own retries must do: a person who mistyped an address should not
    # wait half a minute to learn it.
    environ = {RETRY_VARIABLE: "0", **environment()}

    async def run() -> T:
        async with Client.from_env(environ) as client:
            return await act(client)

    return asyncio.run(run())


def open_gate() -> Gate:
    """A gate with this command's identity. Call it inside an event loop."""
    from safeconduct.channel import Credentials, Endpoints
    from safeconduct.gate import Gate

    environ = environment()
    return Gate(Endpoints.from_env(environ).target("enforcement"), Credentials.from_env(environ))


def traces_base() -> str:
    """The HTTP address of the span store, or empty."""
    return environment().get(variable("traces"), "").rstrip("/")


def _variables(settings: Mapping[str, str]) -> dict[str, str]:
    return {variable(name): value for name, value in settings.items()}
