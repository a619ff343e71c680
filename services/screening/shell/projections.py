"""How screenings and lists are stored and found.

Two kinds of streams share one journal's tables, each with a journal object of its own; the column `kind` tells their
rows apart. Their ids never meet: an application's is random, a list's is made of its code.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import NAMESPACE_OID, UUID, uuid5

from chassis.store.stream import Projection
from services.screening.core import events
from services.screening.core.evolve import ScreenedApplication
from services.screening.core.evolve import evolve as evolve_screening
from services.screening.core.lists import versions
from services.screening.shell import codec


def list_id_of(code: str) -> UUID:
    """The stream of a list, by its code, for instance US-CSL."""
    return uuid5(NAMESPACE_OID, f"list/{code}")


class ScreeningStream:
    """One stream an application, keyed by its id. Its hits are rows of table `hit`, by which they are found."""

    kind = "screening"
    id_attribute = "application.id"
    state_type = ScreenedApplication
    columns = ("kind", "partner_id", "list_version")
    projection: Final = Projection(
        table="hit",
        columns=(
            ("hit_id", "uuid"),
            ("application_id", "uuid"),
            ("party_content", "text"),
            ("entry_content", "text"),
            ("state", "text"),
            ("is_judged", "bool"),
            ("found_at", "timestamptz"),
        ),
        key="hit_id",
    )

    def evolve(self, state: ScreenedApplication | None, event: events.Event) -> ScreenedApplication:
        """The core's."""
        return evolve_screening(state, event)

    def encode_event(self, event: events.Event) -> tuple[str, bytes]:
        """The codec's."""
        return codec.encode_event(event)

    def decode_event(self, name: str, payload: bytes) -> events.Event:
        """The codec's."""
        return codec.decode_event(name, payload)

    def state_name(self, state: ScreenedApplication) -> str:
        """Where the application stands with screening."""
        return state.state

    def due_at(self, state: ScreenedApplication) -> datetime | None:
        """Never."""
        return None

    def index(self, state: ScreenedApplication) -> tuple[object, ...]:
        """Values of `columns`."""
        return self.kind, state.partner_id, state.latest.list_version

    def project(self, state: ScreenedApplication) -> tuple[tuple[object, ...], ...]:
        """A row a hit."""
        return tuple(
            (
                hit.hit_id,
                state.application_id,
                hit.party_content,
                hit.hit.entry_content,
                hit.state,
                bool(hit.acts),
                hit.found_at,
            )
            for hit in state.hits
        )


class ListStream:
    """One stream a list, keyed by `list_id_of` its code."""

    kind = "list"
    id_attribute = "safeconduct.list.id"
    state_type = versions.ScreeningList
    columns = ("kind",)
    projection = None

    def evolve(
        self, state: versions.ScreeningList | None, event: versions.Event
    ) -> versions.ScreeningList:
        """The core's."""
        return versions.evolve(state, event)

    def encode_event(self, event: versions.Event) -> tuple[str, bytes]:
        """The codec's."""
        return codec.encode_register_event(event)

    def decode_event(self, name: str, payload: bytes) -> versions.Event:
        """The codec's."""
        return codec.decode_register_event(name, payload)

    def state_name(self, state: versions.ScreeningList) -> str:
        """Where the list stands."""
        return state.state

    def due_at(self, state: versions.ScreeningList) -> datetime | None:
        """Never."""
        return None

    def index(self, state: versions.ScreeningList) -> tuple[object, ...]:
        """Values of `columns`."""
        return (self.kind,)

    def project(self, state: versions.ScreeningList) -> tuple[tuple[object, ...], ...]:
        """Nothing."""
        return ()
