"""`safeconduct hits`: list entries that may be a party, and the officers' verdicts on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from safeconduct.cli.connection import call
from safeconduct.cli.listing import first
from safeconduct.cli.options import (
    confirmation_options,
    example,
    examples,
    id_argument,
    limit_option,
    mutation_options,
    output_options,
    partner_option,
    rationale_option,
)
from safeconduct.cli.output import Output

if TYPE_CHECKING:
    from safeconduct.client import Client
    from safeconduct.screening.v1 import model_pb2

ID = "8a1f6f0e-0b53-5a8e-9d6c-2f4b3a7c9001"
APPLICATION = "5d0c3b1e-8a5f-4c6e-9e57-0a6cf3a7b001"


@click.group()
def command() -> None:
    """Judge whether a list entry is the party that it resembles."""


@command.command(
    "list",
    epilog=examples(
        ("what has waited longest for a verdict?", "hits list --state OPEN --oldest-first"),
        (
            "which exact matches with this list are open?",
            "hits list --state OPEN --strength EXACT --list US-CSL",
        ),
        ("which entries resemble this name?", "hits list --party 'example institute'"),
        ("which hits has this application?", f"hits list --application {APPLICATION}"),
    ),
)
@click.option(
    "--application",
    "application_id",
    default="",
    metavar="APPLICATION",
    help="Only this application.",
)
@click.option(
    "--state", default="", help="OPEN, CLEARING_PROPOSED, FALSE_POSITIVE, CONFIRMED or SUPERSEDED."
)
@partner_option
@click.option(
    "--party",
    "party_name",
    default="",
    metavar="NAME",
    help="Only parties or entries whose names have these words.",
)
@click.option(
    "--list", "list_code", default="", metavar="LIST", help="Only this list, for instance US-CSL."
)
@click.option("--strength", default="", help="Only EXACT, STRONG or WEAK matches.")
@click.option("--oldest-first", is_flag=True, help="Sort by the time found, oldest first.")
@limit_option
@output_options
def list_(
    state: str, strength: str, oldest_first: bool, limit: int, out: Output, **options: str
) -> None:
    """List hits, newest first."""
    from safeconduct.cli.enum_names import choose_or_unset
    from safeconduct.screening.v1 import model_pb2 as model
    from safeconduct.screening.v1 import service_pb2 as service

    wanted = choose_or_unset(model.HitState, state)
    strong = choose_or_unset(model.MatchStrength, strength)
    order = service.HIT_ORDER_OLDEST_FIRST if oldest_first else service.HIT_ORDER_UNSPECIFIED
    found = first(
        limit,
        lambda client, size: client.hits.list(
            state=wanted, strength=strong, order_by=order, page_size=size, **options
        ),
    )
    if not out.printed_page("hits", found, lambda hit: str(hit.hit_id)):
        from safeconduct.cli.hit_view import show_list

        show_list(found.elements)
        found.report_rest()


@command.command(epilog=example(f"hits get {ID}"))
@id_argument("hit")
@output_options
def get(hit_id: str, out: Output) -> None:
    """Show one hit with its evidence.

    With --quiet it prints the id of the pending clearing, or of the verdict, which --yes takes.
    """
    found = call(lambda client: client.hits.get(hit_id))
    if not out.printed(found, found.clearing_id or found.verdict_id):
        from safeconduct.cli.hit_view import show_hit

        show_hit(found)


@command.command(
    epilog=example(f"hits adjudicate {ID} --false-positive --rationale 'another firm'")
)
@id_argument("hit")
@rationale_option
@click.option(
    "--false-positive/--confirmed",
    default=None,
    help="The entry is not the party, or it is the party.",
)
@mutation_options
@output_options
def adjudicate(
    hit_id: str,
    rationale: str,
    false_positive: bool | None,
    out: Output,
    request_id: str,
    validate_only: bool,
) -> None:
    """Record whether the entry is the party. A second officer may have to confirm it."""
    from safeconduct.screening.v1 import model_pb2 as model

    if false_positive is None:
        raise click.BadParameter("choose one", param_hint="--false-positive or --confirmed")
    verdict = model.HIT_VERDICT_FALSE_POSITIVE if false_positive else model.HIT_VERDICT_CONFIRMED

    async def send(client: Client) -> model_pb2.HitCase:
        etag = (await client.hits.get(hit_id)).etag
        return await client.hits.adjudicate(
            hit_id,
            verdict=verdict,
            rationale=rationale,
            etag=etag,
            request_id=request_id,
            validate_only=validate_only,
        )

    case = call(send)
    if not out.printed(case, case.clearing_id):
        from safeconduct.cli.hit_view import show_hit

        show_hit(case)
        if case.state == model.HIT_STATE_CLEARING_PROPOSED:
            click.echo(
                "Another officer must confirm or reject it: safeconduct hits confirm-clearing."
            )


@command.command(
    "confirm-clearing",
    epilog=example(f"hits confirm-clearing {ID} --rationale 'the birth dates differ'"),
)
@id_argument("hit")
@rationale_option
@confirmation_options
@mutation_options
@output_options
def confirm_clearing(hit_id: str, out: Output, **options: Any) -> None:
    """Confirm another officer's proposal to clear a hit. Shows it and asks first."""
    _decide(hit_id, "Clear this hit?", "confirm_clearing", out, options)


