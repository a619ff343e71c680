"""The rule of two officers: who acted first cannot confirm, who belongs to the partner cannot act. Knows no command."""

from services.enforcement.core.commands import Officer
from services.enforcement.core.errors import Kind, Reason, Refusal


def conflict(officer: Officer, partner_id: str) -> Refusal | None:
    """CONFLICT_OF_INTEREST when the officer belongs to the license's partner."""
    if officer.affiliation != partner_id:
        return None
    return Refusal(
        Kind.PERMISSION,
        Reason.CONFLICT_OF_INTEREST,
        f"officer {officer.officer_id} belongs to the partner of this license",
        {"officerId": officer.officer_id},
    )


def same_officer(officer_id: str) -> Refusal:
    """SELF_CONFIRMATION, for confirming and for rejecting."""
    return Refusal(
        Kind.PERMISSION,
        Reason.SELF_CONFIRMATION,
        f"officer {officer_id} acted first; another officer must confirm or reject",
        {"officerId": officer_id},
    )


def differs(pending: str) -> Refusal:
    """PENDING_ACT_DIFFERS: what is confirmed must be what was proposed."""
    return Refusal(
        Kind.ABORTED,
        Reason.PENDING_ACT_DIFFERS,
        f"{pending} is pending; confirm the same or reject it",
        {"pending": pending},
    )
