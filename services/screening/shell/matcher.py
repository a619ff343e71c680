"""The interface of the matcher: it loads an index of one index version, which then screens parties.

`worker_pool` implements it with worker processes; the service uses that one. `ThreadMatcher` here
implements it with threads of this process. It starts at once, and tests use it.
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
"""CPU budget of one party: a hundred times a usual party, and more than the largest one needs."""
# The matcher holds the interpreter lock for most of its time: a second thread fills the rest, a
# third adds nothing (measured).
_THREADS: Final = 2


class MatcherError(Exception):
    """The matcher failed. The text is the type of the exception, without data of the party."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The principal that a party is screened for, and one of its streams.

    Callers get equal shares.
    """

    name: str
    stream: str = ""


class LoadedIndex(Protocol):
    """A loaded index. Its memory and processes are released when the last reference is gone."""

    @property
    def list_version_id(self) -> str:
        """The index version: the active versions of all lists."""

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All listed parties."""

    async def screen(self, query: PartyQuery, caller: Caller) -> Screening:
        """Returns the screening of one party, within PARTY_SECONDS of CPU. Raises MatcherError.

        A query that is cancelled while it is queued costs nothing.
        """

    async def run_function(
        self, function: Callable[Concatenate[ListIndex, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Returns `function(index, *args)`, called where it delays neither calls nor screenings.

        The function must be importable; its arguments and result are pickled. Calls run one after
        the other in one process, so what a function keeps in its module is there for the next
        call. Raises MatcherError if the function raises.
        """


class Matcher(Protocol):
    """Loads indexes."""

    async def load(self, entries: Sequence[Entry], list_version_id: str) -> LoadedIndex:
        """Returns the index of these entries. Takes seconds. Raises MatcherError."""


class ThreadMatcher:
    """A matcher in threads of this process."""

    def __init__(self, config: ScreeningConfig) -> None:
        self._config = config
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="screening")

    async def load(self, entries: Sequence[Entry], list_version_id: str) -> LoadedIndex:
        """Returns the index of these entries, built in a thread."""
        index = await asyncio.to_thread(ListIndex.build, entries, list_version_id)
        return _ThreadIndex(index, self._config, self._threads)


@dataclass(frozen=True, slots=True)
class _ThreadIndex:
    index: ListIndex
    config: ScreeningConfig
    threads: ThreadPoolExecutor

    @property
    def list_version_id(self) -> str:
        return self.index.list_version_id

    @property
    def entries(self) -> tuple[Entry, ...]:
        return self.index.entries

    async def screen(self, query: PartyQuery, caller: Caller) -> Screening:
        return await self._run(_screen, self.index, query, self.config)

    async def run_function(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        return await self._run(functools.partial(function, **kwargs), self.index, *args)

    async def _run(self, function: Callable[..., T], *args: Any) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self.threads, function, *args)
        except Exception as error:
            raise MatcherError(type(error).__name__) from error


def _screen(index: ListIndex, query: PartyQuery, config: ScreeningConfig) -> Screening:
    end = time.thread_time() + PARTY_SECONDS
    return screen(index, query, config, is_spent=lambda: time.thread_time() > end)
