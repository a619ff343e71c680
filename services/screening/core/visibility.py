"""Who may read the screening of an application: officers read all, a partner reads its own."""

from __future__ import annotations

from typing import Final

from services.screening.core.errors import Kind, Reason, Refusal
from services.screening.core.evolve import ScreenedApplication

NOT_VISIBLE: Final = Refusal(
    Kind.PERMISSION,
    Reason.NOT_VISIBLE,
    "no application with this id, or you have no access to it",
)
NOT_FOUND: Final = Refusal(Kind.NOT_FOUND, Reason.NOT_FOUND, "no screening of this application")


def refuse_reading(
    application: ScreenedApplication | None, partner_id: str | None, *, is_officer: bool
) -> Refusal | None:
    """Returns the refusal of a reader, or None if the reader may see the application.

    `partner_id` is the reader's partner, if any. A partner gets the same refusal for an
    application of another partner and for an unknown id, so it never learns which ids exist.
    """
    if is_officer:
        return NOT_FOUND if application is None else None
    if application is None or application.partner_id != partner_id:
        return NOT_VISIBLE
    return None
