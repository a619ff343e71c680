"""`safeconduct review`: what licensing officers do. Every act names the case as the officer saw it."""

from __future__ import annotations

from typing import Annotated

import grpc
import typer
from rich.console import RenderableType
from rich.text import Text

from safeconduct.applications.v1 import model_pb2 as model
from safeconduct.applications.v1 import service_pb2 as service
from safeconduct.cli.connection import call
from safeconduct.cli.hits import adjudicate, confirm_clearing, hits, reject_clearing
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
    proto_json,
    rows,
    show,
)
from safeconduct.client import Client
from safeconduct.errors import SafeconductError
from safeconduct.screening.v1 import model_pb2 as screening_model

app = typer.Typer(
    help="Decide what policy leaves to officers. Four eyes always.", no_args_is_help=True
)

ApplicationId = Annotated[str, typer.Argument(metavar="APPLICATION", help="Application id.")]
Rationale = Annotated[str, typer.Option(help="Why, for the record; at least ten characters.")]


@app.command(epilog=example("review cases --state INTENT_TO_DENY"))
def cases(
    state: Annotated[
        str, typer.Option(help="UNDER_REVIEW, INTENT_TO_DENY or PENDING_COUNTERSIGN.")
    ] = "",
    limit: Limit = 50,
    json: Json = False,
) -> None:
    """List the applications that wait for an officer, oldest first."""
    wanted = choose(model.ApplicationState, state) if state else model.APPLICATION_STATE_UNSPECIFIED

    async def read(client: Client) -> list[service.Case]:
        found: list[service.Case] = []
        async for case in client.reviews.cases(state=wanted, page_size=min(limit, 200)):
            found.append(case)
            if len(found) == limit:
                break
        return found

    found = call(read)
    if json:
        print_json({"cases": [proto_json(case) for case in found]})
        return
    lines = [
        (
            case.application.application_id,
            coloured(short(model.ApplicationState, case.application.state)),
            moment(case.application.submitted_at),
            str(case.policy.tier),
            joined(fired.rule_id for fired in case.policy.fired),
            _pending(case.recommendation),
        )
        for case in found
    ]
    show(rows(("APPLICATION", "STATE", "SUBMITTED", "TIER", "RULES", "RECOMMENDED"), lines))


@app.command(
    epilog=example(
        "review recommend 5d0c3b1e-8a5f-4c6e-9e57-0a6cf3a7b001 --approve --rationale 'safeguards suffice'"
    )
)
def recommend(
    application_id: ApplicationId,
    rationale: Rationale,
    approve: Annotated[
        bool | None, typer.Option("--approve/--deny", help="What you recommend.")
    ] = None,
    condition: Annotated[
        list[str] | None, typer.Option(help="Condition of the license; repeatable.")
    ] = None,
    json: Json = False,
    validate_only: ValidateOnly = False,
    request_id: RequestId = "",
) -> None:
    """Recommend a decision. Another officer must countersign it."""
    if approve is None:
        raise typer.BadParameter("say what you recommend", param_hint="--approve or --deny")

    async def act(client: Client) -> service.Case:
        case = (await client.reviews.explain(application_id)).case
        return await client.reviews.recommend(
            application_id,
            outcome=model.OUTCOME_APPROVE if approve else model.OUTCOME_DENY,
            rationale=rationale,
            conditions=condition or (),
            etag=case.application.etag,
            request_id=request_id,
            validate_only=validate_only,
        )

    _show_case(call(act), json)


@app.command(
    epilog=example(
        "review countersign 5d0c3b1e-8a5f-4c6e-9e57-0a6cf3a7b001 --rationale 'checked, I agree'"
    )
)
def countersign(
    application_id: ApplicationId,
    rationale: Rationale,
    reject: Annotated[
        bool, typer.Option("--reject", help="Reject it; the case goes back to review.")
    ] = False,
    recommendation: Annotated[
        str,
        typer.Option(
            help="Id of the recommendation that you read; refused if another one is pending."
        ),
    ] = "",
    json: Json = False,
    validate_only: ValidateOnly = False,
    request_id: RequestId = "",
) -> None:
    """Countersign, or reject, the recommendation of another officer."""

    async def act(client: Client) -> service.Case:
        case = (await client.reviews.explain(application_id)).case
        pending = _pending_id(case)
        act_on = client.reviews.reject_recommendation if reject else client.reviews.countersign
        return await act_on(
            application_id,
            recommendation_id=recommendation or pending,
            rationale=rationale,
            etag=case.application.etag,
            request_id=request_id,
            validate_only=validate_only,
        )

    _show_case(call(act), json)


@app.command(epilog=example("review explain 5d0c3b1e-8a5f-4c6e-9e57-0a6cf3a7b001"))
def explain(application_id: ApplicationId, json: Json = False) -> None:
    """Show everything a decision rests on: screening, the rules that fired with what they saw, the officers."""
    answer = call(lambda client: client.reviews.explain(application_id))
    if json:
        print_json(proto_json(answer))
        return
    _show_case(answer.case, as_json=False)
    decision = answer.decision
    by = "policy alone" if decision.by_policy else "officers"
    show(
        "",
        pairs(
            [
                ("decision", coloured(short(model.Outcome, decision.outcome))),
                ("decided", f"{moment(decision.decided_at)} by {by}"),
                ("conditions", "\n".join(decision.conditions)),
                ("event hash", answer.decision_event_hash.hex()),
                ("trace", answer.trace_url or answer.trace_id),
            ]
        )
        if answer.HasField("decision")
        else Text("Not decided yet.", style="dim"),
    )


