"""`safeconduct audit text`: list the kept texts, or print one byte for byte."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

import click
from safeconduct.cli.options import output_options
from safeconduct.cli.output import Output

from operations.audit.texts import KeptText, Texts
from operations.error_messages import InputError, run
from operations.help import epilog

_DATABASE = click.option(
    "--database",
    multiple=True,
    metavar="SERVICE=DSN",
    help="The database applications=postgresql://..., or set SAFECONDUCT_AUDIT_APPLICATIONS_URL.",
)


@click.command(
    epilog=epilog(
        "0 the text is the one with this digest; 1 its content was changed",
        "audit text",
        "audit text 07c1f0a2 > policy.yaml",
    )
)
@click.argument("digest", metavar="[DIGEST]", default="")
@_DATABASE
@output_options
def text(digest: str, database: tuple[str, ...], out: Output) -> None:
    """List the texts that decisions rest on, or print the one with this SHA-256.

    The first characters of the digest suffice, if no other text begins with them.
    """
    from safeconduct.cli.failures import BROKEN
    from safeconduct.cli.terminal_text import printable

    from operations.audit.databases import database_of, databases
    from operations.audit.journal_reader import open_snapshot

    async def work() -> tuple[Texts, KeptText | None]:
        dsn = database_of("applications", databases(database, os.environ))
        async with open_snapshot(dsn) as journal:
            texts = await journal.texts()
        return texts, _find(texts, digest) if digest else None

    texts, found = run(work(), as_json=out.is_json)
    if found is None:
        _list(texts, out)
        return
    if not out.printed({**_described(found), "content": found.content.decode(errors="replace")}):
        # A file gets it byte for byte: it is the evidence of a decision or of a signature.
        content = found.content
        if sys.stdout.isatty():
            content = printable(content.decode(errors="replace")).encode()
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    raise click.exceptions.Exit(0 if found.is_whole else BROKEN)


def _find(texts: Texts, digest: str) -> KeptText:
    found = [each for each in texts.values() if each.digest.hex().startswith(digest.lower())]
    if len(found) != 1:
        problem = "no kept text has" if not found else f"{len(found)} kept texts have"
        raise InputError("DIGEST", f"{problem} a SHA-256 that begins with {digest}")
    return found[0]


def _described(each: KeptText) -> Mapping[str, object]:
    return {
        "digest": each.digest.hex(),
        "kind": each.kind,
        "version": each.version,
        "fileName": each.file_name,
        "bytes": len(each.content),
        "inUse": each.is_in_use,
        "ok": each.is_whole,
    }


def _list(texts: Texts, out: Output) -> None:
    from safeconduct.cli.tables import Column, rows, show

    if out.printed({"texts": [_described(each) for each in texts.values()]}):
        return
    columns = (Column("DIGEST", whole=True), "KIND", "VERSION", "FILE", "IN USE", "CONTENT")
    lines = [
        (
            each.digest.hex(),
            each.kind,
            each.version,
            each.file_name,
            "yes" if each.is_in_use else "",
            "ok" if each.is_whole else "CHANGED",
        )
        for each in texts.values()
    ]
    show(rows(columns, lines))
