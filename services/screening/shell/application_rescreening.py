"""Screens one known application again, in full, and stores the result if a hit is new."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Final
from uuid import NAMESPACE_OID, UUID, uuid5

from chassis.store.idempotency import IdempotencyKey
from chassis.store.journal import Journal
from chassis.store.stream import StoredStream
from chassis.telemetry.tracing import Telemetry, annotate, current_span
from services.screening.core.cases.hit_rules import HitRules
from services.screening.core.cases.recording import complete_screening
from services.screening.core.commands import ApplyPastVerdict, Command, ReopenHit, Rescreen
from services.screening.core.decide import Decision, decide
from services.screening.core.events import Event, PartyListed
from services.screening.core.evolve import KnownHit, ScreenedApplication
from services.screening.core.ownership.rules import OwnershipRules
from services.screening.shell.matcher import LoadedIndex
from services.screening.shell.past_verdicts import (
    PastVerdict,
    cleared_by_withdrawn,
    cleared_elsewhere,
    cleared_pairs,
)
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
        hit_rules: HitRules,
        telemetry: Telemetry,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._journal, self._screener, self._rules = journal, screener, rules
        self._hit_rules, self._tracer, self._clock = hit_rules, telemetry.tracer, clock

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
            await cleared_pairs(self._journal, subjects, self._remembered_since()),
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
        for found in await cleared_elsewhere(self._journal, self._remembered_since(), _BATCH):
            hit = await self._hit(found.past_application_id, found.past_hit_id)
            if hit is None or not hit.acts:
                continue
            act = hit.acts[-1]
            command = ApplyPastVerdict(found.hit_id, hit.hit_id, act)
            # The time is part of the key: a verdict may be withdrawn and given again.
            name = f"recall/{found.hit_id}/{hit.hit_id}/{act.acted_at.isoformat()}"
            await self._apply(found, command, "recall", name)

    async def reopen_withdrawn(self) -> None:
        """Opens hits again that were cleared because of a verdict which was withdrawn.

        It looks at what is stored, so it does not matter when the hit was cleared, and nothing
        happens twice. Raises RpcError.
        """
        for found in await cleared_by_withdrawn(self._journal, _BATCH):
            hit = await self._hit(found.past_application_id, found.past_hit_id)
            if hit is None or hit.withdrawn is None:
                continue
            command = ReopenHit(found.hit_id, hit.hit_id, hit.withdrawn)
            at = hit.withdrawn.acted_at.isoformat()
            await self._apply(found, command, "reopen", f"reopen/{found.hit_id}/{hit.hit_id}/{at}")

    async def _hit(self, application_id: UUID, hit_id: UUID) -> KnownHit | None:
        current = await self._journal.read(application_id)
        return current.state.find(hit_id) if current is not None else None

    async def _apply(self, found: PastVerdict, command: Command, method: str, name: str) -> None:
        key = IdempotencyKey(uuid5(NAMESPACE_OID, name), method, found.hit_id.bytes)
        with current_span(self._tracer, f"{method} verdict"):
            await self._journal.execute(
                found.application_id, key, ACTOR, partial(self._decide, command)
            )

    def _remembered_since(self) -> datetime:
        return self._hit_rules.remembered_since(self._clock())

    def _decide(self, command: Command, state: ScreenedApplication | None) -> Decision:
        return decide(state, command, self._clock(), self._rules)
