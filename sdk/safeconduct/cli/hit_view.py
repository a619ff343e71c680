"""Tables of hits and of their evidence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import RenderableType

from safeconduct.cli.enum_names import short
from safeconduct.cli.output import joined, time_text
from safeconduct.cli.tables import Column, Pairs, coloured, listed, pairs, rows, show
from safeconduct.screening.v1 import model_pb2 as model
from safeconduct.screening.v1 import service_pb2 as service


def show_list(hits: Sequence[service.HitSummary]) -> None:
    """Prints one hit a line."""
    columns = (
        Column("HIT", whole=True),
        Column("STATE", whole=True, rank=1),
        Column("STRENGTH", whole=True, rank=2),
        Column("SCORE", whole=True, rank=4),
        Column("PARTY", least=14),
        Column("ENTRY", least=18),
        Column("FOUND", whole=True, rank=3),
    )
    lines = [
        (
            case.hit_id,
            coloured(short(model.HitState, case.state)),
            coloured(short(model.MatchStrength, case.strength)),
            f"{case.score:.3f}",
            case.queried_name,
            f"{case.matched_name} [{case.list_code}]",
            time_text(case.found_at),
        )
        for case in hits
    ]
    show(rows(columns, lines))


def show_hit(case: model.HitCase) -> None:
    """Prints one hit, its evidence, and the acts of officers."""
    acts = (f"{act.officer_id} at {time_text(act.acted_at)}: {act.rationale}" for act in case.acts)
    lines: Pairs = [
        ("hit", case.hit_id),
        ("state", coloured(short(model.HitState, case.state))),
        ("application", case.application_id),
        ("license", case.license_id),
        ("clearing", case.clearing_id),
        ("verdict", case.verdict_id),
        ("because of hit", case.remembered_hit_id),
        ("party", f"{case.party_id}: {case.hit.queried_name}"),
        ("entry", f"{case.hit.matched_name} [{case.hit.list_code}] {case.hit.entry_id}"),
        ("strength", f"{short(model.MatchStrength, case.hit.strength)} {case.hit.score:.3f}"),
        ("programs", joined(case.hit.programs)),
        ("acts", listed(acts)),
    ]
    show(pairs(lines), "", evidence(case.hit.evidence))


def evidence(found: Iterable[model.Evidence]) -> RenderableType:
    """Evidence of a hit: its kind, its effect on the match, and the detail."""
    lines = [
        (one.kind, short(model.EvidenceEffect, one.effect).lower(), one.detail) for one in found
    ]
    return rows(("EVIDENCE", "EFFECT", "DETAIL"), lines)
