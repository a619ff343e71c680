"""`safeconduct screening`: screens one party now, or a whole file of them."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from safeconduct.cli.connection import RECONNECT_SECONDS, call
from safeconduct.cli.failures import INVALID
from safeconduct.cli.options import example, output_options
from safeconduct.cli.output import Output

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from safeconduct.client import Client
    from safeconduct.screening.v1 import model_pb2, service_pb2


@click.group()
def command() -> None:
    """Screen parties against the restricted-party lists."""


@command.command(
    epilog=example("screening screen 'Example Teaching Hospital' --kind ORGANISATION --country DE")
)
@click.argument("name", nargs=-1, required=True, metavar="NAME...")
@click.option("--kind", default="", help="PERSON, ORGANISATION or VESSEL.")
@click.option("--country", multiple=True, help="ISO 3166-1 alpha-2; repeatable.")
@click.option("--birth-date", default="", help="YYYY, YYYY-MM or YYYY-MM-DD.")
@click.option(
    "--identifier",
    multiple=True,
    metavar="TYPE=VALUE",
    help="For instance INN=7703086112; repeatable.",
)
@click.option("--address", multiple=True, help="Postal address; repeatable.")
@output_options
def screen(
    name: tuple[str, ...],
    kind: str,
    country: tuple[str, ...],
    birth_date: str,
    identifier: tuple[str, ...],
    address: tuple[str, ...],
    out: Output,
) -> None:
    """Screen one party now: its main NAME, then other names. Stores nothing."""
    from safeconduct.cli.enum_names import choose_or_unset
    from safeconduct.screening.v1 import model_pb2 as model

    party = model.PartyQuery(
        names=name,
        kind=choose_or_unset(model.PartyKind, kind),
        countries=[code.upper() for code in country],
        birth_date=birth_date,
        identifiers=[_identifier(text) for text in identifier],
        addresses=address,
    )
    answer = call(lambda client: client.screening.screen_party(party))
    if not out.printed(answer):
        from safeconduct.cli.screening_view import show_screening

        show_screening(answer)


@command.command(epilog=example("screening bulk PARTIES.jsonl --json"))
@click.argument(
    "file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)
)
@output_options
def bulk(file: Path, out: Output) -> None:
    """Screen every party of FILE, in order; - reads standard input. Stores nothing.

    A line is {"id", "name" | "names", "schema"?, "birth_date"?, "countries"?, "identifiers"?,
    "addresses"?}. With
    --json every answer is one line, as it arrives. Without it only parties that are not CLEAR
    are printed.
    Exits with 2 if a line could not be screened.
    """
    from safeconduct.cli.named_file import open_named

    with sys.stdin.buffer if str(file) == "-" else open_named(file) as lines:
        run = _BulkRun(lines, out)
        call(run.screen)
    counts = ", ".join(f"{count} {name}" for name, count in sorted(run.counts.items()))
    print(f"{counts or 'no parties'}; lists: {', '.join(run.lists) or 'none'}", file=sys.stderr)
    if run.counts["REFUSED"]:
        raise click.exceptions.Exit(INVALID)


@dataclass
class _BulkRun:
    """One file on its way to the service, and what was answered so far."""

    lines: IO[bytes]
    out: Output
    counts: Counter[str] = field(default_factory=Counter)
    lists: dict[str, None] = field(default_factory=dict)

    async def screen(self, client: Client) -> None:
        from contextlib import aclosing

        async with aclosing(
            client.screening.screen_parties(self._parties(), give_up_after=RECONNECT_SECONDS)
        ) as answers:
            async for answer in answers:
                self._print(answer)

    async def _parties(self) -> AsyncIterator[tuple[str, model_pb2.PartyQuery]]:
        from safeconduct.cli.party_lines import MAX_BYTES, LineError, read_line

        number = 0
        # A pipe may be slow; answers are printed meanwhile.
        while line := await asyncio.to_thread(self.lines.readline, MAX_BYTES + 1):
            number += 1
            if len(line) > MAX_BYTES:
                too_long = LineError("", f"is longer than {MAX_BYTES} bytes; reading ended")
                self._print(_refusal(too_long, number))
                return
            if not line.strip():
                continue
            try:
                party = read_line(line)
            except LineError as error:
                self._print(_refusal(error, number))
            else:
                yield party

    def _print(self, answer: service_pb2.ScreenPartiesResponse) -> None:
        from safeconduct.cli.enum_names import short
        from safeconduct.screening.v1 import model_pb2 as model

        is_refused = answer.WhichOneof("answer") != "party"
        result = "REFUSED" if is_refused else short(model.ScreeningResult, answer.party.result)
        self.counts[result] += 1
        if answer.list_version:
            self.lists[answer.list_version] = None
        if not self.out.printed_event(answer, answer.query_id):
            from safeconduct.cli.screening_view import show_answer

            show_answer(answer, result)


def _refusal(error: Exception, number: int) -> service_pb2.ScreenPartiesResponse:
    """The answer to a line that is never sent, in the form of the service's answers."""
    from safeconduct.screening.v1 import service_pb2 as service

    refusal = service.PartyRefusal(reason="LINE_MALFORMED", message=f"line {number} {error}")
    return service.ScreenPartiesResponse(query_id=getattr(error, "id", ""), refusal=refusal)


def _identifier(text: str) -> model_pb2.Identifier:
    from safeconduct.screening.v1 import model_pb2 as model

    kind, separator, value = text.partition("=")
    if not (kind and separator and value):
        raise click.BadParameter(f"{text!r} is not TYPE=VALUE", param_hint="--identifier")
    return model.Identifier(type=kind, value=value)
