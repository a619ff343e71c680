"""`safeconduct cases`: the applications that need a licensing officer."""

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
    party_options,
    rationale_option,
)
from safeconduct.cli.output import Output

if TYPE_CHECKING:
    from safeconduct.applications.v1 import service_pb2
    from safeconduct.client import Client

ID = "5d0c3b1e-8a5f-4c6e-9e57-0a6cf3a7b001"


@click.group()
def command() -> None:
    """Decide the applications that need an officer."""


@command.command(
    "list",
    epilog=examples(
        ("which cases have waited longest?", "cases list --limit 10"),
        ("which cases may only officers of tier 3 decide?", "cases list --tier 3"),
        (
            "in which cases to Kenya did this rule fire?",
            "cases list --country KE --rule party.listed",
        ),
        ("which case is about this hospital?", "cases list --party 'county hospital'"),
        ("what waits for a second officer?", "cases list --state PENDING_COUNTERSIGN -q"),
    ),
)
@click.option("--state", default="", help="UNDER_REVIEW, INTENT_TO_DENY or PENDING_COUNTERSIGN.")
@partner_option
@party_options
@click.option(
    "--rule",
    "rule_id",
    default="",
    metavar="RULE",
    help="Only cases in which this policy rule fired, for instance party.listed.",
)
@click.option("--tier", type=click.IntRange(1, 3), help="Only cases of this tier of officers.")
@click.option("--newest-first", is_flag=True, help="Sort by submission, newest first.")
@limit_option
@output_options
def list_(
    state: str, tier: int | None, newest_first: bool, limit: int, out: Output, **options: str
) -> None:
    """List the applications that need an officer, oldest first."""
    from safeconduct.applications.v1 import model_pb2 as model
    from safeconduct.applications.v1 import service_pb2 as service
    from safeconduct.cli.enum_names import choose_or_unset

    wanted = choose_or_unset(model.ApplicationState, state)
    order = service.CASE_ORDER_NEWEST_FIRST if newest_first else service.CASE_ORDER_UNSPECIFIED
    found = first(
        limit,
        lambda client, size: client.reviews.cases(
            state=wanted, tier=tier or 0, order_by=order, page_size=size, **options
        ),
    )
    if not out.printed_page("cases", found, lambda case: str(case.application.application_id)):
        from safeconduct.cli.case_view import show_list

        show_list(found.elements)
        found.report_rest()


@command.command(epilog=example(f"cases get {ID}"))
@id_argument("application")
@output_options
def get(application_id: str, out: Output) -> None:
    """Show everything that a decision rests on.

    That is the screening, the policy rules that fired with the facts they read, and the acts of
    officers. With --quiet it prints the id of the pending recommendation, which --yes takes.
    """
    answer = call(lambda client: client.reviews.explain(application_id))
    if not out.printed(answer, answer.case.recommendation.recommendation_id):
        from safeconduct.cli.case_view import show_explanation

        show_explanation(answer)


@command.command(epilog=example(f"cases owners {ID}"))
@id_argument("application")
@output_options
def owners(application_id: str, out: Output) -> None:
    """Show the ownership findings: rule, shares and ownership path, with the parties' names."""
    from safeconduct.screening.v1 import model_pb2 as screening

    found = call(lambda client: client.screening.get(application_id))
    kept = screening.Screening(
        ownership=found.ownership if found.HasField("ownership") else None,
        ownership_explanations=found.ownership_explanations,
    )
    if not out.printed(kept, application_id):
        from safeconduct.cli.case_view import show_owners

        show_owners(kept)


@command.command(epilog=example(f"cases recommend {ID} --approve --rationale 'safeguards suffice'"))
@id_argument("application")
@rationale_option
@click.option("--approve/--deny", default=None, help="The decision that you recommend.")
@click.option("--condition", multiple=True, help="Condition of the license; repeatable.")
@click.option(
    "--override-open-hits",
    "open_hits_override",
    metavar="REASON",
    default="",
    help="Approve although hits are not cleared; asks for one more officer.",
)
@mutation_options
@output_options
def recommend(
    application_id: str,
    rationale: str,
    approve: bool | None,
    condition: tuple[str, ...],
    open_hits_override: str,
    out: Output,
    request_id: str,
    validate_only: bool,
) -> None:
    """Recommend a decision. Another officer must countersign it."""
    from safeconduct.applications.v1 import model_pb2 as model

    if approve is None:
        raise click.BadParameter("choose one", param_hint="--approve or --deny")

    async def send(client: Client) -> service_pb2.Case:
        case = (await client.reviews.explain(application_id)).case
        return await client.reviews.recommend(
            application_id,
            outcome=model.OUTCOME_APPROVE if approve else model.OUTCOME_DENY,
            rationale=rationale,
            conditions=condition,
            open_hits_override=open_hits_override,
            etag=case.application.etag,
            request_id=request_id,
            validate_only=validate_only,
        )

    _print(call(send), out)


@command.command(epilog=example(f"cases countersign {ID} --rationale 'checked, I agree'"))
@id_argument("application")
@rationale_option
@confirmation_options
@mutation_options
@output_options
def countersign(application_id: str, out: Output, **options: Any) -> None:
    """Countersign the recommendation of another officer. Shows it and asks first."""
    _decide(application_id, "Countersign this recommendation?", "countersign", out, options)


@command.command(
    "reject-recommendation",
    epilog=example(f"cases reject-recommendation {ID} --rationale 'the use is not examined'"),
)
@id_argument("application")
@rationale_option
@confirmation_options
@mutation_options
@output_options
def reject_recommendation(application_id: str, out: Output, **options: Any) -> None:
    """Reject the recommendation of another officer; the case returns to review. Asks first."""
    _decide(application_id, "Reject this recommendation?", "reject_recommendation", out, options)


def _decide(
    application_id: str, question: str, method: str, out: Output, options: dict[str, Any]
) -> None:
    """Confirms or rejects the pending recommendation by `method` of `client.reviews`."""
    from safeconduct.cli.case_view import show_case
    from safeconduct.cli.confirmation import Confirmation

    yes, is_unseen = options.pop("yes"), options.pop("yes_to_pending")

    async def act(client: Client) -> service_pb2.Case:
        async def read() -> service_pb2.Case:
            return (await client.reviews.explain(application_id)).case

        async def send(case: service_pb2.Case) -> service_pb2.Case:
            decide = getattr(client.reviews, method)
            found: service_pb2.Case = await decide(
                application_id,
                recommendation_id=case.recommendation.recommendation_id,
                etag=case.application.etag,
                **options,
            )
            return found

        confirmation = Confirmation(read, _pending, show_case, send, question)
        return await confirmation.run(yes, is_unseen=is_unseen)

    _print(call(act), out)


def _pending(case: service_pb2.Case) -> str:
    """The id of the pending recommendation. Raises WRONG_STATE if there is none."""
    if found := case.recommendation.recommendation_id:
        return found
    from safeconduct.applications.v1 import model_pb2 as model
    from safeconduct.cli.confirmation import nothing_pending
    from safeconduct.cli.enum_names import short

    raise nothing_pending("recommendation", short(model.ApplicationState, case.application.state))


def _print(case: service_pb2.Case, out: Output) -> None:
    """`--quiet` prints the recommendation's id, which `cases countersign --yes` takes."""
    if not out.printed(case, case.recommendation.recommendation_id):
        from safeconduct.cli.case_view import show_case

        show_case(case)
