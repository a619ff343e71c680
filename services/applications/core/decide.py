"""Decides commands: returns events or a refusal. The only entrance to the core.

Commands of callers are refused in states that do not accept them. Consumed events and timers that
come late or twice return no events.
"""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from services.applications.core import auto_approval, screening_findings
from services.applications.core.approval import approved, conditions
from services.applications.core.commands import (
    AcceptCode,
    Command,
    ConcludeScreening,
    Countersign,
    Due,
    FollowStanding,
    Recommend,
    RejectRecommendation,
    ReviseScreening,
    Submit,
    Withdraw,
)
from services.applications.core.errors import Kind, Reason, Refusal
from services.applications.core.events import (
    ApplicationReferred,
    ApplicationSubmitted,
    ApplicationWithdrawn,
    DenialIntended,
    Event,
)
from services.applications.core.licensing import accept_code, due, follow_standing
from services.applications.core.lifecycle import METHODS, fits, wrong_state
from services.applications.core.model import (
    Application,
    Decision,
    Outcome,
    RuleEffect,
)
from services.applications.core.reopening import revise
from services.applications.core.review import countersign, recommend, reject
from services.applications.core.submission_check import check

Decided = tuple[Event, ...] | Refusal


def decide(application: Application | None, command: Command, now: datetime) -> Decided:  # noqa: C901, PLR0912 - one case for each command
    """Returns the events of the command on the application at `now`, or its refusal."""
    if isinstance(command, Submit):
        return _submit(application, command, now)
    if application is None:
        return Refusal(Kind.NOT_FOUND, Reason.NOT_FOUND, "there is no application with this id")
    if type(command) in METHODS and not fits(application.state, type(command)):
        return wrong_state(application.state, command)
    match command:
        case ConcludeScreening():
            return _conclude_screening(application, command, now)
        case ReviseScreening():
            return revise(application, command, now)
        case Withdraw():
            return (ApplicationWithdrawn(application.application_id, command.reason, now),)
        case AcceptCode():
            return accept_code(application, command, now)
        case Recommend():
            return recommend(application, command, now)
        case Countersign():
            return countersign(application, command, now)
        case RejectRecommendation():
            return reject(application, command, now)
        case FollowStanding():
            return follow_standing(application, command, now)
        case Due():
            return due(application, now)
        case _:
            assert_never(command)


def _submit(application: Application | None, command: Submit, now: datetime) -> Decided:
    if application is not None:
        return wrong_state(application.state, command)
    faults = check(command.details, command.reference_data, now)
    if faults:
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        message = f"{faults[0].path}: {faults[0].description}{more}"
        return Refusal(Kind.INVALID, Reason.INCONSISTENT_APPLICATION, message, fields=faults)
    event = ApplicationSubmitted(
        command.application_id,
        command.partner_id,
        command.details,
        now,
        command.reference_data.digest,
    )
    return (event,)


def _conclude_screening(
    application: Application, command: ConcludeScreening, now: datetime
) -> Decided:
    if not fits(application.state, ConcludeScreening):
        return ()  # a repeated event, or the application was withdrawn meanwhile
    application_id = application.application_id
    screening = screening_findings.complete(command.screening, application.details)
    policy, basis = command.policy, command.basis
    if policy.effect is RuleEffect.DENY:
        return (DenialIntended(application_id, screening, policy, now, basis),)
    if policy.effect is not RuleEffect.APPROVE:
        return (ApplicationReferred(application_id, screening, policy, now, basis),)
    obstacles = auto_approval.obstacles(application.details, screening, policy)
    if obstacles:
        policy = auto_approval.referred(policy, obstacles)
        return (ApplicationReferred(application_id, screening, policy, now, basis),)
    decision = Decision(
        decision_id=command.decision_id,
        outcome=Outcome.APPROVE,
        by_policy=True,
        policy=policy,
        screening=screening,
        recommendation=None,
        conditions=conditions(policy, None),
        decided_at=now,
    )
    return (approved(application, decision, basis, command.terms, now),)
