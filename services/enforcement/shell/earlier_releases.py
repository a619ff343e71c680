"""Completes events that releases before ids of findings and reinstatements have stored.

Stored bytes never change. A pending act of such an event gets a derived id, the same whenever the
event is read, so that a second officer can name and confirm it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID, uuid5

from safeconduct.enforcement.v1 import events_pb2, model_pb2


def complete(event: Any) -> None:
    """Fills in the fields that the event lacks. `event` is a message of `events_pb2`."""
    step = _STEPS.get(type(event).__name__)
    if step is not None:
        step(event)


def finding_id(violation_id: str, found_by: model_pb2.OfficerAct) -> str:
    """Returns the id of a finding that was stored without one."""
    return _derive(violation_id, "finding", found_by)


def reinstatement_id(license_id: str, proposed_by: model_pb2.OfficerAct) -> str:
    """Returns the id of a reinstatement that was stored without one."""
    return _derive(license_id, "reinstatement", proposed_by)


def _derive(parent_id: str, kind: str, act: model_pb2.OfficerAct) -> str:
    micros = act.acted_at.ToMicroseconds()
    return str(uuid5(UUID(parent_id), f"{kind}/{act.officer_id}/{micros}"))


def _finding_proposed(event: events_pb2.FindingProposed) -> None:
    finding = event.finding
    finding.finding_id = finding.finding_id or finding_id(event.violation_id, finding.found_by)


def _reinstatement(event: events_pb2.ReinstatementProposed | events_pb2.LicenseReinstated) -> None:
    event.reinstatement_id = event.reinstatement_id or reinstatement_id(
        event.license_id, event.proposed_by
    )


_STEPS: Final[Mapping[str, Callable[[Any], None]]] = {
    "FindingProposed": _finding_proposed,
    "ReinstatementProposed": _reinstatement,
    "LicenseReinstated": _reinstatement,
}
