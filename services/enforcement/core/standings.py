"""Computes the next standing of a license: the first one, and the one after a change of state."""

from dataclasses import replace
from datetime import datetime

from safeconduct.standing import CAPABILITIES, Standing, StandingCause, StandingState

from services.enforcement.core.commands import RegisterLicense
from services.enforcement.core.events import StandingChanged
from services.enforcement.core.model import LicenseConduct


def first_standing(
    command: RegisterLicense,
    now: datetime,
    state: StandingState = StandingState.ACTIVE,
    cause: StandingCause | None = None,
) -> StandingChanged:
    """Returns the event with the first standing, version 1, of a license that was issued."""
    return StandingChanged(
        Standing(
            license_id=str(command.license_id),
            partner_id=command.partner_id,
            version=1,
            state=state,
            requires=CAPABILITIES,
            grants=command.grants,
            destinations=command.destinations,
            end_uses=command.end_uses,
            not_before=command.not_before,
            not_after=command.not_after,
            lease_seconds=command.lease_seconds,
            license_number=command.license_number,
            cause=cause,
            changed_at=now,
        )
    )


def change_standing(
    conduct: LicenseConduct, state: StandingState, cause: StandingCause | None, now: datetime
) -> StandingChanged:
    """Returns the event with the next version of the standing, in this state for this cause."""
    known = conduct.known_standing
    return StandingChanged(
        replace(known, version=known.version + 1, state=state, cause=cause, changed_at=now)
    )


def complete_grants(
    conduct: LicenseConduct, command: RegisterLicense, now: datetime
) -> StandingChanged | None:
    """Returns the event that gives a standing of an earlier release its forms of access.

    None if the standing has them. State and cause stay as they are.
    """
    known = conduct.known_standing
    if all(grant.access_mode is not None for grant in known.grants):
        return None
    return StandingChanged(
        replace(
            known,
            version=known.version + 1,
            requires=CAPABILITIES,
            grants=command.grants,
            changed_at=now,
        )
    )
