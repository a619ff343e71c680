"""Defines how the journal folds, encodes and indexes applications."""

from __future__ import annotations

from datetime import datetime

from services.applications.core.events import Event
from services.applications.core.evolve import evolve
from services.applications.core.licensing import due_at
from services.applications.core.model import STATE_SCHEMA, Application
from services.applications.shell import codec


class ApplicationStream:
    """The kind of stream: one stream for each application, its license included."""

    kind = "application"
    id_attribute = "application.id"
    state_type = Application
    schema = STATE_SCHEMA
    owner_column = "partner_id"
    separate_outbox = None
    columns = ("partner_id", "submitted_at", "license_id", "licensed_at")
    projection = None

    def evolve(self, state: Application | None, event: Event) -> Application:
        """Returns the state after the event, as the core folds it."""
        return evolve(state, event)

    def encode_event(self, event: Event) -> tuple[str, bytes]:
        """Returns the event's short name and its bytes."""
        return codec.encode_event(event)

    def decode_event(self, name: str, payload: bytes) -> Event:
        """Returns the event that `encode_event` encoded."""
        return codec.decode_event(name, payload)

    def state_name(self, state: Application) -> str:
        """Returns the state's name, which the index of the review queue uses."""
        return state.state

    def due_at(self, state: Application) -> datetime | None:
        """Returns the time of the next timer: the end of the time to sign, or of the license."""
        return due_at(state)

    def index(self, state: Application) -> tuple[object, ...]:
        """Returns the values of `columns`."""
        license_id = state.license.license_id if state.license is not None else None
        licensed_at = state.license.not_before if state.license is not None else None
        return state.partner_id, state.submitted_at, license_id, licensed_at

    def project(self, state: Application) -> tuple[tuple[object, ...], ...]:
        """Returns no rows: applications have no table of their own."""
        return ()
