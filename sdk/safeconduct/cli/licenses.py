"""`safeconduct licenses`: reads, verifies and reinstates licenses."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from safeconduct.cli.connection import call
from safeconduct.cli.listing import first
from safeconduct.cli.options import (
    FILE,
    confirmation_options,
    example,
    examples,
    id_argument,
    limit_option,
    mutation_options,
    output_options,
    partner_option,
    party_options,
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


@command.command(
    "list",
    epilog=examples(
        ("which licenses end next?", "licenses list --state ACTIVE --ending-first"),
        ("which partner's licenses are suspended?", "licenses list --state SUSPENDED"),
        (
            "who may use this model in Kenya?",
            "licenses list --model example-frontier-1 --country KE",
        ),
    ),
)
@click.option("--state", default="", help="Only recorded as ACTIVE, SUSPENDED, REVOKED or EXPIRED.")
@partner_option
@party_options
@click.option(
    "--ending-first", is_flag=True, help="Sort by the end of the validity, earliest end first."
)
@click.option("--oldest-first", is_flag=True, help="Sort by the begin of the validity.")
@limit_option
@output_options
def list_(
    state: str, ending_first: bool, oldest_first: bool, limit: int, out: Output, **options: str
) -> None:
    """List licenses, newest first: a partner's own, or those of all partners for officers."""
    from safeconduct.applications.v1 import model_pb2 as model
    from safeconduct.applications.v1 import service_pb2 as service
    from safeconduct.cli.enum_names import choose_or_unset

    if ending_first and oldest_first:
        raise click.BadParameter("give one of them", param_hint="--ending-first or --oldest-first")
    wanted = choose_or_unset(model.LicenseState, state)
    order = service.LICENSE_ORDER_UNSPECIFIED
    if ending_first or oldest_first:
        order = service.LicenseOrder.Value(
            f"LICENSE_ORDER_{'ENDING' if ending_first else 'OLDEST'}_FIRST"
        )
    found = first(
        limit,
        lambda client, size: client.licenses.list(
            state=wanted, order_by=order, page_size=size, **options
        ),
    )
    if not out.printed_page("licenses", found, lambda one: str(one.license_id)):
        from safeconduct.cli.license_view import show_list

        show_list(found.elements)
        found.report_rest()


@command.command(epilog=example(f"licenses verify {ID}"))
@click.argument("license_id", metavar="[LICENSE]", required=False, default="")
@click.option("--file", type=FILE, help="A document in a file, instead of the stored one.")
@output_options
def verify(license_id: str, file: Path | None, out: Output) -> None:
    """Verify the signature of a license document with the published keys, and show its content."""
    from safeconduct.cli.named_file import content_of
    from safeconduct.documents import MAX_BYTES
    from safeconduct.documents import verify as verify_document

    if bool(license_id) == bool(file):
        raise click.BadParameter("give a license id or --file, one of them", param_hint="LICENSE")
    content = content_of(file, MAX_BYTES) if file else b""

    async def check(client: Client) -> LicenseDocument:
        document = content if file else await client.licenses.document(license_id)
        return verify_document(document, await client.licenses.signing_keys())

    found = call(check)
    claims = dict(found.claims)
    document = {"keyId": found.key_id, "header": dict(found.header), "claims": claims}
    if not out.printed(document, str(claims.get("jti", license_id))):
        from safeconduct.cli.tables import pairs, show

        lines = [(name, str(value)) for name, value in claims.items()]
        show(pairs([("signature", "valid"), ("key", found.key_id), *lines]))


@command.command(epilog=example("licenses keys --json"))
@output_options
def keys(out: Output) -> None:
    """List the public keys that license documents verify with, former ones included."""
    found = call(lambda client: client.licenses.published_keys())
    if not out.printed_list("keys", found, lambda one: one.key_id):
        from safeconduct.cli.license_view import show_keys

        show_keys(found)


@command.command(
    "propose-reinstatement",
    epilog=example(f"licenses propose-reinstatement {ID} --rationale 'the cause is removed'"),
)
@id_argument("license")
@rationale_option
@mutation_options
@output_options
def propose_reinstatement(license_id: str, out: Output, **options: Any) -> None:
    """Propose to reinstate a suspended license. Another officer must confirm."""

    async def send(client: Client) -> service_pb2.ProposeReinstatementResponse:
        etag = (await client.standing.timeline(license_id)).etag
        return await client.violations.propose_reinstatement(license_id, etag=etag, **options)

    answer = call(send)
    if not out.printed(answer, answer.reinstatement.reinstatement_id):
        from safeconduct.cli.license_view import show_reinstatement

        show_reinstatement(answer.reinstatement)
        click.echo("Another officer must confirm or reject it.")


@command.command(
    "confirm-reinstatement",
    epilog=example(f"licenses confirm-reinstatement {ID} --rationale 'I agree, it is removed'"),
)
@id_argument("license")
@rationale_option
@confirmation_options
@mutation_options
@output_options
def confirm_reinstatement(license_id: str, out: Output, **options: Any) -> None:
    """Confirm the reinstatement that another officer proposed. Shows it and asks first."""
    _decide(license_id, "Reinstate this license?", "confirm_reinstatement", out, options)


@command.command(
    "reject-reinstatement",
    epilog=example(f"licenses reject-reinstatement {ID} --rationale 'the cause is still there'"),
)
@id_argument("license")
@rationale_option
@confirmation_options
@mutation_options
@output_options
def reject_reinstatement(license_id: str, out: Output, **options: Any) -> None:
    """Reject the reinstatement that another officer proposed. Asks first."""
    _decide(license_id, "Reject this reinstatement?", "reject_reinstatement", out, options)


def _decide(
    license_id: str, question: str, method: str, out: Output, options: dict[str, Any]
) -> None:
    """Confirms or rejects the pending reinstatement by `method` of `client.violations`."""
    from safeconduct.cli.confirmation import Confirmation
    from safeconduct.cli.license_view import show_reinstatement, show_standing

    yes, is_unseen = options.pop("yes"), options.pop("yes_to_pending")

    async def act(client: Client) -> Any:
        async def read() -> service_pb2.GetLicenseTimelineResponse:
            return await client.standing.timeline(license_id)

        async def send(license_: service_pb2.GetLicenseTimelineResponse) -> Any:
            decide = getattr(client.violations, method)
            pending = license_.pending_reinstatement.reinstatement_id
            return await decide(license_id, pending, etag=license_.etag, **options)

        def show(license_: service_pb2.GetLicenseTimelineResponse) -> None:
            show_reinstatement(license_.pending_reinstatement)

        confirmation = Confirmation(read, _pending_reinstatement, show, send, question)
        return await confirmation.run(yes, is_unseen=is_unseen)

    answer = call(act)
    if not out.printed(answer, license_id):
        show_standing(answer.standing)


def _pending_reinstatement(license_: service_pb2.GetLicenseTimelineResponse) -> str:
    """The id of the pending reinstatement. Raises WRONG_STATE if there is none."""
    if found := license_.pending_reinstatement.reinstatement_id:
        return found
    from safeconduct.cli.confirmation import nothing_pending

    raise nothing_pending("reinstatement")
