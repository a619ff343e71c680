"""`safeconduct applications`: submits applications and follows them to the license."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from safeconduct.cli.connection import RECONNECT_SECONDS, call
from safeconduct.cli.listing import first
from safeconduct.cli.options import (
    FILE,
    example,
    examples,
    id_argument,
    limit_option,
    mutation_options,
    output_options,
    partner_option,
    party_options,
)
from safeconduct.cli.output import Output, joined, proto_json

if TYPE_CHECKING:
    from safeconduct.applications.v1 import model_pb2, service_pb2
    from safeconduct.client import Client

ID = "5d0c3b1e-8a5f-4c6e-9e57-0a6cf3a7b001"


@click.group()
def command() -> None:
    """Submit applications and follow them to the license."""


@command.command(epilog=example("applications submit sdk/examples/hospital-hosted-access.yaml"))
@click.argument("file", type=FILE)
@mutation_options
@output_options
def submit(file: Path, out: Output, request_id: str, validate_only: bool) -> None:
    """Submit the application in a YAML or JSON file.

    After the answer the application is stored and will be decided. `applications template` writes a
    file to fill in. With --validate-only the service checks the file and stores nothing.
    """
    from datetime import datetime, timezone

    from safeconduct.cli.application_file import read_complete
    from safeconduct.cli.parsed_file import RefusedFileError
    from safeconduct.errors import SafeconductError

    details, parsed = read_complete(file, datetime.now(timezone.utc))
    try:
        application = call(
            lambda client: client.applications.submit(
                details, request_id=request_id, validate_only=validate_only
            )
        )
    except SafeconductError as error:
        raise RefusedFileError(error, parsed) from error
    if not validate_only:
        _print(application, out)
    elif not out.printed({"valid": True, "details": proto_json(details)} if out.is_json else {}):
        click.echo("valid; nothing was submitted")


@command.command(epilog=example("applications template --access weights > application.yaml"))
@click.option(
    "--access",
    type=click.Choice(["hosted", "weights", "fine-tuning"]),
    default="hosted",
    show_default=True,
    help="The form of access that you apply for.",
)
@click.option("--out", "file", type=FILE, help="New file, instead of standard output.")
def template(access: str, file: Path | None) -> None:
    """Write a commented application file to fill in."""
    from safeconduct.cli.application_schema import template_text

    text = template_text(access)
    if file is None:
        click.echo(text, nl=False)
        return
    try:
        with file.open("x", encoding="utf-8") as out:
            out.write(text)
    except OSError as error:
        raise click.BadParameter(
            f"cannot write {file}: {error.strerror}", param_hint="--out"
        ) from error


@command.command(epilog=example("applications schema > application.schema.json"))
def schema() -> None:
    """Print the JSON Schema of application files, for editors and other programs."""
    from safeconduct.cli.application_schema import schema_text

    click.echo(schema_text(), nl=False)


@command.command(epilog=example(f"applications get {ID} --json"))
@id_argument("application")
@output_options
def get(application_id: str, out: Output) -> None:
    """Show the state of an application, and what you can do now."""
    _print(call(lambda client: client.applications.get(application_id)), out)


@command.command(
    "list",
    epilog=examples(
        ("what did we submit last?", "applications list --limit 10"),
        ("what waits for a signature?", "applications list --state AWAITING_SIGNATURE"),
        ("which name this party?", "applications list --party 'county hospital'"),
        (
            "how many of a partner's are about this model? See totalSize.",
            "applications list --partner example-1 --model example-frontier-1 --json",
        ),
    ),
)
@click.option("--state", default="", help="Only this state, for instance UNDER_REVIEW.")
@partner_option
@party_options
@click.option("--oldest-first", is_flag=True, help="Sort by submission, oldest first.")
@limit_option
@output_options
def list_(state: str, oldest_first: bool, limit: int, out: Output, **options: str) -> None:
    """List applications, newest first: a partner's own, or those of all partners for officers."""
    from safeconduct.applications.v1 import model_pb2 as model
    from safeconduct.applications.v1 import service_pb2 as service
    from safeconduct.cli.enum_names import choose_or_unset

    wanted = choose_or_unset(model.ApplicationState, state)
    order = service.APPLICATION_ORDER_UNSPECIFIED
    if oldest_first:
        order = service.APPLICATION_ORDER_OLDEST_FIRST
    found = first(
        limit,
        lambda client, size: client.applications.list(
            state=wanted, order_by=order, page_size=size, **options
        ),
    )
    if not out.printed_page("applications", found, lambda one: str(one.application_id)):
        from safeconduct.cli.application_view import show_list

        show_list(found.elements)
        found.report_rest()


@command.command(epilog=example(f"applications watch {ID} --until APPROVED"))
@click.argument("application_id", metavar="[APPLICATION]", required=False, default="")
@click.option("--until", multiple=True, help="End when this state is reached; repeatable.")
@click.option("--resume-token", default="", help="Continue after this token (see --json).")
@output_options
def watch(application_id: str, until: tuple[str, ...], resume_token: str, out: Output) -> None:
    """Follow the changes of one application from its beginning, or of all from now on.

    Reconnects by itself. With --json every change is one line.
    """
    from contextlib import aclosing

    from safeconduct.applications.v1 import model_pb2 as model
    from safeconduct.cli.enum_names import choose

    ends = {choose(model.ApplicationState, name) for name in until}

    async def follow(client: Client) -> None:
        changes = client.applications.watch(
            application_id, resume_token=resume_token, give_up_after=RECONNECT_SECONDS
        )
        async with aclosing(changes):
            async for change in changes:
                _print_change(change, changes.resume_token, out)
                if change.state in ends:
                    return

    call(follow)


