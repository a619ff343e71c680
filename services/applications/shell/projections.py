"""Defines how the journal folds, encodes and indexes applications."""

from __future__ import annotations

from datetime import datetime

from chassis.store.search_words import search_words
from services.applications.core.events import Event
from services.applications.core.evolve import evolve
from services.applications.core.licensing import due_at
from services.applications.core.model import STATE_SCHEMA, Application
from services.applications.shell import codec, summaries


class ApplicationStream:
    """The kind of stream: one stream for each application, its license included."""

    kind = "application"
    id_attribute = "application.id"
    state_type = Application
    schema = STATE_SCHEMA
    owner_column = "partner_id"
    separate_outbox = None
    columns = (
        "partner_id",
        "submitted_at",
        "license_id",
        "licensed_at",
        "license_ends_at",
        "license_state",
        "party_words",
        "countries",
        "model_ids",
        "rule_ids",
        "tier",
        "summary",
        "license_summary",
    )
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
        license_, policy, details = state.license, state.policy, state.details
        return (
            state.partner_id,
            state.submitted_at,
            license_.license_id if license_ is not None else None,
            license_.not_before if license_ is not None else None,
            license_.not_after if license_ is not None else None,
            license_.state if license_ is not None else None,
            search_words(party.name for party in details.parties),
            sorted({*details.destinations, *(party.country for party in details.parties)}),
            sorted({item.model_id for item in details.items}),
            sorted({rule.rule_id for rule in policy.fired}) if policy is not None else [],
            policy.tier if policy is not None else None,
            summaries.case(state).SerializeToString(deterministic=True),
            summaries.license_(license_).SerializeToString(deterministic=True)
            if license_ is not None
            else None,
        )

    def project(self, state: Application) -> tuple[tuple[object, ...], ...]:
        """Returns no rows: applications have no table of their own."""
        return ()
