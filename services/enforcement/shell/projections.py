"""How licenses and their cases are stored and found."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from chassis.store.stream import Projection
from services.enforcement.core.events import Event
from services.enforcement.core.evolve import evolve
from services.enforcement.core.model import LicenseConduct
from services.enforcement.shell import codec


class LicenseStream:
    """One stream a license, keyed by its id. Its cases are rows of table `violation`, by which they are found."""

    kind = "license"
    id_attribute = "license.id"
    state_type = LicenseConduct
    columns: tuple[str, ...] = ()
    projection: Final = Projection(
        table="violation",
        columns=(
            ("violation_id", "uuid"),
            ("license_id", "uuid"),
            ("state", "text"),
            ("opened_at", "timestamptz"),
        ),
        key="violation_id",
    )

    def evolve(self, state: LicenseConduct | None, event: Event) -> LicenseConduct:
        """The core's."""
        return evolve(state, event)

    def encode_event(self, event: Event) -> tuple[str, bytes]:
        """The codec's."""
        return codec.encode_event(event)

    def decode_event(self, name: str, payload: bytes) -> Event:
        """The codec's."""
        return codec.decode_event(name, payload)

    def state_name(self, state: LicenseConduct) -> str:
        """Whether the license holds; REGISTERED in the moment before it has a standing."""
        return state.standing.state if state.standing is not None else "REGISTERED"

    def due_at(self, state: LicenseConduct) -> datetime | None:
        """Nothing happens by itself yet."""
        return None

    def index(self, state: LicenseConduct) -> tuple[object, ...]:
        """Values of `columns`."""
        return ()

    def project(self, state: LicenseConduct) -> tuple[tuple[object, ...], ...]:
        """A row a case."""
        return tuple(
            (case.violation_id, case.license_id, case.state, case.opened_at)
            for case in state.violations
        )
