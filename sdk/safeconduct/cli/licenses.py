"""`safeconduct licenses`: reads licenses, verifies their documents, and reinstates suspended ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from safeconduct.cli.connection import call
from safeconduct.cli.options import (
    EXISTING_FILE,
    example,
    id_argument,
    limit_option,
    mutation_options,
    output_options,
    rationale_option,
)
from safeconduct.cli.output import Output

if TYPE_CHECKING:
    from safeconduct.client import Client
    from safeconduct.documents import LicenseDocument
    from safeconduct.enforcement.v1 import service_pb2

ID = "0c9fd6cf-6ac9-4bb4-a36e-8b6f1bd6a001"


@click.group()
def command() -> None:
    """Read and verify licenses, and reinstate suspended ones."""


@command.command(epilog=example(f"licenses get {ID}"))
@id_argument("license")
@output_options
def get(license_id: str, out: Output) -> None:
    """Show what a license grants. Use `gates check` to see whether it is in force right now."""
    found = call(lambda client: client.licenses.get(license_id))
    if not out.printed(found, license_id):
        from safeconduct.cli.license_view import show_license

        show_license(found)


@command.command("list", epilog=example("licenses list"))
@limit_option
@output_options
def list_(limit: int, out: Output) -> None:
    """List your licenses, newest first."""
    from safeconduct.rpc.calls import at_most

    found = call(lambda client: at_most(limit, client.licenses.list(page_size=min(limit, 200))))
    if not out.printed_list("licenses", found, lambda one: one.license_id):
        from safeconduct.cli.license_view import show_list

        show_list(found)


@command.command(epilog=example(f"licenses verify {ID}"))
@click.argument("license_id", metavar="[LICENSE]", required=False, default="")
@click.option("--file", type=EXISTING_FILE, help="A document in a file, instead of the stored one.")
@output_options
def verify(license_id: str, file: Path | None, out: Output) -> None:
    """Verify the signature of a license document with the published keys, and show its content."""
    from safeconduct.documents import verify as verify_document

    if bool(license_id) == bool(file):
        raise click.BadParameter("give a license id or --file, one of them", param_hint="LICENSE")
    text = file.read_text(encoding="utf-8") if file else ""

    async def check(client: Client) -> LicenseDocument:
        document = text or await client.licenses.document(license_id)
        return verify_document(document, await client.licenses.signing_keys())

    found = call(check)
    claims = dict(found.claims)
    document = {"keyId": found.key_id, "header": dict(found.header), "claims": claims}
    if not out.printed(document, str(claims.get("license_id", license_id))):
        from safeconduct.cli.tables import pairs, show

        lines = [(name, str(value)) for name, value in claims.items()]
        show(pairs([("signature", "valid"), ("key", found.key_id), *lines]))


@command.command(
    "propose-reinstatement",
    epilog=example(f"licenses propose-reinstatement {ID} --rationale 'the cause is removed'"),
)
@id_argument("license")
@rationale_option
@mutation_options
@output_options
def propose_reinstatement(
    license_id: str, rationale: str, out: Output, request_id: str, validate_only: bool
) -> None:
    """Propose that a suspended license is in force again, or confirm another officer's proposal."""

    async def send(client: Client) -> service_pb2.ReinstateResponse:
        # A license that a list match suspended may have no violation, so the etag is that of the license.
        etag = (await client.standing.timeline(license_id)).etag
        return await client.violations.reinstate(
            license_id,
            rationale=rationale,
            etag=etag,
            request_id=request_id,
            validate_only=validate_only,
        )

    answer = call(send)
    if not out.printed(answer, license_id):
        from safeconduct.cli.violation_view import show_standing

        show_standing(answer.standing)
        if answer.awaits_confirmation:
            click.echo("Another officer must confirm.")
