"""What screening does when applications tells something: every party of a submitted application is screened."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from chassis.consumer import Envelope
from chassis.journal import Journal, Key
from chassis.refusal import Plumbing, unavailable
from chassis.telemetry import annotate
from services.screening.core.record import (
    CompleteScreening,
    ScreenedApplication,
    ScreeningCompleted,
    bounded,
    decide,
    is_answered,
    recorded,
)
from services.screening.shell import codec
from services.screening.shell.desk import Desk

# Below the time that a rebalance of the consumers waits; an application as large as the contract lets it be needs less.
_BUDGET_S = 20.0
ACTOR = "service/applications"


class Hearing:
    """The handler of what applications tells."""

    def __init__(
        self,
        journal: Journal[ScreenedApplication, ScreeningCompleted],
        desk: Desk,
        budget_s: float = _BUDGET_S,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._journal, self._desk, self._budget_s, self._clock = journal, desk, budget_s, clock

    async def applications(self, envelope: Envelope) -> None:
        """Screens a submitted application; everything else is not for us. Raises Undecodable, and Refused to wait."""
        if envelope.type != "ApplicationSubmitted":
            return
        submission = codec.submission(envelope)
        annotate({"application.id": str(submission.application_id)})
        current = await self._journal.read(submission.application_id)
        # Looked at first because screening costs far more than looking; the core decides the same again below.
        if is_answered(current.state if current is not None else None, submission.screening_id):
            return
        command = CompleteScreening(await self._screened(submission))
        await self._journal.execute(
            submission.application_id,
            Key.of_event(envelope.event_id, envelope.type),
            ACTOR,
            lambda state: decide(state, command),
        )

    async def _screened(self, submission: codec.Submission) -> ScreeningCompleted:
        generation = self._desk.generation
        if generation is None:
            raise unavailable(Plumbing.NOT_READY, "the list is not loaded", 1.0)
        queries = [query for _, query in submission.parties]
        answers = await self._desk.screen_all(generation, queries, self._budget_s)
        parties = bounded(
            [recorded(name, answer) for (name, _), answer in zip(submission.parties, answers, strict=True)]
        )
        return ScreeningCompleted(
            screening_id=submission.screening_id,
            application_id=submission.application_id,
            partner_id=submission.partner_id,
            parties=parties,
            list_version=generation.list_version_id,
            config_version=answers[0].config_version,
            screened_at=self._clock(),
        )
