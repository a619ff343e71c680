"""How licenses are stored, and the table by which their cases are found."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from chassis.store.outbox import Outbox, SeparateOutbox
from chassis.store.stream import Projection
from services.enforcement.core.events import Event
from services.enforcement.core.evolve import evolve
from services.enforcement.core.model import STATE_SCHEMA, LicenseConduct
from services.enforcement.shell import codec

STANDING_OUTBOX: Final = Outbox("standing_outbox", 7003, 7004)
"""Standings and heartbeats. No other event may delay them on their way to the gates."""


class LicenseStream:
    """One stream for each license, keyed by its id. Table `violation` has a row for each case."""

    kind = "license"
    id_attribute = "license.id"
    state_type = LicenseConduct
    schema = STATE_SCHEMA
    owner_column = None
    separate_outbox = SeparateOutbox(STANDING_OUTBOX, frozenset({"StandingChanged"}))
    columns: tuple[str, ...] = ()
    projection: Final = Projection(
        table="violation",
        columns=(
            ("violation_id", "uuid"),
            ("license_id", "uuid"),
            ("state", "text"),
            ("opened_at", "timestamptz"),
            ("partner_id", "text"),
            ("clause", "text"),
            ("severity", "text"),
            ("credibility", "text"),
            ("summary", "bytea"),
        ),
        key="violation_id",
    )

    def evolve(self, state: LicenseConduct | None, event: Event) -> LicenseConduct:
        """Returns the state after the event."""
        return evolve(state, event)

    def encode_event(self, event: Event) -> tuple[str, bytes]:
        """Returns name and bytes of the event."""
        return codec.encode_event(event)

    def decode_event(self, name: str, payload: bytes) -> Event:
        """Returns the stored event."""
        return codec.decode_event(name, payload)

    def state_name(self, state: LicenseConduct) -> str:
        """Returns the standing's state, UNREGISTERED before the license is registered.

        REGISTERED between two events of the decision that registers it.
        """
        if state.standing is not None:
            return state.standing.state
        return "REGISTERED" if state.is_registered else "UNREGISTERED"

    def due_at(self, state: LicenseConduct) -> datetime | None:
        """Returns None: a license has no timers."""
        return None

    def index(self, state: LicenseConduct) -> tuple[object, ...]:
        """Returns no values, because `columns` is empty."""
        return ()

    def project(self, state: LicenseConduct) -> tuple[tuple[object, ...], ...]:
        """Returns one row for each case."""
        return tuple(
            (
                case.violation_id,
                case.license_id,
                case.state,
                case.opened_at,
                # Not known before the license is registered; lists then hide it from every officer
                # who belongs to a partner.
                state.partner_id or None,
                case.clause,
                case.finding.severity if case.finding is not None else None,
                case.credibility,
                codec.violation_summary(case, state.partner_id).SerializeToString(
                    deterministic=True
                ),
            )
            for case in state.violations
        )
