"""`safeconduct applications`: submit an application and follow it to the license."""

from __future__ import annotations

from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import grpc
import typer
from rich.text import Text

from safeconduct.applications.v1 import model_pb2 as model
from safeconduct.applications.v1 import service_pb2 as service
from safeconduct.cli.connection import PATIENCE_SECONDS, call
from safeconduct.cli.files import read_application
from safeconduct.cli.names import choose, short
from safeconduct.cli.output import (
    Json,
    Limit,
    RequestId,
    ValidateOnly,
    coloured,
    example,
    joined,
    moment,
    pairs,
    print_json,
    print_line,
    proto_json,
    rows,
    show,
)
from safeconduct.client import Client
from safeconduct.conduct import generate_key, load_key, public_bytes, save_key, sign
from safeconduct.errors import SafeconductError

app = typer.Typer(
    help="Submit applications and follow them to the license. For partners.", no_args_is_help=True
)

ApplicationId = Annotated[str, typer.Argument(metavar="APPLICATION", help="Application id.")]


@app.command(epilog=example("applications submit sdk/examples/hospital-hosted-access.yaml"))
def submit(
    file: Annotated[Path, typer.Argument(help="YAML or JSON file with the application.")],
    json: Json = False,
    validate_only: ValidateOnly = False,
    request_id: RequestId = "",
) -> None:
    """Submit the application in a file. When it answers, the application is stored and will be decided."""
    details = read_application(file, datetime.now(UTC))
    application = call(
        lambda client: client.applications.submit(
            details, request_id=request_id, validate_only=validate_only
        )
    )
    _show(application, json)


@app.command(epilog=example("applications get 5d0c3b1e-8a5f-4c6e-9e57-0a6cf3a7b001 --json"))
def get(application_id: ApplicationId, json: Json = False) -> None:
    """Show where an application stands, and what can be done now."""
    _show(call(lambda client: client.applications.get(application_id)), json)


@app.command("list", epilog=example("applications list --state AWAITING_SIGNATURE"))
def list_(
    state: Annotated[str, typer.Option(help="Only this state, for instance UNDER_REVIEW.")] = "",
    limit: Limit = 50,
    json: Json = False,
) -> None:
    """List your applications, newest first."""
    wanted = choose(model.ApplicationState, state) if state else model.APPLICATION_STATE_UNSPECIFIED

    async def read(client: Client) -> list[model.Application]:
        found: list[model.Application] = []
        async for application in client.applications.list(state=wanted, page_size=min(limit, 200)):
            found.append(application)
            if len(found) == limit:
                break
        return found

    applications = call(read)
    if json:
        print_json({"applications": [proto_json(one) for one in applications]})
        return
    lines = [
        (one.application_id, coloured(_state(one.state)), moment(one.submitted_at), _end_users(one))
        for one in applications
    ]
    show(rows(("APPLICATION", "STATE", "SUBMITTED", "END USER"), lines))


@app.command(
    epilog=example("applications watch 5d0c3b1e-8a5f-4c6e-9e57-0a6cf3a7b001 --until APPROVED")
)
def watch(
    application_id: Annotated[
        str, typer.Argument(metavar="[APPLICATION]", help="Application id; none = all.")
    ] = "",
    until: Annotated[
        list[str] | None, typer.Option(help="End when this state is reached; repeatable.")
    ] = None,
    resume_token: Annotated[str, typer.Option(help="Go on after this place (see --json).")] = "",
    json: Json = False,
) -> None:
    """Follow changes: of one application from its beginning, of all from now on. Survives lost connections."""
    ends = {choose(model.ApplicationState, name) for name in until or ()}

    async def follow(client: Client) -> None:
        changes = client.applications.watch(
            application_id, resume_token=resume_token, patience=PATIENCE_SECONDS
        )
        async with aclosing(changes):
            async for change in changes:
                _show_change(change, changes.resume_token, json)
                if change.state in ends:
                    return

    call(follow)


@app.command(
    epilog=example(
        "applications withdraw 5d0c3b1e-8a5f-4c6e-9e57-0a6cf3a7b001 --reason 'no longer needed'"
    )
)
def withdraw(
    application_id: ApplicationId,
    reason: Annotated[str, typer.Option(help="Why, for the record.")] = "",
    json: Json = False,
    validate_only: ValidateOnly = False,
    request_id: RequestId = "",
) -> None:
    """Take an application back before it is decided."""
    application = call(
        lambda client: client.applications.withdraw(
            application_id, reason=reason, request_id=request_id, validate_only=validate_only
        )
    )
    _show(application, json)


