"""Four-eyes rules: conflict of interest, and a second officer for every proposal."""

from uuid import UUID

from services.enforcement.core.commands import Officer
from services.enforcement.core.errors import Kind, Reason, Refusal
from services.enforcement.core.model import OfficerAct


def check_conflict(officer: Officer, partner_id: str) -> Refusal | None:
    """Returns CONFLICT_OF_INTEREST if the officer is affiliated with the license's partner."""
    if officer.affiliation != partner_id:
        return None
    return Refusal(
        Kind.PERMISSION,
        Reason.CONFLICT_OF_INTEREST,
        f"officer {officer.officer_id} is affiliated with the partner of this license",
        {"officerId": officer.officer_id},
    )


def check_second_officer(
    officer: Officer, named_id: UUID, *, pending_id: UUID, proposed_by: OfficerAct
) -> Refusal | None:
    """Returns why the officer may not confirm or reject the pending act, or None.

    SELF_CONFIRMATION if the officer proposed it, PENDING_ACT_DIFFERS if `named_id` is another act.
    """
    if officer.officer_id == proposed_by.officer_id:
        return Refusal(
            Kind.PERMISSION,
            Reason.SELF_CONFIRMATION,
            f"officer {officer.officer_id} proposed this; another officer must confirm or reject",
            {"officerId": officer.officer_id},
        )
    if named_id != pending_id:
        return Refusal(
            Kind.ABORTED,
            Reason.PENDING_ACT_DIFFERS,
            f"{pending_id} is pending, not {named_id}; read it before you confirm or reject",
            {"pending": str(pending_id)},
        )
    return None
