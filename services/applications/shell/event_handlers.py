"""Handles consumed events and timers: converts each to a command and executes it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid4

import structlog

from chassis.rpc.errors import RefusalLike
from chassis.store.idempotency import IdempotencyKey
from chassis.streams.envelope import Envelope
from chassis.telemetry.tracing import annotate
from services.applications.core.commands import (
    ConcludeScreening,
    Due,
    ReviseScreening,
    RevisionCause,
)
from services.applications.core.decide import decide
from services.applications.core.events import Event
from services.applications.core.model import (
    Application,
    PolicyOutcome,
)
from services.applications.core.policy_facts import PolicyBasis, facts
from services.applications.core.screening_findings import PartyUpdate, updated
from services.applications.core.screening_summary import ScreeningSummary
from services.applications.shell import consumed_events
from services.applications.shell.dependencies import Dependencies
from services.applications.shell.policy import facts_message

_LOG = structlog.get_logger("event_handlers")

Decided = tuple[Event, ...] | RefusalLike


class EventHandlers:
    """The handlers that `__main__` registers: one for each consumed topic, and one for timers.

    A handler runs at most once for each event: the journal remembers the event's id.
    """

    def __init__(self, dependencies: Dependencies) -> None:
        self._dependencies = dependencies

    async def screening(self, envelope: Envelope) -> None:
        """Concludes the first screening of an application, or revises it. Ignores other events."""
        if envelope.type == "ScreeningCompleted":
            await self._conclude(envelope)
        elif envelope.type == "PartyListed":
            await self._revise(envelope, *consumed_events.party_listed(envelope.payload))
        elif envelope.type == "HitAdjudicated":
            await self._revise(envelope, *consumed_events.hit_adjudicated(envelope.payload))

    async def enforcement(self, envelope: Envelope) -> None:
        """Updates the license record to the license's new standing. Ignores other events."""
        change = consumed_events.standing_changed(envelope.type, envelope.payload, envelope.version)
        if change is None:
            return
        application_id, command = change
        annotate({"application.id": str(application_id), "license.id": str(command.license_id)})
        await self._dependencies.journal.execute(
            application_id,
            envelope.key,
            "service/enforcement",
            lambda state: decide(state, command, self._dependencies.clock()),
        )

    async def due(self, application_id: UUID, version: int, now: datetime) -> None:
        """Lapses the application or expires its license, if that is due at this version.

        `now` is the time at which the application was found due.
        """

        def decide_due(state: Application | None) -> Decided:
            # A newer event won the race. Its row holds the time of the next timer.
            if state is None or state.version != version:
                return ()
            return decide(state, Due(), now)

        await self._dependencies.journal.execute(
            application_id, IdempotencyKey.of_timer(application_id, version), "timer", decide_due
        )

    async def _conclude(self, envelope: Envelope) -> None:
        application_id, screening = consumed_events.screening_completed(envelope.payload)
        annotate({"application.id": str(application_id)})
        decision_id = uuid4()

        def decide_conclusion(state: Application | None) -> Decided:
            if state is None:
                # Screening got this id from our own event. The database must be another one than
                # the one that event came from, for instance a restored older one.
                _LOG.error("screening of an unknown application", event_id=str(envelope.event_id))
                return ()
            command = ConcludeScreening(
                screening,
                *self._evaluate(state, screening),
                decision_id,
                self._dependencies.signing_terms,
            )
            return decide(state, command, self._dependencies.clock())

        await self._dependencies.texts.ensure_stored()
        await self._dependencies.journal.execute(
            application_id,
            envelope.key,
            "service/screening",
            decide_conclusion,
        )

    async def _revise(
        self, envelope: Envelope, application_id: UUID, cause: RevisionCause, update: PartyUpdate
    ) -> None:
        annotate({"application.id": str(application_id)})

        def decide_revision(state: Application | None) -> Decided:
            # Without a first screening there is nothing to revise: that screening is still on its
            # way and used the newer list.
            if state is None or state.screening is None:
                return ()
            screening = updated(state.screening, update)
            command = ReviseScreening(cause, screening, *self._evaluate(state, screening))
            return decide(state, command, self._dependencies.clock())

        await self._dependencies.texts.ensure_stored()
        await self._dependencies.journal.execute(
            application_id,
            envelope.key,
            "service/screening",
            decide_revision,
        )

    def _evaluate(
        self, application: Application, screening: ScreeningSummary
    ) -> tuple[PolicyOutcome, PolicyBasis]:
        """Returns the outcome of policy now, and what it rests on."""
        now = self._dependencies.clock()
        policy, reference_data = self._dependencies.policy, self._dependencies.reference_data
        current = facts(application.details, screening, reference_data, now)
        basis = PolicyBasis(
            current, policy.text.digest, reference_data.digest, reference_data.version
        )
        return policy.evaluate(facts_message(current), now), basis
