"""How applications are stored and found."""

from __future__ import annotations

from datetime import datetime

from services.applications.core.events import Event
from services.applications.core.evolve import evolve
from services.applications.core.licensing import due_at
from services.applications.core.model import Application
from services.applications.shell import codec


class ApplicationStream:
    """One stream an application, keyed by its id; its license is part of it."""

    kind = "application"
    id_attribute = "application.id"
    state_type = Application
    columns = ("partner_id", "submitted_at", "license_id", "licensed_at")
    projection = None

    def evolve(self, state: Application | None, event: Event) -> Application:
        """The core's."""
        return evolve(state, event)

    def encode_event(self, event: Event) -> tuple[str, bytes]:
        """The codec's."""
        return codec.encode_event(event)

    def decode_event(self, name: str, payload: bytes) -> Event:
        """The codec's."""
        return codec.decode_event(name, payload)

    def state_name(self, state: Application) -> str:
        """Where the application stands."""
        return state.state

    def due_at(self, state: Application) -> datetime | None:
        """When its time to sign, or its license, ends."""
        return due_at(state)

    def index(self, state: Application) -> tuple[object, ...]:
        """Values of `columns`."""
        license_id = state.license.license_id if state.license is not None else None
        licensed_at = state.license.not_before if state.license is not None else None
        return state.partner_id, state.submitted_at, license_id, licensed_at

    def project(self, state: Application) -> tuple[tuple[object, ...], ...]:
        """Nothing."""
        return ()
