"""Runs a screening within its time budget, and records metrics and spans without names.

The loaded index is one attribute, `index`: replacing it is one assignment. A caller that took the
old index keeps it until its parties are screened. Spans and metrics carry results and ids of list
entries, never a name.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Final

from opentelemetry import trace
from prometheus_client import CollectorRegistry, Counter, Histogram

from services.screening.core.config import ScreeningConfig
from services.screening.core.matching.screening import undetermined
from services.screening.core.model import Entry, PartyQuery, Reason, Screening
from services.screening.shell.matcher import Caller, LoadedIndex, Matcher, ThreadMatcher

WAIT_S: Final = 8.0
"""Longest wait for one party, time in the queue included. Below the default deadline of clients."""
_BUCKETS: Final = (
    0.001, 0.002, 0.004, 0.006, 0.008, 0.012, 0.02, 0.04, 0.08, 0.15, 0.3, 0.6, 1.2, 2.5, 5.0, 10.0,
)  # fmt: skip
OWN_SERVICE: Final = Caller("service/screening")
_MOST_SPAN_ENTRIES: Final = 10
_MOST_SPAN_EVENTS: Final = 100
"""Parties of one application that get a span event each."""


class Screener:
    """Screens parties against the loaded index. `index` is None until one is loaded."""

    def __init__(
        self, config: ScreeningConfig, registry: CollectorRegistry, matcher: Matcher | None = None
    ) -> None:
        self._config = config
        self._matcher = matcher or ThreadMatcher(config)
        self._results = Counter(
            "safeconduct_screening_parties", "Parties screened.", ["result"], registry=registry
        )
        self._budget_exceeded = Counter(
            "safeconduct_screening_budget_exceeded",
            "Parties whose time budget was used up.",
            registry=registry,
        )
        self._durations = Histogram(
            "safeconduct_screening_party_duration_seconds",
            "Time to screen one party, time in the queue included.",
            registry=registry,
            buckets=_BUCKETS,
        )
        self.index: LoadedIndex | None = None

    async def load(self, entries: Sequence[Entry], list_version_id: str) -> LoadedIndex:
        """Returns the index of these entries; it is not screened against yet.

        Raises MatcherError.
        """
        return await self._matcher.load(entries, list_version_id)

    async def screen(
        self, query: PartyQuery, caller: Caller = OWN_SERVICE, *, wait_s: float = WAIT_S
    ) -> Screening:
        """Returns the screening of one party against the index loaded now.

        The result is UNDETERMINED if no index is loaded, or after `wait_s`. Raises MatcherError.
        """
        answer = await self._screen(self.index, query, caller, wait_s)
        _add_span_event(answer, 1)
        return answer

    async def screen_in_bulk(self, query: PartyQuery, caller: Caller) -> Screening:
        """Screens one party of a stream: without a span event, and without a limit on the wait.

        The stream's flow control limits what is queued. Raises MatcherError.
        """
        return await self._screen(self.index, query, caller, None)

    async def screen_all(
        self,
        index: LoadedIndex,
        queries: Sequence[PartyQuery],
        budget_s: float,
        caller: Caller = OWN_SERVICE,
    ) -> tuple[Screening, ...]:
        """Returns the screenings of all parties against one index, in order.

        Parties that are not done within `budget_s` are UNDETERMINED. Raises MatcherError.
        """
        end = time.monotonic() + budget_s
        found = await asyncio.gather(
            *(self._screen(index, query, caller, end - time.monotonic()) for query in queries)
        )
        for number, answer in enumerate(found[:_MOST_SPAN_EVENTS], 1):
            _add_span_event(answer, number)
        return tuple(found)

    async def _screen(
        self, index: LoadedIndex | None, query: PartyQuery, caller: Caller, wait_s: float | None
    ) -> Screening:
        began = time.perf_counter()
        answer = await self._within(index, query, caller, wait_s)
        self._durations.observe(time.perf_counter() - began)
        self._results.labels(answer.result.value).inc()
        if Reason.BUDGET_EXCEEDED in answer.reasons:
            self._budget_exceeded.inc()
        return answer

    async def _within(
        self, index: LoadedIndex | None, query: PartyQuery, caller: Caller, wait_s: float | None
    ) -> Screening:
        if index is None:
            return undetermined(self._config, Reason.INDEX_NOT_READY)
        try:
            async with asyncio.timeout(wait_s) as limit:
                return await index.screen(query, caller)
        except TimeoutError:
            if not limit.expired():
                raise
            return undetermined(self._config, Reason.BUDGET_EXCEEDED, index.list_version_id)


def _add_span_event(answer: Screening, number: int) -> None:
    trace.get_current_span().add_event(
        "party screened",
        {
            "safeconduct.party.number": number,
            "safeconduct.screening.result": answer.result.value,
            "safeconduct.screening.strength": answer.hits[0].strength.value if answer.hits else "",
            "safeconduct.screening.reasons": [reason.value for reason in answer.reasons],
            "safeconduct.screening.entries": [
                hit.entry_id for hit in answer.hits[:_MOST_SPAN_ENTRIES]
            ],
            "safeconduct.list.version": answer.list_version_id,
            "safeconduct.config.version": answer.config_version,
        },
    )
