"""Decides who may read the screening of an application, and words the refusal of everyone else.

Officers may read and judge the screenings of every partner but the one that they belong to. A
partner may read its own applications. A partner gets the same refusal for another partner's
application and for an id that does not exist, so that ids cannot be probed. This is the one guard
before every read and write by id; lists have its condition.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from services.screening.core.errors import Kind, Reason, Refusal
from services.screening.core.evolve import ScreenedApplication


class Caller(Protocol):
    """The part of the caller's identity that decides what it may read."""

    @property
    def kind(self) -> str: ...  # noqa: D102 - "partner", "officer", "gate" or "service"
    @property
    def partner_id(self) -> str | None: ...  # noqa: D102 - an officer's is the partner it belongs to


def is_officer(caller: Caller) -> bool:
    """Returns True if the caller reads as an officer: screenings of all partners."""
    return caller.kind == "officer"


def is_visible(application: ScreenedApplication, caller: Caller) -> bool:
    """Returns True if the caller may read the screening of the application."""
    is_own = application.partner_id == caller.partner_id
    return not is_own if is_officer(caller) else is_own


def refuse_access(application: ScreenedApplication | None, caller: Caller) -> Refusal | None:
    """Returns the refusal of a caller who may not read the screening, or None.

    CONFLICT_OF_INTEREST or NOT_FOUND for an officer, NOT_VISIBLE for everyone else.
    """
    if application is None:
        return not_visible(caller)
    return refuse_conflict(application, caller) or (
        None if is_visible(application, caller) else not_visible(caller)
    )


def refuse_conflict(application: ScreenedApplication | None, caller: Caller) -> Refusal | None:
    """Returns CONFLICT_OF_INTEREST for an officer who belongs to the partner, or None."""
    if application is None or not is_officer(caller):
        return None
    if application.partner_id != caller.partner_id:
        return None
    message = "an officer who belongs to the partner cannot read or judge its screenings"
    return Refusal(Kind.PERMISSION, Reason.CONFLICT_OF_INTEREST, message)


@dataclass(frozen=True, slots=True)
class ListScope:
    """The rows of a list that a caller may see, by the partner of the row's application.

    `only_partner` admits the rows of this partner alone. `except_partner` leaves its rows out. None
    sets no bound.
    """

    only_partner: str | None = None
    except_partner: str | None = None


def list_scope(caller: Caller) -> ListScope:
    """Returns what the caller sees of every list. Raises ValueError for a caller without partner.

    Queries have these conditions beside those of the caller's filter.
    """
    if is_officer(caller):
        return ListScope(except_partner=caller.partner_id)
    if caller.partner_id is None:
        raise ValueError(f"a {caller.kind} sees no list")
    return ListScope(only_partner=caller.partner_id)


def not_visible(caller: Caller) -> Refusal:
    """Returns NOT_FOUND for an officer and NOT_VISIBLE for everyone else."""
    if is_officer(caller):
        message = "there is no screening of an application with this id"
        return Refusal(Kind.NOT_FOUND, Reason.NOT_FOUND, message)
    message = "there is no application with this id, or you have no access to it"
    return Refusal(Kind.PERMISSION, Reason.NOT_VISIBLE, message)
