"""`safeconduct review hits` and `adjudicate`: whether a list entry is the party that it resembles."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import RenderableType
from rich.text import Text

from safeconduct.cli.connection import call
from safeconduct.cli.names import choose, short
from safeconduct.cli.output import (
    Json,
    Limit,
    RequestId,
    ValidateOnly,
    coloured,
    joined,
    moment,
    pairs,
    print_json,
    proto_json,
    rows,
    show,
)
from safeconduct.client import Client
from safeconduct.screening.v1 import model_pb2 as model

HitId = Annotated[
    str, typer.Argument(metavar="HIT", help="Hit id, from `safeconduct review hits`.")
]
ClearingId = Annotated[
    str,
    typer.Argument(metavar="CLEARING", help="Id of the proposal, from `safeconduct review hits`."),
]


def hits(
    application: Annotated[str, typer.Option(help="Only this application.")] = "",
    state: Annotated[
        str, typer.Option(help="OPEN, CLEARING_PROPOSED, FALSE_POSITIVE, CONFIRMED or SUPERSEDED.")
    ] = "",
    limit: Limit = 50,
    json: Json = False,
) -> None:
    """List hits, newest first: list entries that may be a party, and what officers said of them."""
    wanted = choose(model.HitState, state) if state else model.HIT_STATE_UNSPECIFIED

    async def read(client: Client) -> list[model.HitCase]:
        found: list[model.HitCase] = []
        async for hit in client.hits.list(
            application_id=application, state=wanted, page_size=min(limit, 200)
        ):
            found.append(hit)
            if len(found) == limit:
                break
        return found

    found = call(read)
    if json:
        print_json({"hits": [proto_json(hit) for hit in found]})
        return
    lines = [
        (
            case.hit_id,
            coloured(short(model.HitState, case.state)),
            coloured(short(model.MatchStrength, case.hit.strength)),
            f"{case.hit.score:.3f}",
            case.hit.queried_name,
            f"{case.hit.matched_name} [{case.hit.list_code}]",
            moment(case.found_at),
        )
        for case in found
    ]
    show(rows(("HIT", "STATE", "STRENGTH", "SCORE", "PARTY", "ENTRY", "FOUND"), lines))


def adjudicate(
    hit_id: HitId,
    rationale: Annotated[str, typer.Option(help="Why, for the record; at least ten characters.")],
    false_positive: Annotated[
        bool | None,
        typer.Option(
            "--false-positive/--confirmed", help="Whether the entry is not, or is, the party."
        ),
    ] = None,
    json: Json = False,
    validate_only: ValidateOnly = False,
    request_id: RequestId = "",
) -> None:
    """Judge a hit: the entry is the party, or it is not. Clearing an EXACT hit requires a second officer."""
    if false_positive is None:
        raise typer.BadParameter("say what you found", param_hint="--false-positive or --confirmed")

    async def act(client: Client) -> model.HitCase:
        etag = (await client.hits.get(hit_id)).etag
        return await client.hits.adjudicate(
            hit_id,
            verdict=model.HIT_VERDICT_FALSE_POSITIVE
            if false_positive
            else model.HIT_VERDICT_CONFIRMED,
            rationale=rationale,
            etag=etag,
            request_id=request_id,
            validate_only=validate_only,
        )

    case = call(act)
    if json:
        print_json(proto_json(case))
        return
    show(*_shown(case))
    if case.state == model.HIT_STATE_CLEARING_PROPOSED:
        show(
            "Another officer must confirm or reject it: "
            f"safeconduct review confirm-clearing {case.hit_id} {case.clearing_id}"
        )


def confirm_clearing(
    hit_id: HitId,
    clearing_id: ClearingId,
    rationale: Annotated[str, typer.Option(help="Rationale, at least 10 characters.")],
    json: Json = False,
    validate_only: ValidateOnly = False,
    request_id: RequestId = "",
) -> None:
    """Confirm another officer's proposal to clear an EXACT hit."""

    async def act(client: Client) -> model.HitCase:
        return await client.hits.confirm_clearing(
            hit_id,
            clearing_id,
            rationale=rationale,
            etag=(await client.hits.get(hit_id)).etag,
            request_id=request_id,
            validate_only=validate_only,
        )

    case = call(act)
    print_json(proto_json(case)) if json else show(*_shown(case))


def reject_clearing(
    hit_id: HitId,
    clearing_id: ClearingId,
    rationale: Annotated[str, typer.Option(help="Rationale, at least 10 characters.")],
    json: Json = False,
    validate_only: ValidateOnly = False,
    request_id: RequestId = "",
) -> None:
    """Reject another officer's proposal to clear an EXACT hit."""

    async def act(client: Client) -> model.HitCase:
        return await client.hits.reject_clearing(
            hit_id,
            clearing_id,
            rationale=rationale,
            etag=(await client.hits.get(hit_id)).etag,
            request_id=request_id,
            validate_only=validate_only,
        )

    case = call(act)
    print_json(proto_json(case)) if json else show(*_shown(case))


def _shown(case: model.HitCase) -> tuple[RenderableType, ...]:
    said = "\n".join(
        f"{act.officer_id} at {moment(act.acted_at)}: {act.rationale}" for act in case.acts
    )
    return (
        pairs(
            [
                ("hit", case.hit_id),
                ("state", coloured(short(model.HitState, case.state))),
                ("application", case.application_id),
                ("license", case.license_id),
                ("clearing", case.clearing_id),
                ("party", f"{case.party_id}: {case.hit.queried_name}"),
                ("entry", f"{case.hit.matched_name} [{case.hit.list_code}] {case.hit.entry_id}"),
                ("programs", joined(case.hit.programs)),
                ("said", said),
            ]
        ),
        Text(),
        rows(
            ("EVIDENCE", "", ""),
            [
                (one.kind, short(model.EvidenceEffect, one.effect).lower(), one.detail)
                for one in case.hit.evidence
            ],
        ),
    )
