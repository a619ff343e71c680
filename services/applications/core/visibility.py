"""Decides who may read an application and its license, and words the refusal of everyone else.

Officers may read and change the applications of every partner but the one that they belong to. A
partner may read its own. A partner gets the same refusal for another partner's application and for
an id that does not exist, so that ids cannot be probed. This is the one guard before every read and
write by id; lists have its condition.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from services.applications.core.errors import Kind, Reason, Refusal
from services.applications.core.model import Application


class Caller(Protocol):
    """The part of the caller's identity that decides what it may read."""

    @property
    def kind(self) -> str: ...  # noqa: D102 - "partner", "officer", "gate" or "service"
    @property
    def partner_id(self) -> str | None: ...  # noqa: D102 - an officer's is the partner it belongs to


def is_officer(caller: Caller) -> bool:
    """Returns True if the caller reads as an officer: applications of all partners."""
    return caller.kind == "officer"


def has_conflict(partner_id: str, caller: Caller) -> bool:
    """Returns True if the caller is an officer who belongs to this partner."""
    return is_officer(caller) and caller.partner_id == partner_id


def is_visible(application: Application | None, caller: Caller) -> bool:
    """Returns True if the application exists and the caller may read it."""
    if application is None:
        return False
    is_own = application.partner_id == caller.partner_id
    return not is_own if is_officer(caller) else is_own


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


def refuse_access(
    application: Application | None, caller: Caller, resource: str = "application"
) -> Refusal | None:
    """Returns the refusal of a caller who may not read or change the application, or None.

    `resource` is "application" or "license" and appears in the message.
    """
    if application is not None and has_conflict(application.partner_id, caller):
        message = f"an officer who belongs to the partner cannot read or change its {resource}"
        return Refusal(Kind.PERMISSION, Reason.CONFLICT_OF_INTEREST, message)
    return None if is_visible(application, caller) else not_visible(caller, resource)


def not_visible(caller: Caller, resource: str) -> Refusal:
    """Returns NOT_FOUND for an officer and NOT_VISIBLE for everyone else.

    `resource` is "application" or "license" and appears in the message.
    """
    if is_officer(caller):
        return Refusal(Kind.NOT_FOUND, Reason.NOT_FOUND, f"there is no {resource} with this id")
    message = f"there is no {resource} with this id, or you have no access to it"
    return Refusal(Kind.PERMISSION, Reason.NOT_VISIBLE, message)
