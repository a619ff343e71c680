"""Decides what a command does to a license and its cases: events, or a refusal with its reason.

Findings, suspensions, revocations and reinstatements take two officers. It knows no clock and makes no ids: `now` and
the ids of new things are given.
"""

from datetime import datetime
from typing import assert_never

from services.enforcement.core import commands as c
from services.enforcement.core.case_findings import find
from services.enforcement.core.errors import Refusal, not_found
from services.enforcement.core.events import Event, LicenseRegistered, StandingChanged
from services.enforcement.core.evolve import LicenseConduct
from services.enforcement.core.four_eyes import conflict
from services.enforcement.core.list_matches import record, settle
from services.enforcement.core.measures import impose, reinstate
from services.enforcement.core.model import Standing, StandingState
from services.enforcement.core.reports import report

Decision = tuple[Event, ...] | Refusal


def decide(conduct: LicenseConduct | None, command: c.Command, now: datetime) -> Decision:
    """The events of the command, `()` when it changes nothing, or why it is refused."""
    match command:
        case c.RegisterLicense():
            return _register(conduct, command, now)
        case c.ReportConduct():
            return report(conduct, command, now)
        case c.RecordFinding() | c.ImposeMeasure():
            return _on_case(conduct, command, now)
        case c.RecordListMatch():
            return not_found("license") if conduct is None else record(conduct, command, now)
        case c.SettleListMatch():
            return not_found("license") if conduct is None else settle(conduct, command)
        case c.Reinstate():
            if conduct is None:
                return not_found("license")
            return conflict(command.officer, conduct.partner_id) or reinstate(conduct, command, now)
        case _:
            assert_never(command)


def _on_case(
    conduct: LicenseConduct | None, command: c.RecordFinding | c.ImposeMeasure, now: datetime
) -> Decision:
    case = conduct.violation(command.violation_id) if conduct is not None else None
    if conduct is None or case is None:
        return not_found("case")
    refusal = conflict(command.officer, conduct.partner_id)
    if refusal is not None:
        return refusal
    if isinstance(command, c.RecordFinding):
        return find(case, command, now)
    return impose(conduct, case, command, now)


def _register(
    conduct: LicenseConduct | None, command: c.RegisterLicense, now: datetime
) -> Decision:
    if conduct is not None:
        return ()  # heard before: a repeated or late fact changes nothing, and never wakes a revoked license
    standing = Standing(
        license_id=command.license_id,
        partner_id=command.partner_id,
        version=1,
        state=StandingState.ACTIVE,
        model_ids=command.model_ids,
        destinations=command.destinations,
        end_uses=command.end_uses,
        not_before=command.not_before,
        not_after=command.not_after,
        lease_seconds=command.lease_seconds,
        license_number=command.license_number,
        reason="",
        changed_at=now,
    )
    return (
        LicenseRegistered(command.license_id, command.application_id, command.partner_id),
        StandingChanged(standing),
    )
