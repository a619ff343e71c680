"""Screens one known application again, in full, and stores the result if a hit is new."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Final
from uuid import NAMESPACE_OID, uuid5

from chassis.store.idempotency import IdempotencyKey
from chassis.store.journal import Journal
from chassis.store.stream import StoredStream
from chassis.telemetry.tracing import Telemetry, annotate, current_span
from services.screening.core.cases.recording import complete_screening
from services.screening.core.commands import ApplyPastVerdict, Rescreen
from services.screening.core.decide import Decision, decide
from services.screening.core.events import Event, PartyListed
from services.screening.core.evolve import ScreenedApplication
from services.screening.core.ownership.rules import OwnershipRules
from services.screening.shell.matcher import LoadedIndex
from services.screening.shell.past_verdicts import cleared_elsewhere, cleared_pairs
from services.screening.shell.screener import Screener

_BUDGET_S: Final = 60.0
_BATCH: Final = 50
ACTOR: Final = "service/screening"


class ApplicationRescreening:
    """Writes what re-screening finds: new hits, and verdicts that were given elsewhere."""

    def __init__(
        self,
        journal: Journal[ScreenedApplication, Event],
        screener: Screener,
        rules: OwnershipRules,
        telemetry: Telemetry,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._journal, self._screener, self._rules = journal, screener, rules
        self._tracer, self._clock = telemetry.tracer, clock

    async def screen(
        self,
        index: LoadedIndex,
        application: StoredStream[ScreenedApplication],
        changed: frozenset[str] | None,
    ) -> tuple[str, ...]:
        """Screens all parties of the application; returns the entries that are new and published.

        `changed` are the entries that may be new; None: all of them, for the full check. Raises
        RpcError and MatcherError.
        """
        cause = "rescreen" if changed is not None else "check"
        # The same application at the same version and index version is screened once, whichever
        # replica does it.
        name = f"{cause}/{index.list_version_id}/{application.id}/{application.version}"
        with current_span(self._tracer, f"{cause} application"):
            annotate(
                {
                    "application.id": str(application.id),
                    "safeconduct.list.version": index.list_version_id,
                }
            )
            command = await self._command(index, application.state, name, changed)
            return await self._store(application, command, name)

    async def _command(
        self,
        index: LoadedIndex,
        application: ScreenedApplication,
        name: str,
        changed: frozenset[str] | None,
    ) -> Rescreen:
        subjects = application.latest.subjects
        answers = await self._screener.screen_all(
            index, [each.query for each in subjects], _BUDGET_S
        )
        screening = complete_screening(
            uuid5(NAMESPACE_OID, name),
            application.application_id,
            application.partner_id,
            subjects,
            answers,
            await cleared_pairs(self._journal, subjects),
            self._clock(),
            self._rules,
        )
        found = frozenset(hit.entry_id for answer in answers for hit in answer.hits)
        return Rescreen(screening, found if changed is None else changed)

    async def _store(
        self, application: StoredStream[ScreenedApplication], command: Rescreen, name: str
    ) -> tuple[str, ...]:
        now = self._clock()
        decided: tuple[Event, ...] = ()

        def decide_and_keep(state: ScreenedApplication | None) -> tuple[Event, ...]:
            nonlocal decided
            events = decide(state, command, now, self._rules)
            assert isinstance(events, tuple), "a re-screening is never refused"
            decided = events
            return events

        # Nothing is written if nothing is new, which is the usual case.
        if decide_and_keep(application.state):
            key = IdempotencyKey(
                uuid5(NAMESPACE_OID, f"key/{name}"), "rescreen", application.id.bytes
            )
            await self._journal.execute(application.id, key, ACTOR, decide_and_keep)
        return tuple(
            entry_id
            for event in decided
            if isinstance(event, PartyListed)
            for entry_id in event.new_entry_ids
        )

    async def apply_past_verdicts(self) -> None:
        """Clears hits whose pair officers cleared elsewhere, so that nobody judges it twice.

        Raises RpcError.
        """
        for found in await cleared_elsewhere(self._journal, _BATCH):
            past = await self._journal.read(found.past_application_id)
            hit = past.state.find(found.past_hit_id) if past is not None else None
            if hit is None or not hit.acts:
                continue
            command = ApplyPastVerdict(found.hit_id, hit.hit_id, hit.acts[-1])
            key = IdempotencyKey(
                uuid5(NAMESPACE_OID, f"recall/{found.hit_id}"), "recall", found.hit_id.bytes
            )
            with current_span(self._tracer, "apply past verdict"):
                await self._journal.execute(
                    found.application_id, key, ACTOR, partial(self._decide, command)
                )

    def _decide(self, command: ApplyPastVerdict, state: ScreenedApplication | None) -> Decision:
        return decide(state, command, self._clock(), self._rules)
