"""Screens: asks the engine, keeps time, and says what is told of each answer.

The loaded lists stand here, and what replaces them replaces them at once: whoever screens took them once, and keeps
them to the end. Spans and metrics get results and ids of list entries, never a name.
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
from services.screening.shell.matcher import Asker, Loaded, Matcher, Threads

WAIT_S: Final = 8.0
"""How long a caller waits for one party, its turn included; below the deadline that clients set by default."""
_BUCKETS: Final = (
    0.001,
    0.002,
    0.004,
    0.006,
    0.008,
    0.012,
    0.02,
    0.04,
    0.08,
    0.15,
    0.3,
    0.6,
    1.2,
    2.5,
    5.0,
    10.0,
)
OURSELVES: Final = Asker("service/screening")
_SHOWN_ENTRIES: Final = 10
_MOST_EVENTS: Final = 100
"""Parties of an application that a span tells one by one."""


class Screener:
    """Where parties are screened. `generation` is what is loaded, None until there is something."""

    def __init__(
        self, config: ScreeningConfig, registry: CollectorRegistry, engine: Matcher | None = None
    ) -> None:
        self._config = config
        self._engine = engine or Threads(config)
        self._results = Counter(
            "safeconduct_screening_parties", "Parties screened.", ["result"], registry=registry
        )
        self._cut = Counter(
            "safeconduct_screening_budget_exceeded",
            "Parties whose time was over.",
            registry=registry,
        )
        self._seconds = Histogram(
            "safeconduct_screening_party_duration_seconds",
            "Time to screen one party, its turn included.",
            registry=registry,
            buckets=_BUCKETS,
        )
        self.generation: Loaded | None = None

    async def load(self, entries: Sequence[Entry], list_version_id: str) -> Loaded:
        """The index of these entries, not yet screened against. Raises MatcherError."""
        return await self._engine.load(entries, list_version_id)

    async def screen(
        self, query: PartyQuery, asker: Asker = OURSELVES, *, wait_s: float = WAIT_S
    ) -> Screening:
        """One party against what is loaded now; UNDETERMINED while nothing is, or when the wait is over."""
        answer = await self._screened(self.generation, query, asker, wait_s)
        _tell(answer, 1)
        return answer

    async def screen_one_of_many(self, query: PartyQuery, asker: Asker) -> Screening:
        """The same without an event of the span, and with all the time that it takes until it is its turn."""
        return await self._screened(self.generation, query, asker, None)

    async def screen_all(
        self,
        generation: Loaded,
        queries: Sequence[PartyQuery],
        budget_s: float,
        asker: Asker = OURSELVES,
    ) -> tuple[Screening, ...]:
        """All parties against one generation, in order. What is not done within the budget stays UNDETERMINED."""
        end = time.monotonic() + budget_s
        found = await asyncio.gather(
            *(self._screened(generation, query, asker, end - time.monotonic()) for query in queries)
        )
        for number, answer in enumerate(found[:_MOST_EVENTS], 1):
            _tell(answer, number)
        return tuple(found)

    async def _screened(
        self, generation: Loaded | None, query: PartyQuery, asker: Asker, wait_s: float | None
    ) -> Screening:
        began = time.perf_counter()
        answer = await self._answer(generation, query, asker, wait_s)
        self._seconds.observe(time.perf_counter() - began)
        self._results.labels(answer.result.value).inc()
        if Reason.BUDGET_EXCEEDED in answer.reasons:
            self._cut.inc()
        return answer

    async def _answer(
        self, generation: Loaded | None, query: PartyQuery, asker: Asker, wait_s: float | None
    ) -> Screening:
        if generation is None:
            return undetermined(self._config, Reason.INDEX_NOT_READY)
        try:
            async with asyncio.timeout(wait_s) as limit:
                return await generation.screen(query, asker)
        except TimeoutError:
            if not limit.expired():
                raise
            return undetermined(self._config, Reason.BUDGET_EXCEEDED, generation.list_version_id)


def _tell(answer: Screening, number: int) -> None:
    trace.get_current_span().add_event(
        "party screened",
        {
            "safeconduct.party.number": number,
            "safeconduct.screening.result": answer.result.value,
            "safeconduct.screening.strength": answer.hits[0].strength.value if answer.hits else "",
            "safeconduct.screening.reasons": [reason.value for reason in answer.reasons],
            "safeconduct.screening.entries": [hit.entry_id for hit in answer.hits[:_SHOWN_ENTRIES]],
            "safeconduct.list.version": answer.list_version_id,
            "safeconduct.config.version": answer.config_version,
        },
    )
