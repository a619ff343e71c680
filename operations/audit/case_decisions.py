"""Compares the decisions and screenings of a case file with its events, and with each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from google.protobuf.message import Message
from safeconduct.applications.v1 import events_pb2 as applications
from safeconduct.applications.v1 import model_pb2 as model
from safeconduct.screening.v1 import events_pb2 as screening

from operations.audit.case_file import Statement
from operations.audit.decoded_events import DecodedEvent
from operations.audit.events import to_json

_OVERRIDE_SIGNATURES: Final = 2
_HIGHEST_TIER: Final = 3


def statement_faults(
    statements: Sequence[Statement],
    events: Sequence[DecodedEvent],
    service: str,
    names: tuple[str, ...],
) -> Iterator[str]:
    """Yields the differences between statements and the service's events of these names."""
    expected = {
        each.event_id: (each.hash, to_json(each.message))
        for each in events
        if each.service == service and each.name in names and each.message is not None
    }
    found = {each.event_id: (each.event_hash, each.content) for each in statements}
    if len(found) != len(statements):
        yield "an event occurs twice"
    for event_id in sorted({*expected, *found}):
        if event_id not in found:
            yield f"the event {event_id} of the chain is missing"
        elif event_id not in expected:
            yield f"the event {event_id} is not in the chain"
        elif found[event_id] != expected[event_id]:
            yield f"the event {event_id} differs from the one in the chain"


def basis_faults(events: Sequence[DecodedEvent]) -> Iterator[str]:
    """Yields the differences between the decisions and the screenings that they are based on.

    A decision must name exactly the list entries that the screening found for a party. If later
    events, by an officer or a newer list, named entries for the party, the decision may name any of
    the screening's and the later ones.
    """
    messages = [
        each.message for each in events if each.service == "screening" and each.message is not None
    ]
    screenings = {
        str(getattr(each, "screening_id", "")): each
        for each in messages
        if hasattr(each, "screening_id")
    }
    revisions = [each for each in messages if hasattr(each, "party_id")]
    for each in events:
        if not isinstance(
            each.message, applications.ApplicationApproved | applications.ApplicationDenied
        ):
            continue
        summary = each.message.decision.screening
        found = screenings.get(summary.screening_id)
        if found is None:
            yield f"the screening {summary.screening_id or '(none)'} of a decision is missing"
        elif isinstance(found, screening.ScreeningCompleted):
            yield from _differences(summary, found, revisions)


def _differences(
    summary: model.ScreeningSummary,
    found: screening.ScreeningCompleted,
    revisions: Sequence[Message],
) -> Iterator[str]:
    hits = {party.party_id: [hit.entry_id for hit in party.hits] for party in found.parties}
    later: dict[str, set[str]] = {}
    for each in revisions:
        entries = later.setdefault(getattr(each, "party_id", ""), set())
        entries.update(getattr(each, "entry_ids", ()), getattr(each, "party_entry_ids", ()))
    if {finding.party_id for finding in summary.findings} != set(hits):
        yield f"a decision has other parties than screening {found.screening_id}"
    for finding in summary.findings:
        party, named = finding.party_id, list(finding.entry_ids)
        screened = hits.get(party, [])
        is_equal = (
            set(named) <= set(screened) | later[party] if party in later else named == screened
        )
        if not is_equal:
            yield f"a decision has other entries for {party} than screening {found.screening_id}"
    known = {finding for each in (found, *revisions) for finding in _ownership(each)}
    if not _ownership(summary) <= known:
        yield f"a decision has ownership findings that screening {found.screening_id} did not make"


def _ownership(message: Message) -> set[tuple[str, str, str]]:
    """Returns the ownership findings as (party, rule, explanation)."""
    ownership: Any = getattr(message, "ownership", None)
    found = ownership.findings if ownership is not None else ()
    return {(each.party_id, each.rule_id, each.explanation) for each in found}


def override_faults(events: Sequence[DecodedEvent]) -> Iterator[str]:
    """Yields the approvals in spite of open hits that nobody overrode as the rule demands.

    The override must name every open hit. It needs two countersignatures, one of them by an officer
    of the highest tier. Findings of earlier releases do not name hits, so they have no fault.
    """
    for decision in _approvals(events):
        override = decision.recommendation.open_hits_override
        named = {hit for finding in decision.screening.findings for hit in finding.open_hit_ids}
        signatures = decision.recommendation.countersignatures
        if not named <= set(override.hit_ids):
            yield f"decision {decision.decision_id} approves in spite of hits that it does not name"
        elif decision.recommendation.HasField("open_hits_override") and (
            len(signatures) < _OVERRIDE_SIGNATURES
            or all(each.tier < _HIGHEST_TIER for each in signatures)
        ):
            yield f"decision {decision.decision_id} overrides open hits with too few officers"


def overrides(events: Sequence[DecodedEvent]) -> str:
    """Returns a sentence on the approvals in spite of open hits; empty if there is none."""
    found = [
        f"{len(override.hit_ids)} hits and {len(override.party_ids)} parties of unknown hits"
        for decision in _approvals(events)
        if decision.recommendation.HasField("open_hits_override")
        and (override := decision.recommendation.open_hits_override)
    ]
    return "".join(f"; approved in spite of {each}" for each in found)


def _approvals(events: Sequence[DecodedEvent]) -> Iterator[model.Decision]:
    for each in events:
        if isinstance(each.message, applications.ApplicationApproved):
            yield each.message.decision
