"""What screens: an index of one generation, loaded, wherever it lives. Here: in threads of this process.

`workers` is the other kind, in processes of its own; the service uses that one. This one is for whoever wants a desk
without processes: it starts at once, and the interpreter that it holds is ours.
"""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Concatenate, Final, ParamSpec, Protocol, TypeVar

from services.screening.core.config import ScreeningConfig
from services.screening.core.matching.screening import screen
from services.screening.core.model import Entry, PartyQuery, Screening
from services.screening.core.names.index import ListIndex

P = ParamSpec("P")
T = TypeVar("T")

PARTY_SECONDS: Final = 1.0
"""CPU that one party may cost: a hundred times a usual one, and what the most names that are taken need at most."""
# The engine holds the interpreter for most of its time: a second thread fills the rest, a third finds nothing to do.
_THREADS: Final = 2


class MatcherError(Exception):
    """The engine failed; the text is the type of what went wrong."""


@dataclass(frozen=True, slots=True)
class Asker:
    """For whom a party is screened: the caller, and which of the caller's streams. Each caller gets an equal share."""

    caller: str
    stream: str = ""


class Loaded(Protocol):
    """A loaded generation. Whoever holds it can ask it; when nobody does any more, it goes."""

    @property
    def list_version_id(self) -> str:
        """The active versions of all lists."""

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Everybody listed."""

    async def screen(self, query: PartyQuery, asker: Asker) -> Screening:
        """One party, within PARTY_SECONDS. Raises MatcherError. Cancelled before its turn, it costs nothing."""

    async def apart(
        self, function: Callable[Concatenate[ListIndex, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """What a function of a module says of the index, called where neither calls nor screenings wait for it.

        Its arguments and its answer are pickled. One after the other; what it keeps in its module stays for the next.
        Raises MatcherError when it raises.
        """


class Matcher(Protocol):
    """Loads generations."""

    async def load(self, entries: Sequence[Entry], list_version_id: str) -> Loaded:
        """The index of these entries. Takes seconds. Raises MatcherError."""


class Threads:
    """An engine in this process."""

    def __init__(self, config: ScreeningConfig) -> None:
        self._config = config
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="screening")

    async def load(self, entries: Sequence[Entry], list_version_id: str) -> Loaded:
        """The index of these entries, built in a thread."""
        generation = await asyncio.to_thread(ListIndex.build, entries, list_version_id)
        return _InProcess(generation, self._config, self._threads)


@dataclass(frozen=True, slots=True)
class _InProcess:
    generation: ListIndex
    config: ScreeningConfig
    threads: ThreadPoolExecutor

    @property
    def list_version_id(self) -> str:
        return self.generation.list_version_id

    @property
    def entries(self) -> tuple[Entry, ...]:
        return self.generation.entries

    async def screen(self, query: PartyQuery, asker: Asker) -> Screening:
        return await self._run(_screened, self.generation, query, self.config)

    async def apart(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        return await self._run(functools.partial(function, **kwargs), self.generation, *args)

    async def _run(self, function: Callable[..., T], *args: Any) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self.threads, function, *args)
        except Exception as error:
            raise MatcherError(type(error).__name__) from error


def _screened(generation: ListIndex, query: PartyQuery, config: ScreeningConfig) -> Screening:
    end = time.thread_time() + PARTY_SECONDS
    return screen(generation, query, config, is_spent=lambda: time.thread_time() > end)
