"""Decides on a command for a screened application: events, `()` for nothing, or a refusal.

Events of other services that arrive late or twice change nothing. Commands of officers are refused
if the lifecycle does not allow them. Knows no clock and makes no ids: both come from outside.
"""

from __future__ import annotations

from datetime import datetime
from typing import assert_never
from uuid import UUID

from services.screening.core.cases.monitoring import end_monitoring, monitor_license, rescreen
from services.screening.core.cases.verdicts import (
    adjudicate,
    apply_past_verdict,
    confirm_clearing,
    reject_clearing,
)
from services.screening.core.cases.withdrawal import reopen, withdraw
from services.screening.core.commands import (
    AdjudicateHit,
    ApplyPastVerdict,
    Command,
    CompleteScreening,
    ConfirmClearing,
    EndMonitoring,
    MonitorLicense,
    RejectClearing,
    ReopenHit,
    Rescreen,
    WithdrawVerdict,
)
from services.screening.core.errors import Refusal
from services.screening.core.events import Event, ScreeningCompleted
from services.screening.core.evolve import ScreenedApplication
from services.screening.core.lifecycle import fits
from services.screening.core.ownership.rules import OwnershipRules

Decision = tuple[Event, ...] | Refusal


def decide(  # noqa: C901 - one case for each command
    application: ScreenedApplication | None, command: Command, now: datetime, rules: OwnershipRules
) -> Decision:
    """Returns the events of the command, under the ownership rules of the day of `now`."""
    ruling = rules.on(now.date())
    match command:
        case CompleteScreening(screening):
            return _complete(application, screening)
        case Rescreen():
            return rescreen(application, command, ruling)
        case MonitorLicense():
            return monitor_license(application, command, ruling)
        case EndMonitoring():
            return end_monitoring(application, command)
        case AdjudicateHit():
            return adjudicate(application, command, now, ruling)
        case ConfirmClearing():
            return confirm_clearing(application, command, now, ruling)
        case RejectClearing():
            return reject_clearing(application, command, now)
        case ApplyPastVerdict():
            return apply_past_verdict(application, command, ruling)
        case WithdrawVerdict():
            return withdraw(application, command, now, ruling)
        case ReopenHit():
            return reopen(application, command, ruling)
        case _:
            assert_never(command)


def is_screened(application: ScreenedApplication | None, screening_id: UUID) -> bool:
    """Returns True if the latest screening has this id, which is derived from its submission."""
    return application is not None and application.latest.screening_id == screening_id


def _complete(
    application: ScreenedApplication | None, screening: ScreeningCompleted
) -> tuple[Event, ...]:
    state = application.state if application is not None else None
    is_known = is_screened(application, screening.screening_id)
    return () if is_known or not fits(state, type(screening)) else (screening,)
