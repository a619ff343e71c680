"""`safeconduct screening`: ask about one party now, or about a whole book of them."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from safeconduct.cli.book import LineError, read_line
from safeconduct.cli.connection import PATIENCE_SECONDS, call
from safeconduct.cli.failures import INVALID
from safeconduct.cli.names import choose, short
from safeconduct.cli.output import (
    Json,
    coloured,
    example,
    joined,
    pairs,
    print_json,
    print_line,
    proto_json,
    rows,
    show,
)
from safeconduct.cli.plain import plain
from safeconduct.client import Client
from safeconduct.screening.v1 import model_pb2 as model
from safeconduct.screening.v1 import service_pb2 as service

app = typer.Typer(help="Screen a party against the restricted-party lists.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Screen a party against the restricted-party lists."""


@app.command(
    epilog=example("screening screen 'Example Teaching Hospital' --kind ORGANISATION --country DE")
)
def screen(
    name: Annotated[list[str], typer.Argument(metavar="NAME...", help="Main name, then aliases.")],
    kind: Annotated[str, typer.Option(help="PERSON, ORGANISATION or VESSEL.")] = "",
    country: Annotated[
        list[str] | None, typer.Option(help="ISO 3166-1 alpha-2; repeatable.")
    ] = None,
    birth_date: Annotated[str, typer.Option(help="YYYY, YYYY-MM or YYYY-MM-DD.")] = "",
    identifier: Annotated[
        list[str] | None,
        typer.Option(metavar="TYPE=VALUE", help="For instance INN=7703086112; repeatable."),
    ] = None,
    address: Annotated[list[str] | None, typer.Option(help="Postal address; repeatable.")] = None,
    json: Json = False,
) -> None:
    """Screen one party now. Stores nothing."""
    party = model.PartyQuery(
        names=name,
        kind=choose(model.PartyKind, kind) if kind else model.PARTY_KIND_UNSPECIFIED,
        countries=[code.upper() for code in country or ()],
        birth_date=birth_date,
        identifiers=[_identifier(text) for text in identifier or ()],
        addresses=address or (),
    )
    answer = call(lambda client: client.screening.screen_party(party))
    if json:
        print_json(proto_json(answer))
    else:
        _show(answer)


@app.command(epilog=example("screening book PARTIES.jsonl --json"))
def book(
    file: Annotated[
        Path,
        typer.Argument(
            exists=True,
            dir_okay=False,
            allow_dash=True,
            help="A party a line; - for standard input.",
        ),
    ],
    json: Json = False,
) -> None:
    """Screen every party of a file, in order, at the pace of the service. Stores nothing.

    A line is {"id", "name" | "names", "schema"?, "birth_date"?, "countries"?, "identifiers"?, "addresses"?}. With
    --json every answer is a line, as it comes; without it, whoever is not clear. Ends with 2 when some line was not
    screened.
    """
    reading = _Reading(file, as_json=json)
    call(reading.screen)
    counts = (
        ", ".join(f"{count} {name}" for name, count in sorted(reading.counts.items())) or "nobody"
    )
    print(f"{counts}; lists: {', '.join(reading.lists) or 'none'}", file=sys.stderr)
    if reading.counts["REFUSED"]:
        raise typer.Exit(INVALID)


@dataclass
class _Reading:
    """A book on its way."""

    file: Path
    as_json: bool
    counts: Counter[str] = field(default_factory=Counter)
    lists: dict[str, None] = field(default_factory=dict)

    async def screen(self, client: Client) -> None:
        async with aclosing(
            client.screening.screen_parties(self._parties(), patience=PATIENCE_SECONDS)
        ) as answers:
            async for answer in answers:
                self._told(answer)

    async def _parties(self) -> AsyncIterator[tuple[str, model.PartyQuery]]:
        with sys.stdin.buffer if str(self.file) == "-" else self.file.open("rb") as lines:
            number = 0
            # Whoever writes into a pipe may be slow, and answers are shown meanwhile.
            while line := await asyncio.to_thread(lines.readline):
                number += 1
                if not line.strip():
                    continue
                try:
                    party = read_line(line)
                except LineError as error:
                    self._told(_refused(error, number))
                else:
                    yield party

    def _told(self, answer: service.ScreenPartiesResponse) -> None:
        is_refused = answer.WhichOneof("answer") != "party"
        result = "REFUSED" if is_refused else short(model.ScreeningResult, answer.party.result)
        self.counts[result] += 1
        if answer.list_version:
            self.lists[answer.list_version] = None
        if self.as_json:
            print_line(proto_json(answer))
        elif is_refused:
            faults = [f"{one.field}: {one.description}" for one in answer.refusal.faults] or [
                answer.refusal.message
            ]
            show(
                Text.assemble(
                    coloured(result), f" {answer.query_id}: {'; '.join(map(plain, faults))}"
                )
            )
        elif answer.party.result != model.SCREENING_RESULT_CLEAR:
            best = [
                f"{hit.score:.3f} {hit.matched_name} [{hit.list_code}]"
                for hit in answer.party.hits[:1]
            ]
            said = "".join(best) or answer.party.undetermined_reason
            show(Text.assemble(coloured(result), f" {answer.query_id}: {said}"))


def _refused(error: LineError, number: int) -> service.ScreenPartiesResponse:
    refusal = service.PartyRefusal(reason="LINE_MALFORMED", message=f"line {number} {error}")
    return service.ScreenPartiesResponse(query_id=error.id, refusal=refusal)


def _identifier(text: str) -> model.Identifier:
    kind, separator, value = text.partition("=")
    if not (kind and separator and value):
        raise typer.BadParameter(f"{text!r} is not TYPE=VALUE", param_hint="--identifier")
    return model.Identifier(type=kind, value=value)


def _show(answer: service.ScreenPartyResponse) -> None:
    party = answer.party
    show(
        pairs(
            [
                ("result", coloured(short(model.ScreeningResult, party.result))),
                ("because", party.undetermined_reason),
                ("seen in the name", joined(party.flags)),
                ("lists", answer.list_version or "none loaded"),
                ("rules", answer.config_version),
                ("expected alerts", f"{answer.expected_alert_rate:.2%} of innocent parties"),
            ]
        )
    )
    for hit in party.hits:
        strength = short(model.MatchStrength, hit.strength)
        title = Text.assemble(
            "\n", coloured(strength), f" {hit.score:.3f}  {hit.matched_name}  [{hit.list_code}]"
        )
        show(title, pairs([("entry", hit.entry_id), ("programs", joined(hit.programs))]))
        evidence = [
            (one.kind, short(model.EvidenceEffect, one.effect).lower(), one.detail)
            for one in hit.evidence
        ]
        show(rows(("EVIDENCE", "", ""), evidence))
