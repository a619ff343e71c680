"""`safeconduct lists`: bring in restricted-party lists, have them screened against, see how far that is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import RenderableType

from safeconduct.cli.connection import call
from safeconduct.cli.names import choose, short
from safeconduct.cli.output import (
    Json,
    RequestId,
    ValidateOnly,
    coloured,
    example,
    moment,
    pairs,
    print_json,
    proto_json,
    rows,
    show,
)
from safeconduct.screening.v1 import model_pb2 as model

app = typer.Typer(help="Keep the restricted-party lists.", no_args_is_help=True)

Code = Annotated[str, typer.Argument(metavar="CODE", help="Code of the list, for instance US-CSL.")]


@app.command(
    "import",
    epilog=example(
        "lists import US-CSL consolidated.csv --format CSL_CSV --publication 2026-11-24"
    ),
)
def import_list(
    code: Code,
    file: Annotated[
        Path,
        typer.Argument(exists=True, dir_okay=False, readable=True, help="The file, as published."),
    ],
    format: Annotated[  # noqa: A002 - the contract's word
        str, typer.Option("--format", help="CSL_CSV, OFAC_SDN_CSV, UN_XML or TARGETS_SIMPLE_CSV.")
    ],
    publication: Annotated[
        str, typer.Option(help="When it was published: YYYY, YYYY-MM or YYYY-MM-DD.")
    ],
    alt: Annotated[
        Path | None, typer.Option(help="OFAC: the file of alternative names.", exists=True)
    ] = None,
    add: Annotated[
        Path | None, typer.Option(help="OFAC: the file of addresses.", exists=True)
    ] = None,
    json: Json = False,
    validate_only: ValidateOnly = False,
    request_id: RequestId = "",
) -> None:
    """Import a version of a list. Nothing is screened against it before it is activated."""
    kind = choose(model.ListFormat, format)
    parts = {model.LIST_PART_PRIMARY: file, model.LIST_PART_ALT: alt, model.LIST_PART_ADD: add}
    files = {part: path.read_bytes() for part, path in parts.items() if path is not None}
    answer = call(
        lambda client: client.lists.import_list(
            code,
            files,
            format=kind,
            publication=publication,
            request_id=request_id,
            validate_only=validate_only,
        )
    )
    if json:
        print_json(proto_json(answer))
        return
    show(
        pairs(
            [
                ("version", answer.version.list_version),
                ("parties", str(answer.version.entry_count)),
                ("added", str(answer.delta.added)),
                ("changed", str(answer.delta.changed)),
                ("removed", str(answer.delta.removed)),
            ]
        ),
        "Not screened against before it is activated.",
    )


@app.command(epilog=example("lists activate US-CSL US-CSL/2026-11-24/0123456789ab"))
def activate(
    code: Code,
    version: Annotated[
        str, typer.Argument(metavar="VERSION", help="The version, as `lists import` named it.")
    ],
    json: Json = False,
    validate_only: ValidateOnly = False,
    request_id: RequestId = "",
) -> None:
    """Screen against a version from now on. Open applications and live licenses are compared with what it changes."""
    answer = call(
        lambda client: client.lists.activate(
            code, version, request_id=request_id, validate_only=validate_only
        )
    )
    if json:
        print_json(proto_json(answer))
    else:
        show(pairs([("list", answer.list_code), ("active", answer.active_version)]))


@app.command(epilog=example("lists status"))
def status(json: Json = False) -> None:
    """Show every list with its versions, and how far screening has come with the active ones."""
    answer = call(lambda client: client.lists.status())
    if json:
        print_json(proto_json(answer))
        return
    show(
        pairs(
            [
                ("screened against", answer.loaded_version or "nothing yet"),
                ("parties", str(answer.entry_count)),
                ("up to date", "yes" if answer.is_current else "not yet"),
                ("applications waiting", str(answer.waiting_applications)),
            ]
        ),
        rows(
            ("LIST", "VERSION", "", "PARTIES", "FORMAT", "IMPORTED"),
            [line for each in answer.lists for line in _versions(each)],
        ),
    )


def _versions(found: model.ListStatus) -> list[tuple[RenderableType, ...]]:
    return [
        (
            found.list_code,
            version.list_version,
            coloured("ACTIVE") if version.list_version == found.active_version else "",
            str(version.entry_count),
            short(model.ListFormat, version.format),
            moment(version.imported_at),
        )
        for version in reversed(found.versions)
    ]
