"""Decides who may read the screening of an application, and words the refusal of everyone else.

Officers may read every screening. A partner may read its own applications. A partner gets the same
refusal for another partner's application and for an id that does not exist, so that ids cannot be
probed.
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
    """Returns True if the caller reads as an officer: every screening."""
    return caller.kind == "officer"


def is_visible(application: ScreenedApplication, caller: Caller) -> bool:
    """Returns True if the caller may read the screening of the application."""
    return is_officer(caller) or application.partner_id == caller.partner_id


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
        return ListScope()
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
