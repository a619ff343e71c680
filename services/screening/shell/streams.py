"""How screenings and lists are stored and found.

Two kinds of streams share one journal's tables, each with a journal object of its own; the column `kind` tells their
rows apart. Their ids never meet: an application's is random, a list's is made of its code.
"""

from __future__ import annotations

from datetime import datetime
from uuid import NAMESPACE_OID, UUID, uuid5

from services.screening.core import record, register
from services.screening.shell import codec


def list_id_of(code: str) -> UUID:
    """The stream of a list, by its code, for instance US-CSL."""
    return uuid5(NAMESPACE_OID, f"list/{code}")


class ScreeningStream:
    """One stream an application, keyed by its id."""

    kind = "screening"
    id_attribute = "application.id"
    state_type = record.ScreenedApplication
    columns = ("kind", "partner_id")
    projection = None

    def evolve(
        self, state: record.ScreenedApplication | None, event: record.ScreeningCompleted
    ) -> record.ScreenedApplication:
        """The core's."""
        return record.evolve(state, event)

    def encode_event(self, event: record.ScreeningCompleted) -> tuple[str, bytes]:
        """The codec's."""
        return codec.encode_completed(event)

    def decode_event(self, name: str, payload: bytes) -> record.ScreeningCompleted:
        """The codec's."""
        return codec.decode_completed(name, payload)

    def state_name(self, state: record.ScreenedApplication) -> str:
        """Where the application stands with screening."""
        return state.state

    def due_at(self, state: record.ScreenedApplication) -> datetime | None:
        """Never."""
        return None

    def index(self, state: record.ScreenedApplication) -> tuple[object, ...]:
        """Values of `columns`."""
        return self.kind, state.partner_id

    def project(self, state: record.ScreenedApplication) -> tuple[tuple[object, ...], ...]:
        """Nothing."""
        return ()


class ListStream:
    """One stream a list, keyed by `list_id_of` its code."""

    kind = "list"
    id_attribute = "safeconduct.list.id"
    state_type = register.ScreeningList
    columns = ("kind",)
    projection = None

    def evolve(self, state: register.ScreeningList | None, event: register.Event) -> register.ScreeningList:
        """The core's."""
        return register.evolve(state, event)

    def encode_event(self, event: register.Event) -> tuple[str, bytes]:
        """The codec's."""
        return codec.encode_register_event(event)

    def decode_event(self, name: str, payload: bytes) -> register.Event:
        """The codec's."""
        return codec.decode_register_event(name, payload)

    def state_name(self, state: register.ScreeningList) -> str:
        """Where the list stands."""
        return state.state

    def due_at(self, state: register.ScreeningList) -> datetime | None:
        """Never."""
        return None

    def index(self, state: register.ScreeningList) -> tuple[object, ...]:
        """Values of `columns`."""
        return (self.kind,)

    def project(self, state: register.ScreeningList) -> tuple[tuple[object, ...], ...]:
        """Nothing."""
        return ()
