"""What an operator is told when a database, the broker or a file cannot be used."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import click
from safeconduct.cli.failures import INVALID, UNAVAILABLE, print_error

Result = TypeVar("Result")


class Unusable(Exception):  # noqa: N818 - a verdict on what was given, told to a person
    """Something that was given cannot be used. `reason` is for programs, the message for people."""

    def __init__(self, reason: str, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.reason = reason
        self.lines = list(lines)


def run(work: Coroutine[Any, Any, Result], *, as_json: bool) -> Result:
    """What the work gives. Ends the command with a complaint: 2 for what was given, 6 for who does not answer."""
    import asyncpg
    from aiokafka.errors import KafkaError

    try:
        return asyncio.run(work)
    except Unusable as fault:
        print_error(fault.reason, fault.lines, as_json=as_json)
        raise click.exceptions.Exit(INVALID) from None
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as fault:
        print_error(
            "DATABASE", [f"the database did not do its part: {_said(fault)}"], as_json=as_json
        )
    except KafkaError as fault:
        print_error("BROKER", [f"the broker did not do its part: {_said(fault)}"], as_json=as_json)
    except (OSError, TimeoutError) as fault:
        print_error("UNREACHABLE", [f"it did not answer: {_said(fault)}"], as_json=as_json)
    raise click.exceptions.Exit(UNAVAILABLE)


def _said(fault: BaseException) -> str:
    return f"{type(fault).__name__}: {fault}" if str(fault) else type(fault).__name__
