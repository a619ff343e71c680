"""Decides the effect of changed findings on an application that is not signed yet.

After the signature nothing changes here: enforcement suspends the license.
"""

from __future__ import annotations

from datetime import datetime

from services.applications.core import screening_findings
from services.applications.core.commands import ReviseScreening, RevisionCause
from services.applications.core.events import DenialIntended, Event, ScreeningRevised
from services.applications.core.lifecycle import TRANSITIONS
from services.applications.core.model import (
    Application,
    ApplicationState,
    RuleEffect,
)


def revise(application: Application, command: ReviseScreening, now: datetime) -> tuple[Event, ...]:
    """Returns the reopening of the case, a proposed denial, or no event if nothing changes."""
    if application.screening is None:
        return ()  # the first screening has not arrived yet; it used the newer list
    screening = screening_findings.complete(command.screening, application.details)
    kind = _event(application, command)
    to = TRANSITIONS[application.state].get(kind)
    if to is None or (to is application.state and screening == application.screening):
        return ()
    if (
        application.state is ApplicationState.AWAITING_SIGNATURE
        and command.cause is RevisionCause.CLEARED
    ):
        return ()  # the approval was given in spite of the hit and stays valid without it
    event = kind(application.application_id, screening, command.policy, now, command.basis)
    return (event,)


def _event(
    application: Application, command: ReviseScreening
) -> type[DenialIntended | ScreeningRevised]:
    if command.cause is RevisionCause.CONFIRMED:
        return DenialIntended
    # A proposed denial stays while a new match, or policy, speaks for it.
    keeps_denial = command.cause is RevisionCause.LISTED or command.policy.effect is RuleEffect.DENY
    return (
        DenialIntended
        if application.state is ApplicationState.INTENT_TO_DENY and keeps_denial
        else ScreeningRevised
    )
