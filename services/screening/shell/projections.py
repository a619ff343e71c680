"""How applications and lists are stored and found.

Two kinds of streams share the journal's tables, each with a journal object of its own. The column
`kind` separates their rows. Their ids do not collide: an application's id is random, a list's id is
derived from its code.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from chassis.store.search_words import search_words
from chassis.store.stream import Projection
from services.screening.core import events
from services.screening.core.evolve import STATE_SCHEMA, ScreenedApplication
from services.screening.core.evolve import evolve as evolve_screening
from services.screening.core.lists import versions
from services.screening.shell import codec


class ScreeningStream:
    """The stream of an application, by application id.

    Table `hit` has a row for each of its hits.
    """

    kind = "screening"
    id_attribute = "application.id"
    state_type = ScreenedApplication
    schema = STATE_SCHEMA
    owner_column = None
    separate_outbox = None
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
            ("partner_id", "text"),
            ("list_code", "text"),
            ("strength", "text"),
            ("words", "text"),
            ("summary", "bytea"),
            ("cleared_at", "timestamptz"),
            ("remembered_hit_id", "uuid"),
            ("withdrawn_at", "timestamptz"),
        ),
        key="hit_id",
    )

    def evolve(self, state: ScreenedApplication | None, event: events.Event) -> ScreenedApplication:
        """Returns the state after the event, by the core."""
        return evolve_screening(state, event)

    def encode_event(self, event: events.Event) -> tuple[str, bytes]:
        """Returns the codec's result."""
        return codec.encode_event(event)

    def decode_event(self, name: str, payload: bytes) -> events.Event:
        """Returns the codec's result."""
        return codec.decode_event(name, payload)

    def state_name(self, state: ScreenedApplication) -> str:
        """Returns the state of the application."""
        return state.state

    def due_at(self, state: ScreenedApplication) -> datetime | None:
        """Returns None: screening has no timers."""
        return None

    def index(self, state: ScreenedApplication) -> tuple[object, ...]:
        """Returns the values of `columns`."""
        return self.kind, state.partner_id, state.latest.list_version

    def project(self, state: ScreenedApplication) -> tuple[tuple[object, ...], ...]:
        """Returns one row of table `hit` for each hit."""
        return tuple(
            (
                hit.hit_id,
                state.application_id,
                hit.party_content,
                hit.hit.entry_content,
                hit.state,
                bool(hit.acts),
                hit.found_at,
                state.partner_id,
                hit.hit.list_code,
                hit.hit.strength,
                " ".join(search_words((hit.hit.queried_name, hit.hit.matched_name))),
                codec.hit_summary(state, hit).SerializeToString(deterministic=True),
                hit.cleared_at,
                hit.remembered_hit_id,
                hit.withdrawn.acted_at if hit.withdrawn is not None else None,
            )
            for hit in state.hits
        )


class ListStream:
    """The stream of a list, by `identity.list_id_of` its code."""

    kind = "list"
    id_attribute = "safeconduct.list.id"
    state_type = versions.ScreeningList
    schema = versions.STATE_SCHEMA
    owner_column = None
    separate_outbox = None
    columns = ("kind",)
    projection = None

    def evolve(
        self, state: versions.ScreeningList | None, event: versions.Event
    ) -> versions.ScreeningList:
        """Returns the state after the event, by the core."""
        return versions.evolve(state, event)

    def encode_event(self, event: versions.Event) -> tuple[str, bytes]:
        """Returns the codec's result."""
        return codec.encode_list_event(event)

    def decode_event(self, name: str, payload: bytes) -> versions.Event:
        """Returns the codec's result."""
        return codec.decode_list_event(name, payload)

    def state_name(self, state: versions.ScreeningList) -> str:
        """Returns the state of the list."""
        return state.state

    def due_at(self, state: versions.ScreeningList) -> datetime | None:
        """Returns None: screening has no timers."""
        return None

    def index(self, state: versions.ScreeningList) -> tuple[object, ...]:
        """Returns the values of `columns`."""
        return (self.kind,)

    def project(self, state: versions.ScreeningList) -> tuple[tuple[object, ...], ...]:
        """Returns no rows."""
        return ()
