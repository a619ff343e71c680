"""Runs an operator's command and turns its errors into messages and exit codes."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

import click
from safeconduct.cli.failures import INVALID, UNAVAILABLE, print_error

Result = TypeVar("Result")

INVALID_MEANS: Final = "2 invalid input or configuration"
UNAVAILABLE_MEANS: Final = "6 a database, Kafka or a service is unavailable"
"""For the help pages: the exit codes of `run`."""


class InputError(Exception):
    """Invalid option, variable or file. `reason` is for programs, the lines are for people."""

    def __init__(self, reason: str, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.reason = reason
        self.lines = list(lines)


def run(work: Coroutine[Any, Any, Result], *, as_json: bool) -> Result:
    """Returns the result of the work.

    If it raises InputError, or an error of PostgreSQL, Kafka or the network, this prints a message
    to standard error and ends the command with exit code 2 or 6.
    """
    import asyncpg
    from aiokafka.errors import KafkaError

    try:
        return asyncio.run(work)
    except InputError as error:
        print_error(error.reason, error.lines, as_json=as_json)
        raise click.exceptions.Exit(INVALID) from None
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        print_error("DATABASE", [f"database error: {_text(error)}"], as_json=as_json)
    except KafkaError as error:
        print_error("BROKER", [f"Kafka error: {_text(error)}"], as_json=as_json)
    except (OSError, TimeoutError) as error:
        print_error("UNREACHABLE", [f"no connection: {_text(error)}"], as_json=as_json)
    raise click.exceptions.Exit(UNAVAILABLE)


def _text(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
