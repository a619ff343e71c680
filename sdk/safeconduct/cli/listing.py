"""Lists of the command: the first elements, and how many more there are.

Imports nothing heavy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import click

from safeconduct.cli.connection import call

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from safeconduct.client import Client
    from safeconduct.rpc.calls import Listing

M = TypeVar("M", bound="Message")

GREATEST_PAGE: Final = 200


@dataclass(frozen=True, slots=True)
class Found(Generic[M]):
    """The first elements of a list, and the size of the whole list."""

    elements: Sequence[M]
    total_size: int
    has_more_than_total: bool

    def report_rest(self) -> None:
        """Prints on standard error how many elements there are if not all of them are shown."""
        if len(self.elements) < self.total_size:
            more = "+" if self.has_more_than_total else ""
            click.echo(
                f"{len(self.elements)} of {self.total_size}{more} shown; --limit shows more.",
                err=True,
            )


def first(limit: int, open_list: Callable[[Client, int], Listing[M]]) -> Found[M]:
    """Returns the first `limit` elements of the list that `open_list` opens.

    `open_list` takes the client and the page size.
    """

    async def read(client: Client) -> Found[M]:
        from safeconduct.rpc.calls import at_most

        listing = open_list(client, min(limit, GREATEST_PAGE))
        elements = await at_most(limit, listing)
        return Found(elements, listing.total_size, listing.has_more_than_total)

    return call(read)
