"""Completes records of earlier releases: events without ids, and standings with texts for enums.

Stored bytes never change, so every release reads them through here. A finding or reinstatement that
was stored without an id gets a derived one, the same whenever the record is read. So a second
officer can still name a pending one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID, uuid5

from safeconduct.enforcement.v1 import events_pb2, model_pb2
from safeconduct.standing import StandingCause


def complete(event: Any) -> None:
    """Fills in the fields that the event lacks. `event` is a message of `events_pb2`."""
    step = _STEPS.get(type(event).__name__)
    if step is not None:
        step(event)


def complete_standing(standing: model_pb2.Standing) -> None:
    """Fills in grants, end uses and cause from the deprecated fields, and removes the models.

    A text that is no name of the contract is left out: an unknown end use is not granted. A model
    without a form of access grants nothing until applications publishes its license again. The
    models are removed so that no gate of an earlier release allows every form of access.
    """
    if not standing.grants:
        standing.grants.extend(model_pb2.Grant(model_id=each) for each in standing.model_ids)
    del standing.model_ids[:]
    if not standing.granted_end_uses:
        names = (f"END_USE_{name}" for name in standing.end_uses)
        known = [name for name in names if name in model_pb2.EndUse.keys()]  # noqa: SIM118 - an enum wrapper is no dict
        standing.granted_end_uses.extend(model_pb2.EndUse.Value(name) for name in known)
    cause = StandingCause.parse(standing.reason)
    if cause is not None and not standing.HasField("cause"):
        standing.cause.is_list_match = cause.is_list_match
        if cause.measure_kind is not None and cause.clause is not None:
            standing.cause.measure_kind = model_pb2.MeasureKind.Value(
                f"MEASURE_KIND_{cause.measure_kind}"
            )
            standing.cause.clause = model_pb2.Clause.Value(f"CLAUSE_{cause.clause}")


def derived_id(parent_id: UUID, kind: str, officer_id: str, acted_at_micros: int) -> UUID:
    """Returns the id of a finding or reinstatement that was stored without one.

    `parent_id` is the case or the license, `kind` is "finding" or "reinstatement", and the rest
    identifies the proposing act. Must never change: officers and events name these ids.
    """
    return uuid5(parent_id, f"{kind}/{officer_id}/{acted_at_micros}")


def _derive(parent_id: str, kind: str, act: model_pb2.OfficerAct) -> str:
    return str(derived_id(UUID(parent_id), kind, act.officer_id, act.acted_at.ToMicroseconds()))


def _finding_proposed(event: events_pb2.FindingProposed) -> None:
    finding = event.finding
    if not finding.finding_id:
        finding.finding_id = _derive(event.violation_id, "finding", finding.found_by)


def _reinstatement(event: events_pb2.ReinstatementProposed | events_pb2.LicenseReinstated) -> None:
    if not event.reinstatement_id:
        event.reinstatement_id = _derive(event.license_id, "reinstatement", event.proposed_by)


_STEPS: Final[Mapping[str, Callable[[Any], None]]] = {
    "FindingProposed": _finding_proposed,
    "ReinstatementProposed": _reinstatement,
    "LicenseReinstated": _reinstatement,
}
