"""`safeconduct screening`: ask about one party now."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from safeconduct.cli.connection import call
from safeconduct.cli.names import choose, short
from safeconduct.cli.output import Json, coloured, example, joined, pairs, print_json, proto_json, rows, show
from safeconduct.screening.v1 import model_pb2 as model
from safeconduct.screening.v1 import service_pb2 as service

app = typer.Typer(help="Screen a party against the restricted-party lists.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Screen a party against the restricted-party lists."""


@app.command(epilog=example("screening screen 'Example Teaching Hospital' --kind ORGANISATION --country DE"))
def screen(
    name: Annotated[list[str], typer.Argument(metavar="NAME...", help="Main name, then aliases.")],
    kind: Annotated[str, typer.Option(help="PERSON, ORGANISATION or VESSEL.")] = "",
    country: Annotated[list[str] | None, typer.Option(help="ISO 3166-1 alpha-2; repeatable.")] = None,
    birth_date: Annotated[str, typer.Option(help="YYYY, YYYY-MM or YYYY-MM-DD.")] = "",
    identifier: Annotated[
        list[str] | None, typer.Option(metavar="TYPE=VALUE", help="For instance INN=7703086112; repeatable.")
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
        title = Text.assemble("\n", coloured(strength), f" {hit.score:.3f}  {hit.matched_name}  [{hit.list_code}]")
        show(title, pairs([("entry", hit.entry_id), ("programs", joined(hit.programs))]))
        evidence = [(one.kind, short(model.EvidenceEffect, one.effect).lower(), one.detail) for one in hit.evidence]
        show(rows(("EVIDENCE", "", ""), evidence))
