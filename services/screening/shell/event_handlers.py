"""What screening does when others tell something: a submission is screened, a license watched, what is over let go."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

from chassis.rpc.errors import CommonReason, unavailable
from chassis.store.idempotency import IdempotencyKey
from chassis.store.journal import Journal
from chassis.streams.envelope import Envelope
from chassis.telemetry.tracing import annotate
from services.screening.core.cases.recording import complete_screening
from services.screening.core.commands import Command, CompleteScreening
from services.screening.core.decide import decide, is_screened
from services.screening.core.events import Event, ScreeningCompleted
from services.screening.core.evolve import ScreenedApplication
from services.screening.core.ownership.rules import OwnershipRules
from services.screening.shell import codec
from services.screening.shell.matcher import Asker
from services.screening.shell.past_verdicts import found_false
from services.screening.shell.screener import Screener

# Below the time that a rebalance of the consumers waits; an application as large as the contract lets it be needs less.
_BUDGET_S = 20.0
ACTOR = "service/applications"
ENFORCEMENT = "service/enforcement"


class EventHandlers:
    """The handlers of what applications and enforcement tell."""

    def __init__(
        self,
        journal: Journal[ScreenedApplication, Event],
        desk: Screener,
        rules: OwnershipRules,
        budget_s: float = _BUDGET_S,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._journal, self._desk, self._rules, self._budget_s, self._clock = (
            journal,
            desk,
            rules,
            budget_s,
            clock,
        )

    async def applications(self, envelope: Envelope) -> None:
        """Screens a submitted application; follows what becomes of it. Raises Undecodable, and Refused to wait."""
        if envelope.type == "ApplicationSubmitted":
            await self._submitted(envelope)
        elif envelope.type == "LicenseIssued":
            application_id, monitored = codec.license_issued(envelope)
            annotate({"license.id": str(monitored.license_id)})
            await self._note(envelope, application_id, monitored, ACTOR)
        elif (ended := codec.ended("applications", envelope)) is not None:
            await self._note(envelope, *ended, ACTOR)

    async def enforcement(self, envelope: Envelope) -> None:
        """A revoked license is of no interest any more; everything else is not for us. Raises Undecodable."""
        if (ended := codec.ended("enforcement", envelope)) is not None:
            await self._note(envelope, *ended, ENFORCEMENT)

    async def _submitted(self, envelope: Envelope) -> None:
        submission = codec.submission(envelope)
        annotate({"application.id": str(submission.application_id)})
        current = await self._journal.read(submission.application_id)
        # Looked at first because screening costs far more than looking; the core decides the same again below.
        if is_screened(current.state if current is not None else None, submission.screening_id):
            return
        command = CompleteScreening(await self._screened(submission))
        await self._note(envelope, submission.application_id, command, ACTOR)

    async def _note(
        self, envelope: Envelope, application_id: UUID, command: Command, actor: str
    ) -> None:
        annotate({"application.id": str(application_id)})
        await self._journal.execute(
            application_id,
            IdempotencyKey.of_event(envelope.event_id, envelope.type),
            actor,
            lambda state: decide(state, command, self._clock(), self._rules),
        )

    async def _screened(self, submission: codec.Submission) -> ScreeningCompleted:
        generation = self._desk.generation
        if generation is None:
            raise unavailable(CommonReason.NOT_READY, "the list is not loaded", 1.0)
        subjects = submission.subjects
        answers = await self._desk.screen_all(
            generation, [each.query for each in subjects], self._budget_s, Asker(ACTOR)
        )
        return complete_screening(
            submission.screening_id,
            submission.application_id,
            submission.partner_id,
            subjects,
            answers,
            await found_false(self._journal, subjects),
            self._clock(),
            self._rules,
        )
