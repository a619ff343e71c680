"""What becomes of an application that is not signed yet when a list, or a verdict on a hit, says something new.

Where nothing can be done about it here any more, it changes nothing: a license is stopped by enforcement.
"""

from __future__ import annotations

from datetime import datetime

from services.applications.core import screening_findings
from services.applications.core.commands import ReviseScreening, RevisionCause
from services.applications.core.events import DenialIntended, Event, ScreeningRevised
from services.applications.core.lifecycle import TRANSITIONS
from services.applications.core.model import Application, ApplicationState, RuleEffect


def revise(application: Application, command: ReviseScreening, now: datetime) -> tuple[Event, ...]:
    """The case back at review, or denial proposed when an officer confirmed a match; nothing where it comes late."""
    if application.screening is None:
        return ()  # the first screening is still on its way, and is newer
    screening = screening_findings.complete(command.screening, application.details)
    kind = _event(application, command)
    to = TRANSITIONS[application.state].get(kind)
    if to is None or (to is application.state and screening == application.screening):
        return ()
    if (
        application.state is ApplicationState.AWAITING_SIGNATURE
        and command.cause is RevisionCause.CLEARED
    ):
        return ()  # approved in spite of the hit: one doubt less takes nothing back
    return (kind(application.application_id, screening, command.policy, now),)


def _event(
    application: Application, command: ReviseScreening
) -> type[DenialIntended | ScreeningRevised]:
    if command.cause is RevisionCause.CONFIRMED:
        return DenialIntended
    # A proposed denial stands as long as something speaks for it.
    stands = command.cause is RevisionCause.LISTED or command.policy.effect is RuleEffect.DENY
    return (
        DenialIntended
        if application.state is ApplicationState.INTENT_TO_DENY and stands
        else ScreeningRevised
    )
