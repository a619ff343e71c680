"""Tables of screenings."""

from __future__ import annotations

from rich.text import Text

from safeconduct.cli.enum_names import short
from safeconduct.cli.hit_view import evidence
from safeconduct.cli.output import joined
from safeconduct.cli.tables import Pairs, coloured, pairs, show
from safeconduct.screening.v1 import model_pb2 as model
from safeconduct.screening.v1 import service_pb2 as service


def show_screening(answer: service.ScreenPartyResponse) -> None:
    """Prints the result for one party, and every hit with its evidence."""
    party = answer.party
    lines: Pairs = [
        ("result", coloured(short(model.ScreeningResult, party.result))),
        ("reason", party.undetermined_reason),
        ("seen in the name", joined(party.flags)),
        ("lists", answer.list_version or "none loaded"),
        ("rules", answer.config_version),
        ("expected alerts", f"{answer.expected_alert_rate:.2%} of unlisted parties"),
    ]
    show(pairs(lines))
    for hit in party.hits:
        strength = coloured(short(model.MatchStrength, hit.strength))
        title = f" {hit.score:.3f}  {hit.matched_name}  [{hit.list_code}]"
        entry = pairs([("entry", hit.entry_id), ("programs", joined(hit.programs))])
        show(Text.assemble("\n", strength, title), entry, evidence(hit.evidence))


def show_answer(answer: service.ScreenPartiesResponse, result: str) -> None:
    """Prints one answer of a bulk screening: its refusal, or its best hit.

    CLEAR parties print nothing.
    """
    if answer.WhichOneof("answer") != "party":
        faults = [f"{one.field}: {one.description}" for one in answer.refusal.faults]
        text = "; ".join(faults or [answer.refusal.message])
    elif answer.party.result == model.SCREENING_RESULT_CLEAR:
        return
    elif answer.party.hits:
        hit = answer.party.hits[0]
        text = f"{hit.score:.3f} {hit.matched_name} [{hit.list_code}]"
    else:
        text = answer.party.undetermined_reason
    show(Text.assemble(coloured(result), f" {answer.query_id}: {text}"))