@app.command(epilog=example("review owners 5d0c3b1e-8a5f-4c6e-9e57-0a6cf3a7b001"))
def owners(application_id: ApplicationId, json: Json = False) -> None:
    """Read aloud, with names, what was found about who owns the parties: rule, shares and path."""
    screening = call(lambda client: client.screening.get(application_id))
    if json:
        kept = screening_model.Screening(
            ownership=screening.ownership, ownership_explanations=screening.ownership_explanations
        )
        print_json(proto_json(kept))
        return
    if not screening.HasField("ownership"):
        show(Text("Who owns the parties was not assessed.", style="dim"))
        return
    found = screening.ownership
    show(pairs([("rules", found.rules_version), ("as of", found.assessed_on)]))
    if not found.findings:
        show(Text("Nothing that is known speaks against the owners.", style="dim"))
    for finding, said in zip(found.findings, screening.ownership_explanations, strict=True):
        result = coloured(short(screening_model.OwnershipResult, finding.result))
        show(Text.assemble("\n", result, f" {finding.party_id} {finding.rule_id}".rstrip()), said)


app.command("hits", epilog=example("review hits --state OPEN"))(hits)
app.command(
    "adjudicate",
    epilog=example(
        "review adjudicate 8a1f6f0e-0b53-5a8e-9d6c-2f4b3a7c9001 --false-positive --rationale 'another firm'"
    ),
)(adjudicate)
_CLEARING = (
    "8a1f6f0e-0b53-5a8e-9d6c-2f4b3a7c9001 0c7b3b1e-5d0e-5b39-8f0a-1d2c3b4a5e6f"
    " --rationale 'another firm'"
)
app.command("confirm-clearing", epilog=example(f"review confirm-clearing {_CLEARING}"))(
    confirm_clearing
)
app.command("reject-clearing", epilog=example(f"review reject-clearing {_CLEARING}"))(
    reject_clearing
)


def _pending_id(case: service.Case) -> str:
    if case.recommendation.recommendation_id:
        return case.recommendation.recommendation_id
    state = short(model.ApplicationState, case.application.state)
    raise SafeconductError(
        grpc.StatusCode.FAILED_PRECONDITION,
        "WRONG_STATE",
        f"no recommendation is pending: the application is {state}",
        {"state": state, "allowedCommands": joined(case.application.allowed_commands)},
    )


def _pending(recommendation: model.Recommendation) -> str:
    if not recommendation.recommendation_id:
        return ""
    return f"{short(model.Outcome, recommendation.outcome)} by {recommendation.officer_id}"


def _show_case(case: service.Case, as_json: bool) -> None:
    if as_json:
        print_json(proto_json(case))
        return
    show(
        pairs(
            [
                ("application", case.application.application_id),
                ("state", coloured(short(model.ApplicationState, case.application.state))),
                (
                    "policy",
                    f"{case.policy.policy_version}: {short(model.RuleEffect, case.policy.way)}",
                ),
                (
                    "needs",
                    f"tier {case.policy.tier}, {case.policy.countersignatures} countersignature(s)",
                ),
                ("lists", case.screening.list_version),
                ("can be done", joined(case.application.allowed_commands)),
            ]
        ),
        rows(
            ("PARTY", "SCREENING", "STRENGTH", "ENTRIES"),
            [_finding(one) for one in case.screening.findings],
        ),
    )
    if case.screening.ownership.findings:
        owners = [_owners(one) for one in case.screening.ownership.findings]
        show(rows(("OWNED", "OWNERS", "RULE", "MOST RESTRICTIVE", "BECAUSE"), owners))
    show(
        rows(("RULE", "EFFECT", "WHY", "BECAUSE"), [_fired(one) for one in case.policy.fired]),
    )
    if case.recommendation.recommendation_id:
        show(_recommendation(case.recommendation))


def _finding(finding: model.PartyFinding) -> tuple[RenderableType, ...]:
    entries = joined(f"{code}" for code in finding.list_codes)
    return (
        finding.party_id,
        coloured(short(model.ScreeningResult, finding.result)),
        coloured(short(model.MatchStrength, finding.strength)),
        finding.undetermined_reason
        or f"{entries} {joined(entry[:12] for entry in finding.entry_ids)}".strip(),
    )


def _owners(finding: model.OwnershipFinding) -> tuple[RenderableType, ...]:
    owner = f"{finding.most_restrictive_owner_id} {joined(finding.list_codes)}".strip()
    result = coloured(short(model.OwnershipResult, finding.result))
    return finding.party_id, result, finding.rule_id or "none", owner, finding.explanation


def _fired(rule: model.FiredRule) -> tuple[RenderableType, ...]:
    inputs = joined(f"{name}={value}" for name, value in sorted(rule.inputs.items()))
    why = "could not be evaluated, therefore refers" if rule.failed else rule.explanation
    return (
        rule.rule_id,
        coloured(short(model.RuleEffect, rule.effect)),
        f"{why} ({rule.legal_basis})",
        inputs,
    )


def _recommendation(recommendation: model.Recommendation) -> RenderableType:
    signed = [
        f"{one.officer_id} at {moment(one.signed_at)}: {one.rationale}"
        for one in recommendation.countersignatures
    ]
    return pairs(
        [
            ("recommended", coloured(short(model.Outcome, recommendation.outcome))),
            ("by", f"{recommendation.officer_id} at {moment(recommendation.recommended_at)}"),
            ("because", recommendation.rationale),
            ("id", recommendation.recommendation_id),
            ("countersigned", "\n".join(signed)),
        ]
    )
