"""`safeconduct license`: read licenses and check their signed documents."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from safeconduct.applications.v1 import model_pb2 as model
from safeconduct.cli.connection import call
from safeconduct.cli.names import short
from safeconduct.cli.output import (
    Json,
    Limit,
    coloured,
    example,
    joined,
    moment,
    pairs,
    print_json,
    proto_json,
    rows,
    show,
)
from safeconduct.client import Client
from safeconduct.documents import LicenseDocument
from safeconduct.documents import verify as verify_document

app = typer.Typer(help="Read licenses and verify their documents.", no_args_is_help=True)

LicenseId = Annotated[str, typer.Argument(metavar="LICENSE", help="License id.")]


@app.command("show", epilog=example("license show 0c9fd6cf-6ac9-4bb4-a36e-8b6f1bd6a001"))
def show_(license_id: LicenseId, json: Json = False) -> None:
    """Show what a license grants. Whether it holds right now says `gate check`."""
    found = call(lambda client: client.licenses.get(license_id))
    if json:
        print_json(proto_json(found))
        return
    items = (
        f"{item.model_id} ({short(model.AccessMode, item.access_mode)})" for item in found.items
    )
    show(
        pairs(
            [
                ("license", found.license_id),
                ("number", found.license_number),
                ("recorded as", coloured(short(model.LicenseState, found.state))),
                ("holder", found.holder_name),
                ("end users", joined(found.end_user_names)),
                ("models", joined(items)),
                ("destinations", joined(found.destinations)),
                ("end uses", joined(short(model.EndUse, use) for use in found.end_uses)),
                ("cap", f"{found.monthly_million_tokens} million tokens a month"),
                ("valid", f"{moment(found.not_before)} to {moment(found.not_after)}"),
                ("lease", f"{found.lease_seconds} s"),
                ("conditions", "\n".join(found.conditions)),
                (
                    "signed",
                    f"{moment(found.acceptance.accepted_at)} by {found.acceptance.signatory_party_id}",
                ),
                ("application", found.application_id),
            ]
        )
    )


@app.command("list", epilog=example("license list"))
def list_(limit: Limit = 50, json: Json = False) -> None:
    """List your licenses, newest first."""

    async def read(client: Client) -> list[model.License]:
        found: list[model.License] = []
        async for one in client.licenses.list(page_size=min(limit, 200)):
            found.append(one)
            if len(found) == limit:
                break
        return found

    licenses = call(read)
    if json:
        print_json({"licenses": [proto_json(one) for one in licenses]})
        return
    lines = [
        (
            one.license_id,
            one.license_number,
            coloured(short(model.LicenseState, one.state)),
            moment(one.not_after),
            joined(one.end_user_names),
        )
        for one in licenses
    ]
    show(rows(("LICENSE", "NUMBER", "RECORDED AS", "UNTIL", "END USERS"), lines))


@app.command(epilog=example("license verify 0c9fd6cf-6ac9-4bb4-a36e-8b6f1bd6a001"))
def verify(
    license_id: Annotated[
        str, typer.Argument(metavar="[LICENSE]", help="License id; or give --file.")
    ] = "",
    file: Annotated[
        Path | None, typer.Option(help="A document at hand, instead of the stored one.")
    ] = None,
    json: Json = False,
) -> None:
    """Verify the signature of a license document with the published keys, and show what it says."""
    if bool(license_id) == bool(file):
        raise typer.BadParameter("give a license id or --file, one of them", param_hint="LICENSE")
    text = file.read_text(encoding="utf-8") if file else ""

    async def check(client: Client) -> LicenseDocument:
        document = text or await client.licenses.document(license_id)
        return verify_document(document, await client.licenses.signing_keys())

    document = call(check)
    if json:
        print_json(
            {
                "keyId": document.key_id,
                "header": dict(document.header),
                "claims": dict(document.claims),
            }
        )
        return
    rows_ = [
        (name, value if isinstance(value, str) else str(value))
        for name, value in document.claims.items()
    ]
    show(pairs([("signature", "holds"), ("key", document.key_id), *rows_]))