@app.command(epilog=example("applications code 5d0c3b1e-8a5f-4c6e-9e57-0a6cf3a7b001"))
def code(application_id: ApplicationId, json: Json = False) -> None:
    """Show the code of conduct that the end user is to sign, and the exact text of the signature."""
    application = call(lambda client: client.applications.get(application_id))
    _require_signature(application)
    if json:
        document = proto_json(application)
        print_json(
            {
                name: document[name]
                for name in ("codeOfConduct", "acceptanceText", "signBy")
                if name in document
            }
        )
        return
    show(
        Text(application.code_of_conduct.text.rstrip()),
        Text(f"\nTo be signed by {moment(application.sign_by)}:", style="bold"),
        Text(application.acceptance_text.decode("utf-8", "backslashreplace").rstrip()),
    )


@app.command(
    epilog=example(
        "applications accept 5d0c3b1e-8a5f-4c6e-9e57-0a6cf3a7b001 --key signatory.pem --signatory signatory"
    )
)
def accept(
    application_id: ApplicationId,
    key: Annotated[Path, typer.Option(help="The signatory's private key, PEM.")],
    signatory: Annotated[
        str, typer.Option(help="The signatory's party id; needed when there are several.")
    ] = "",
    json: Json = False,
    validate_only: ValidateOnly = False,
    request_id: RequestId = "",
) -> None:
    """Sign the code of conduct for the end user; the license comes with the answer. See `applications code` first."""
    private_key = load_key(key)

    async def sign_and_send(client: Client) -> service.AcceptConductCodeResponse:
        application = await client.applications.get(application_id)
        _require_signature(application)
        return await client.applications.accept_conduct_code(
            application_id,
            code_version=application.code_of_conduct.version,
            signatory_party_id=signatory or _only_signatory(application),
            signature=sign(application.acceptance_text, private_key),
            etag=application.etag,
            request_id=request_id,
            validate_only=validate_only,
        )

    answer = call(sign_and_send)
    if json:
        print_json(proto_json(answer))
        return
    show(
        pairs(
            [
                ("application", answer.application.application_id),
                ("state", coloured(_state(answer.application.state))),
                ("license", answer.license.license_id),
                ("number", answer.license.license_number),
                ("valid", _validity(answer.license)),
                ("conditions", "\n".join(answer.license.conditions)),
            ]
        )
    )


@app.command(epilog=example("applications keygen --out sdk/examples/keys/signatory.pem"))
def keygen(
    out: Annotated[
        Path, typer.Option(help="Where to write the private key; never replaces a file.")
    ],
    json: Json = False,
) -> None:
    """Make a signatory's key (Ed25519). It stays with the signatory; an application takes its public half."""
    key = generate_key()
    save_key(key, out)
    public = public_bytes(key).hex()
    if json:
        print_json({"keyFile": str(out), "publicKey": public})
    else:
        show(pairs([("key file", str(out)), ("public key", public)]))


def _require_signature(application: model.Application) -> None:
    if application.acceptance_text:
        return
    state = _state(application.state)
    raise SafeconductError(
        grpc.StatusCode.FAILED_PRECONDITION,
        "WRONG_STATE",
        f"there is nothing to sign: the application is {state}",
        {"state": state, "allowedCommands": joined(application.allowed_commands)},
    )


def _only_signatory(application: model.Application) -> str:
    found = [
        party.party_id
        for party in application.details.parties
        if model.PARTY_ROLE_SIGNATORY in party.roles
    ]
    if len(found) != 1:
        raise typer.BadParameter(f"name one of {joined(found)}", param_hint="--signatory")
    return found[0]


def _state(state: int) -> str:
    return short(model.ApplicationState, state)


def _end_users(application: model.Application) -> str:
    return joined(
        party.name
        for party in application.details.parties
        if model.PARTY_ROLE_END_USER in party.roles
    )


def _validity(license_: model.License) -> str:
    return f"{moment(license_.not_before)} to {moment(license_.not_after)}"


def _show(application: model.Application, as_json: bool) -> None:
    if as_json:
        print_json(proto_json(application))
        return
    details = application.details
    items = (
        f"{item.model_id} ({short(model.AccessMode, item.access_mode)})" for item in details.items
    )
    show(
        pairs(
            [
                ("application", application.application_id),
                ("state", coloured(_state(application.state))),
                ("end user", _end_users(application)),
                ("models", joined(items)),
                ("destinations", joined(details.destinations)),
                ("end uses", joined(short(model.EndUse, use) for use in details.end_uses)),
                ("submitted", moment(application.submitted_at)),
                ("updated", moment(application.updated_at)),
                ("sign by", moment(application.sign_by)),
                ("license", application.license_id),
                ("reasons", "\n".join(application.reasons)),
                ("can be done", joined(application.allowed_commands)),
            ]
        )
    )


def _show_change(change: service.ApplicationChange, resume_token: str, as_json: bool) -> None:
    if as_json:
        document: dict[str, Any] = proto_json(change)
        print_line({**document, "resumeToken": resume_token})
        return
    line = Text.assemble(
        (moment(change.occurred_at), "dim"),
        f"  {change.application_id}  {change.version:>3}  {change.event_type:<28}  ",
        coloured(_state(change.state)),
    )
    show(line)
