"""`safeconduct lists`: imports and activates restricted-party lists, shows their state."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from safeconduct.cli.connection import call
from safeconduct.cli.named_file import content_of
from safeconduct.cli.options import EXISTING_FILE, example, mutation_options, output_options
from safeconduct.cli.output import Output

MAX_LIST_BYTES: Final = 128 << 20
"""The service accepts no more, in all parts together."""


@click.group()
def command() -> None:
    """Manage the restricted-party lists."""


@command.command(
    "import",
    epilog=example(
        "lists import US-CSL consolidated.csv --format CSL_CSV --publication 2026-11-24"
    ),
)
@click.argument("code", metavar="CODE")
@click.argument("file", type=EXISTING_FILE)
@click.option(
    "--format",
    "format_",
    required=True,
    help="CSL_CSV, OFAC_SDN_CSV, UN_XML or TARGETS_SIMPLE_CSV.",
)
@click.option(
    "--publication", required=True, help="Date of publication: YYYY, YYYY-MM or YYYY-MM-DD."
)
@click.option("--alt", type=EXISTING_FILE, help="OFAC: the file of alternative names.")
@click.option("--add", type=EXISTING_FILE, help="OFAC: the file of addresses.")
@mutation_options
@output_options
def import_list(
    code: str,
    file: Path,
    format_: str,
    publication: str,
    alt: Path | None,
    add: Path | None,
    out: Output,
    request_id: str,
    validate_only: bool,
) -> None:
    """Import a version of a list from its file, as published. CODE is for instance US-CSL.

    Parties are screened against it only after `lists activate`.
    """
    from safeconduct.cli.enum_names import choose
    from safeconduct.screening.v1 import model_pb2 as model

    kind = choose(model.ListFormat, format_)
    parts = {model.LIST_PART_PRIMARY: file, model.LIST_PART_ALT: alt, model.LIST_PART_ADD: add}
    files = {part: content_of(path, MAX_LIST_BYTES) for part, path in parts.items() if path}
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
    if not out.printed(answer, answer.version.list_version):
        from safeconduct.cli.list_view import show_import

        show_import(answer)


@command.command(epilog=example("lists activate US-CSL US-CSL/2026-11-24/0123456789ab"))
@click.argument("code", metavar="CODE")
@click.argument("version", metavar="VERSION")
@mutation_options
@output_options
def activate(code: str, version: str, out: Output, request_id: str, validate_only: bool) -> None:
    """Screen against a version from now on. VERSION is the name that `lists import` printed.

    Open applications and licenses in force are screened again against its changes.
    """
    answer = call(
        lambda client: client.lists.activate(
            code, version, request_id=request_id, validate_only=validate_only
        )
    )
    if not out.printed(answer, answer.active_version):
        from safeconduct.cli.tables import pairs, show

        show(pairs([("list", answer.list_code), ("active", answer.active_version)]))


@command.command(epilog=example("lists status"))
@output_options
def status(out: Output) -> None:
    """Show every list with its versions, and how far screening has come with the active ones."""
    answer = call(lambda client: client.lists.status())
    if not out.printed(answer, answer.loaded_version):
        from safeconduct.cli.list_view import show_status

        show_status(answer)
