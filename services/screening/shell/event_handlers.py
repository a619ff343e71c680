"""Handles events of other services: screens submissions, starts and ends monitoring."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from chassis.rpc.errors import CommonReason, unavailable
from chassis.store.journal import Journal
from chassis.streams.envelope import Envelope
from chassis.telemetry.tracing import annotate
from services.screening.core.cases.hit_rules import HitRules
from services.screening.core.cases.recording import complete_screening
from services.screening.core.cases.submission import Submission
from services.screening.core.commands import Command, CompleteScreening
from services.screening.core.decide import decide, is_screened
from services.screening.core.events import Event, ScreeningCompleted
from services.screening.core.evolve import ScreenedApplication
from services.screening.core.ownership.rules import OwnershipRules
from services.screening.shell import consumed_events
from services.screening.shell.matcher import Caller
from services.screening.shell.past_verdicts import cleared_pairs
from services.screening.shell.screener import Screener

# Below the time that a rebalance of the consumer group waits. The largest application that the
# contract allows needs less.
_BUDGET_S: Final = 20.0
APPLICATIONS: Final = "service/applications"
ENFORCEMENT: Final = "service/enforcement"


class EventHandlers:
    """One handler for each consumed topic."""

    def __init__(
        self,
        journal: Journal[ScreenedApplication, Event],
        screener: Screener,
        rules: OwnershipRules,
        hit_rules: HitRules,
        budget_s: float = _BUDGET_S,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._journal, self._screener, self._rules = journal, screener, rules
        self._hit_rules, self._budget_s, self._clock = hit_rules, budget_s, clock

    async def applications(self, envelope: Envelope) -> None:
        """Screens a submitted application, monitors a licensed one, and ends monitoring.

        Raises Undecodable for an event that breaks its contract, and RpcError if the event must be
        delivered again later.
        """
        if envelope.type == "ApplicationSubmitted":
            await self._submitted(envelope)
        elif envelope.type == "LicenseIssued":
            application_id, monitored = consumed_events.license_issued(envelope)
            annotate({"license.id": str(monitored.license_id)})
            await self._execute(envelope, application_id, monitored, APPLICATIONS)
        elif (ending := consumed_events.ending("applications", envelope)) is not None:
            await self._execute(envelope, *ending, APPLICATIONS)

    async def enforcement(self, envelope: Envelope) -> None:
        """Ends the monitoring of a revoked license; ignores other events.

        Raises Undecodable, and RpcError if the event must be delivered again later.
        """
        if (ending := consumed_events.ending("enforcement", envelope)) is not None:
            await self._execute(envelope, *ending, ENFORCEMENT)

    async def _submitted(self, envelope: Envelope) -> None:
        submission = consumed_events.submission(envelope)
        annotate({"application.id": str(submission.application_id)})
        current = await self._journal.read(submission.application_id)
        # `decide` checks this again. It is checked here first because screening is expensive.
        if is_screened(current.state if current is not None else None, submission.screening_id):
            return
        command = CompleteScreening(await self._screen(submission))
        await self._execute(envelope, submission.application_id, command, APPLICATIONS)

    async def _execute(
        self, envelope: Envelope, application_id: UUID, command: Command, actor: str
    ) -> None:
        annotate({"application.id": str(application_id)})
        await self._journal.execute(
            application_id,
            envelope.key,
            actor,
            lambda state: decide(state, command, self._clock(), self._rules),
        )

    async def _screen(self, submission: Submission) -> ScreeningCompleted:
        index = self._screener.index
        if index is None:
            raise unavailable(CommonReason.NOT_READY, "the lists are not loaded", 1.0)
        subjects, now = submission.subjects, self._clock()
        answers = await self._screener.screen_all(
            index, [each.query for each in subjects], self._budget_s, Caller(APPLICATIONS)
        )
        return complete_screening(
            submission.screening_id,
            submission.application_id,
            submission.partner_id,
            subjects,
            answers,
            await cleared_pairs(self._journal, subjects, self._hit_rules.remembered_since(now)),
            now,
            self._rules,
        )
