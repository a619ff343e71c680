"""What a license's own partner may read of its history. Knows events by name only."""

from typing import Final

from services.enforcement.core import events as e

PARTNER_SEES: Final = frozenset(
    kind.__name__
    for kind in (
        e.LicenseRegistered,
        e.MeasureImposed,
        e.LicenseSuspended,
        e.LicenseRevoked,
        e.LicenseReinstated,
        e.StandingChanged,
    )
)
"""What is in force. Reports and proposals stay hidden: they name who reported, and warn whom they are about."""


def partner_sees(event_name: str) -> bool:
    """Whether the partner of the license may read this event."""
    return event_name in PARTNER_SEES


def actor_for_partner(actor: str) -> str:
    """Who acted, as a partner may know it: an officer without the name, anybody else as they are."""
    kind, _, _ = actor.partition("/")
    return kind if kind == "officer" else actor