@command.command(
    "reject-clearing",
    epilog=example(f"hits reject-clearing {ID} --rationale 'the birth dates are the same'"),
)
@id_argument("hit")
@rationale_option
@confirmation_options
@mutation_options
@output_options
def reject_clearing(hit_id: str, out: Output, **options: Any) -> None:
    """Reject another officer's proposal to clear a hit; it is open again. Asks first."""
    _decide(hit_id, "Reject this clearing?", "reject_clearing", out, options)


@command.command(
    "withdraw-verdict",
    epilog=example(f"hits withdraw-verdict {ID} --rationale 'the wrong hit was judged'"),
)
@id_argument("hit")
@rationale_option
@confirmation_options
@mutation_options
@output_options
def withdraw_verdict(hit_id: str, out: Output, **options: Any) -> None:
    """Withdraw the verdict on a hit; it is open again, wherever it applied. Asks first."""
    _decide(hit_id, "Withdraw this verdict?", "withdraw_verdict", out, options)


def _decide(hit_id: str, question: str, method: str, out: Output, options: dict[str, Any]) -> None:
    """Confirms, rejects or withdraws what stands by calling `method` of the client's hits."""
    from safeconduct.cli.confirmation import Confirmation
    from safeconduct.cli.hit_view import show_hit

    yes, is_unseen = options.pop("yes"), options.pop("yes_to_pending")
    act_of = _verdict_in_force if method == "withdraw_verdict" else _pending_clearing

    async def act(client: Client) -> model_pb2.HitCase:
        async def read() -> model_pb2.HitCase:
            return await client.hits.get(hit_id)

        async def send(case: model_pb2.HitCase) -> model_pb2.HitCase:
            decide = getattr(client.hits, method)
            found: model_pb2.HitCase = await decide(hit_id, act_of(case), etag=case.etag, **options)
            return found

        confirmation = Confirmation(read, act_of, show_hit, send, question)
        return await confirmation.run(yes, is_unseen=is_unseen)

    case = call(act)
    if not out.printed(case, hit_id):
        show_hit(case)


def _pending_clearing(case: model_pb2.HitCase) -> str:
    """The id of the pending clearing. Raises WRONG_STATE if there is none."""
    if case.clearing_id:
        return case.clearing_id
    from safeconduct.cli.confirmation import nothing_pending
    from safeconduct.cli.enum_names import short
    from safeconduct.screening.v1 import model_pb2 as model

    raise nothing_pending("clearing", short(model.HitState, case.state))


def _verdict_in_force(case: model_pb2.HitCase) -> str:
    """The id of the verdict on the hit. Raises WRONG_STATE if the hit is not decided."""
    if case.verdict_id:
        return case.verdict_id
    from safeconduct.cli.confirmation import nothing_pending
    from safeconduct.cli.enum_names import short
    from safeconduct.screening.v1 import model_pb2 as model

    raise nothing_pending("verdict", short(model.HitState, case.state))
