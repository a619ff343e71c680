"""An approval in spite of open hits, as `audit check` sees it."""

from __future__ import annotations

from uuid import UUID

import pytest
from safeconduct.applications.v1 import events_pb2, model_pb2

from operations.audit.case_decisions import override_faults, overrides
from operations.audit.decoded_events import DecodedEvent

HIT = str(UUID(int=7))


def approval(*tiers: int, named: tuple[str, ...] = (HIT,), overrides: bool = True) -> DecodedEvent:
    finding = model_pb2.PartyFinding(party_id="end-user", open_hit_ids=[HIT])
    recommendation = model_pb2.Recommendation(
        countersignatures=[model_pb2.Countersignature(tier=tier) for tier in tiers]
    )
    if overrides:
        recommendation.open_hits_override.CopyFrom(
            model_pb2.OpenHitsOverride(reason="the list is wrong", hit_ids=named)
        )
    decision = model_pb2.Decision(
        decision_id="d",
        recommendation=recommendation,
        screening=model_pb2.ScreeningSummary(findings=[finding]),
    )
    message = events_pb2.ApplicationApproved(decision=decision)
    return DecodedEvent("applications", UUID(int=1), "hash", "ApplicationApproved", message)


def test_an_override_by_enough_officers_has_no_fault_and_is_told() -> None:
    events = [approval(1, 3)]

    assert list(override_faults(events)) == []
    assert overrides(events) == "; approved in spite of 1 hits and 0 parties of unknown hits"


@pytest.mark.parametrize(
    ("event", "fault"),
    [
        (approval(1, overrides=False), "in spite of hits that it does not name"),
        (approval(3, 3, named=()), "in spite of hits that it does not name"),
        (approval(3), "too few officers"),
        (approval(1, 2), "too few officers"),
    ],
)
def test_an_approval_in_spite_of_open_hits_without_the_rule_is_a_fault(
    event: DecodedEvent, fault: str
) -> None:
    (found,) = override_faults([event])

    assert fault in found