@command.command(epilog=example(f"applications withdraw {ID} --reason 'no longer needed'"))
@id_argument("application")
@click.option("--reason", default="", help="Reason, for the record.")
@mutation_options
@output_options
def withdraw(
    application_id: str, reason: str, out: Output, request_id: str, validate_only: bool
) -> None:
    """Withdraw an application before it is decided."""
    application = call(
        lambda client: client.applications.withdraw(
            application_id, reason=reason, request_id=request_id, validate_only=validate_only
        )
    )
    _print(application, out)


@command.command(epilog=example(f"applications code {ID}"))
@id_argument("application")
@output_options
def code(application_id: str, out: Output) -> None:
    """Show the code of conduct that the end user must sign, and the exact text of the signature."""
    application = call(lambda client: client.applications.get(application_id))
    _require_signature(application)

    if out.is_json:
        document = proto_json(application)
        names = ("codeOfConduct", "acceptanceText", "signatoryTexts", "signBy")
        out.printed({name: document[name] for name in names if name in document})
    elif not out.printed({}, application.code_of_conduct.version):
        from safeconduct.cli.application_view import show_code_of_conduct

        show_code_of_conduct(application)


@command.command(epilog=example(f"applications accept {ID} --signing-key signatory.pem"))
@id_argument("application")
@click.option("--signing-key", required=True, type=FILE, help="The signatory's private key, PEM.")
@click.option(
    "--signatory", default="", help="The signatory's party id; needed if there are several."
)
@mutation_options
@output_options
def accept(
    application_id: str,
    signing_key: Path,
    signatory: str,
    out: Output,
    request_id: str,
    validate_only: bool,
) -> None:
    """Sign the code of conduct for the end user. The answer holds the license.

    Read `applications code` first.
    """
    from safeconduct.conduct import load_key, sign, text_of

    private_key = load_key(signing_key)

    async def sign_and_send(client: Client) -> service_pb2.AcceptConductCodeResponse:
        application = await client.applications.get(application_id)
        _require_signature(application)
        signer = signatory or _only_signatory(application)
        try:
            text = text_of(application, signer)
        except LookupError as others:
            raise click.BadParameter(f"name one of {others}", param_hint="--signatory") from None
        return await client.applications.accept_conduct_code(
            application_id,
            code_version=application.code_of_conduct.version,
            signatory_party_id=signer,
            signature=sign(text, private_key),
            etag=application.etag,
            request_id=request_id,
            validate_only=validate_only,
        )

    answer = call(sign_and_send)
    if validate_only:
        if not out.printed({"valid": True}):
            click.echo("valid; nothing was signed")
    elif not out.printed(answer, answer.license.license_id):
        from safeconduct.cli.application_view import show_accepted

        show_accepted(answer)


@command.command(epilog=example("applications keygen --out sdk/examples/keys/signatory.pem"))
@click.option("--out", "file", required=True, type=FILE, help="New file; never replaces one.")
@output_options
def keygen(file: Path, out: Output) -> None:
    """Make a signatory's key (Ed25519).

    The private key stays with the signatory; the application names its public half.
    """
    from safeconduct.conduct import generate_key, public_bytes, save_key

    key = generate_key()
    save_key(key, file)
    public = public_bytes(key).hex()
    if not out.printed({"keyFile": str(file), "publicKey": public}, str(file)):
        from safeconduct.cli.tables import pairs, show

        show(pairs([("key file", str(file)), ("public key", public)]))


def _require_signature(application: model_pb2.Application) -> None:
    if application.acceptance_text:
        return
    from grpc import StatusCode

    from safeconduct.applications.v1 import model_pb2 as model
    from safeconduct.cli.enum_names import short
    from safeconduct.errors import SafeconductError

    state = short(model.ApplicationState, application.state)
    raise SafeconductError(
        StatusCode.FAILED_PRECONDITION,
        "WRONG_STATE",
        f"there is nothing to sign: the application is {state}",
        {"state": state, "allowedCommands": joined(application.allowed_commands)},
    )


def _only_signatory(application: model_pb2.Application) -> str:
    from safeconduct.applications.v1 import model_pb2 as model

    found = [each.party_id for each in application.signatory_texts] or [
        party.party_id
        for party in application.details.parties
        if model.PARTY_ROLE_SIGNATORY in party.roles
    ]
    if len(found) != 1:
        raise click.BadParameter(f"name one of {joined(found)}", param_hint="--signatory")
    return found[0]


def _print(application: model_pb2.Application, out: Output) -> None:
    if not out.printed(application, application.application_id):
        from safeconduct.cli.application_view import show_application

        show_application(application)


def _print_change(change: service_pb2.ApplicationChange, resume_token: str, out: Output) -> None:
    if not out.printed_event(change, change.application_id, resumeToken=resume_token):
        from safeconduct.cli.application_view import show_change

        show_change(change)
