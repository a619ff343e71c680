"""What applications does when others tell something, and when time passes."""

from __future__ import annotations

from uuid import UUID, uuid4

import structlog

from chassis.rpc.errors import RefusalLike
from chassis.store.journal import Key
from chassis.streams.consumer import Envelope
from chassis.telemetry.tracing import annotate
from services.applications.core.commands import ConcludeScreening, Due, ReviseScreening
from services.applications.core.decide import decide
from services.applications.core.events import Event
from services.applications.core.model import Application
from services.applications.core.policy_facts import facts
from services.applications.shell import codec
from services.applications.shell.dependencies import Dependencies
from services.applications.shell.policy import facts_message

_LOG = structlog.get_logger("hearing")


class EventHandlers:
    """Handlers of facts and timers."""

    def __init__(self, dependencies: Dependencies) -> None:
        self._dependencies = dependencies

    async def screening(self, envelope: Envelope) -> None:
        """Screening came back, or says something new: policy is evaluated on it, and the core decides."""
        if envelope.type == "ScreeningCompleted":
            await self._completed(envelope)
        elif envelope.type == "PartyListed":
            await self._revised(envelope, codec.party_listed(envelope.payload))
        elif envelope.type == "HitAdjudicated":
            await self._revised(envelope, codec.hit_adjudicated(envelope.payload))

    async def _revised(self, envelope: Envelope, news: codec.PartyNews) -> None:
        dependencies = self._dependencies
        annotate({"application.id": str(news.application_id)})

        def judge(state: Application | None) -> tuple[Event, ...] | RefusalLike:
            if state is None or state.screening is None:
                return ()
            now = dependencies.clock()
            summary = news.on(state.screening)
            seen = facts_message(facts(state.details, summary, dependencies.reference_data, now))
            return decide(
                state,
                ReviseScreening(news.cause, summary, dependencies.policy.evaluate(seen, now)),
                now,
            )

        await dependencies.journal.execute(
            news.application_id,
            Key.of_event(envelope.event_id, envelope.type),
            "service/screening",
            judge,
        )

    async def _completed(self, envelope: Envelope) -> None:
        dependencies = self._dependencies
        application_id, summary = codec.screening_completed(envelope.payload)
        annotate({"application.id": str(application_id)})
        decision_id = uuid4()

        def judge(state: Application | None) -> tuple[Event, ...] | RefusalLike:
            if state is None:
                # Screening heard of it from us, so it is stored: another database than the one it was told from.
                _LOG.error("screening of an unknown application", event_id=str(envelope.event_id))
                return ()
            now = dependencies.clock()
            seen = facts_message(facts(state.details, summary, dependencies.reference_data, now))
            outcome = dependencies.policy.evaluate(seen, now)
            return decide(
                state,
                ConcludeScreening(summary, outcome, decision_id, dependencies.signing_terms),
                now,
            )

        await dependencies.journal.execute(
            application_id,
            Key.of_event(envelope.event_id, envelope.type),
            "service/screening",
            judge,
        )

    async def enforcement(self, envelope: Envelope) -> None:
        """A standing changed: the license record follows."""
        followed = codec.standing_followed(envelope.type, envelope.payload)
        if followed is None:
            return
        application_id, command = followed
        annotate({"application.id": str(application_id), "license.id": str(command.license_id)})
        await self._dependencies.journal.execute(
            application_id,
            Key.of_event(envelope.event_id, envelope.type),
            "service/enforcement",
            lambda state: decide(state, command, self._dependencies.clock()),
        )

    async def due(self, application_id: UUID, version: int) -> None:
        """A timer fired: the core says what is due."""

        def judge(state: Application | None) -> tuple[Event, ...] | RefusalLike:
            # Somebody was quicker: whatever is due then stands in the new row.
            if state is None or state.version != version:
                return ()
            return decide(state, Due(), self._dependencies.clock())

        await self._dependencies.journal.execute(
            application_id, Key.of_timer(application_id, version), "timer", judge
        )
