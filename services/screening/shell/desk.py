"""Screens: the engine, in threads of its own so that the loop stays free, and what is told of each answer.

The loaded list stands here, and what replaces it replaces it at once: a screening in flight keeps the one it began
with. Spans and metrics get results and ids of list entries, never a name.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from opentelemetry import trace
from prometheus_client import CollectorRegistry, Counter, Histogram

from services.screening.core.config import ScreeningConfig
from services.screening.core.index import Generation
from services.screening.core.model import PartyQuery, Reason, Screening
from services.screening.core.screen import screen, undetermined

# The engine holds the interpreter for most of its time: a second thread fills the rest, a third finds nothing to do.
_THREADS = 2
_SHOWN_ENTRIES = 10


class Desk:
    """Where parties are screened. `generation` is the loaded list, None until there is one."""

    def __init__(self, config: ScreeningConfig, registry: CollectorRegistry) -> None:
        self._config = config
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="screening")
        self._results = Counter("screening_parties", "Parties screened.", ["result"], registry=registry)
        self._seconds = Histogram("screening_seconds", "Time to screen one party.", registry=registry)
        self.generation: Generation | None = None

    async def screen(self, query: PartyQuery) -> Screening:
        """One party against the loaded list; UNDETERMINED while there is none."""
        return await self._screen(self.generation, query, 1)

    async def screen_all(
        self, generation: Generation, queries: Sequence[PartyQuery], budget_s: float
    ) -> tuple[Screening, ...]:
        """All parties against one generation, in order. What is not begun within the budget stays UNDETERMINED."""
        end = time.monotonic() + budget_s
        found: list[Screening] = []
        for number, query in enumerate(queries, 1):
            if time.monotonic() < end:
                found.append(await self._screen(generation, query, number))
            else:
                late = undetermined(self._config, Reason.BUDGET_EXCEEDED, generation.list_version_id)
                self._tell(late, number)
                found.append(late)
        return tuple(found)

    async def _screen(self, generation: Generation | None, query: PartyQuery, number: int) -> Screening:
        began = time.perf_counter()
        answer = await asyncio.get_running_loop().run_in_executor(
            self._threads, screen, generation, query, self._config
        )
        self._seconds.observe(time.perf_counter() - began)
        self._tell(answer, number)
        return answer

    def _tell(self, answer: Screening, number: int) -> None:
        self._results.labels(answer.result.value).inc()
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
