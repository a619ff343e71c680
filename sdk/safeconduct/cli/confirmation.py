"""Confirms a proposal: shows it, asks, and asks again if it has changed."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import click

from safeconduct.errors import SafeconductError

Case = TypeVar("Case")
Answer = TypeVar("Answer")

CHANGED: Final = frozenset({"STALE_ETAG", "PENDING_ACT_DIFFERS", "RECOMMENDATION_CHANGED"})
"""Reasons by which a service says that the case is not the one that the officer read."""
MOST_ATTEMPTS: Final = 5


@dataclass(frozen=True, slots=True)
class Confirmation(Generic[Case, Answer]):
    """One confirmation or rejection.

    `read` returns the case, `pending` the id of the proposal in it (it raises if there is none),
    `show` prints the case and its proposal, `send` sends the decision for the case as it was read.
    `question` is what the officer is asked.
    """

    read: Callable[[], Awaitable[Case]]
    pending: Callable[[Case], str]
    show: Callable[[Case], None]
    send: Callable[[Case], Awaitable[Answer]]
    question: str

    async def run(self, yes: str, *, is_unseen: bool = False) -> Answer:
        """Returns the service's answer.

        `yes` is the id of the proposal that the officer has read elsewhere; then nothing is shown
        or asked, and another proposal is refused with PENDING_ACT_DIFFERS. `is_unseen` takes any
        proposal.
        """
        for attempt in range(1, MOST_ATTEMPTS + 1):
            case = await self.read()
            pending = self.pending(case)
            if yes:
                _require_same(pending, yes)
            elif not is_unseen:
                self._ask(case, pending)
            try:
                return await self.send(case)
            except SafeconductError as error:
                if error.reason not in CHANGED or attempt == MOST_ATTEMPTS:
                    raise
                if not yes:
                    click.echo("It changed meanwhile. This is the case now:", err=True)
        raise AssertionError

    def _ask(self, case: Case, pending: str) -> None:
        self.show(case)
        if not sys.stdin.isatty():
            message = (
                f"this needs an answer; in a script give the id of what you read: --yes {pending}"
            )
            raise click.UsageError(message)
        click.confirm(self.question, abort=True, err=True)


def _require_same(pending: str, yes: str) -> None:
    if pending != yes:
        from grpc import StatusCode

        raise SafeconductError(
            StatusCode.FAILED_PRECONDITION,
            "PENDING_ACT_DIFFERS",
            f"{pending} is pending, not {yes}",
            {"pending": pending},
        )


def nothing_pending(kind: str, state: str = "") -> SafeconductError:
    """The error for a case that has nothing to confirm. `kind` is for instance `recommendation`."""
    from grpc import StatusCode

    metadata = {"state": state} if state else {}
    message = f"no {kind} is pending"
    return SafeconductError(StatusCode.FAILED_PRECONDITION, "WRONG_STATE", message, metadata)
