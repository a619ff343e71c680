"""Visibility: which licenses, events and names a caller may see.

The rules keep three secrets. An officer who belongs to a partner neither reads nor changes anything
about that partner: this module is the one guard before every read and write by id, and lists have
its condition. A partner or gate cannot find out whether a license of another partner
exists: the response is the same for a foreign license and for an unknown id. A partner does not
learn about reports and proposals on its own license before a measure is in force.
"""

from dataclasses import dataclass
from typing import Final, Protocol

from services.enforcement.core import events as e
from services.enforcement.core.commands import Reporter
from services.enforcement.core.credibility import CLAIMS, ReporterRole
from services.enforcement.core.errors import Kind, Reason, Refusal, not_found, not_visible
from services.enforcement.core.model import LicenseConduct, ReporterKind

_PARTNER_EVENTS: Final = frozenset(
    event.__name__
    for event in (
        e.LicenseRegistered,
        e.MeasureImposed,
        e.LicenseSuspended,
        e.LicenseRevoked,
        e.LicenseReinstated,
        e.StandingChanged,
    )
)


class Caller(Protocol):
    """The part of the caller's identity that decides what it may see."""

    @property
    def kind(self) -> str: ...  # noqa: D102 - "partner", "gate" or "officer"
    @property
    def partner_id(self) -> str | None: ...  # noqa: D102 - None for an officer without affiliation


def is_officer(caller: Caller) -> bool:
    """Returns True if the caller sees as an officer: licenses of all partners with all events."""
    return caller.kind == "officer"


def is_visible(license_partner_id: str | None, caller: Caller) -> bool:
    """Returns True if the caller may see a license of this partner.

    None stands for the license that does not exist, which nobody sees.
    """
    if license_partner_id is None:
        return False
    if is_officer(caller):
        return not has_conflict(license_partner_id, caller)
    return license_partner_id == caller.partner_id


def has_conflict(license_partner_id: str, caller: Caller) -> bool:
    """Returns True if the caller is an officer who belongs, or may belong, to this partner.

    The partner of a license that is not registered yet is not known: the text is empty. An officer
    who belongs to any partner may then belong to this one.
    """
    if not is_officer(caller) or caller.partner_id is None:
        return False
    return not license_partner_id or license_partner_id == caller.partner_id


@dataclass(frozen=True, slots=True)
class ListScope:
    """The rows of a list that a caller may see, by the partner of the row's license.

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


def refuse_conflict(license_partner_id: str | None, caller: Caller) -> Refusal | None:
    """Returns CONFLICT_OF_INTEREST if `has_conflict` says so, or None."""
    if license_partner_id is None or not has_conflict(license_partner_id, caller):
        return None
    message = "an officer who belongs to the partner cannot read or change anything about it"
    return Refusal(Kind.PERMISSION, Reason.CONFLICT_OF_INTEREST, message)


def refuse_license(license_partner_id: str | None, caller: Caller) -> Refusal | None:
    """Returns the refusal of a caller who may not see a license of this partner, or None.

    CONFLICT_OF_INTEREST or NOT_FOUND for an officer, NOT_VISIBLE for everyone else.
    """
    if is_visible(license_partner_id, caller):
        return None
    unknown = not_found("license") if is_officer(caller) else not_visible("license")
    return refuse_conflict(license_partner_id, caller) or unknown


def is_event_visible(event_name: str, caller: Caller) -> bool:
    """Returns whether the timeline shows events of this name to the caller.

    Partners see measures in force. Reports would name the reporter, and proposals would warn the
    partner before a measure takes effect.
    """
    return is_officer(caller) or event_name in _PARTNER_EVENTS


def visible_actor(actor: str, caller: Caller) -> str:
    """Returns the actor as the caller may read it: partners read "officer" instead of its id."""
    kind, _, _ = actor.partition("/")
    return kind if kind == "officer" and not is_officer(caller) else actor


def check_reporter(
    conduct: LicenseConduct | None, reporter: Reporter, kind: ReporterKind
) -> Refusal | None:
    """Returns why the reporter may not report as this kind on this license, or None.

    Rules that depend on the caller alone come first, so that they reveal nothing about the license.
    """
    if kind not in CLAIMS[reporter.role]:
        return _kind_not_allowed(reporter, kind)
    if reporter.role is ReporterRole.OFFICER:
        return not_found("license") if conduct is None else None
    if conduct is None:
        return not_visible("license")
    is_own = conduct.partner_id == reporter.partner_id
    if kind is ReporterKind.PUBLIC:
        # License ids are random, so a reporter who names another partner's license was given its
        # id. About its own license a partner reports as SELF_DISCLOSURE.
        return _kind_not_allowed(reporter, kind) if is_own else None
    return None if is_own else not_visible("license")


def _kind_not_allowed(reporter: Reporter, kind: ReporterKind) -> Refusal:
    return Refusal(
        Kind.PERMISSION,
        Reason.REPORTER_KIND_NOT_ALLOWED,
        f"a {reporter.role} cannot report this as {kind}",
        {"reporterKind": kind},
    )
