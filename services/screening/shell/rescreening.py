"""Compares open applications and live licenses with what a list version changes.

Applications that were last compared with other lists wait in the database. The replica that holds
the lock works them off and may die at any point: each application is written once, and what was not
written is found again. It keeps the lock, so that one replica only holds all parties in memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import asyncpg
import structlog
from prometheus_client import Counter

from chassis.rpc.errors import RpcError
from chassis.store.journal import Journal
from chassis.store.storage_faults import is_storage_fault
from chassis.telemetry.tracing import Telemetry
from services.screening.core.cases.hit_rules import HitRules
from services.screening.core.config import ScreeningConfig
from services.screening.core.events import Event
from services.screening.core.evolve import ScreenedApplication
from services.screening.core.lists.formats import delta
from services.screening.core.lists.parsed_list import ListUnreadable
from services.screening.core.lists.versions import list_versions_in
from services.screening.core.model import Entry
from services.screening.core.ownership.rules import OwnershipRules
from services.screening.shell.active_lists import ActiveLists
from services.screening.shell.application_rescreening import ApplicationRescreening
from services.screening.shell.full_screening_check import FullScreeningCheck
from services.screening.shell.leader_lock import leader_lock
from services.screening.shell.list_store import ListStore
from services.screening.shell.matcher import LoadedIndex, MatcherError
from services.screening.shell.monitored_parties import MonitoredParties, in_batches
from services.screening.shell.rescreening_progress import RescreeningProgress
from services.screening.shell.screener import Screener

_LOG = structlog.get_logger("rescreening")
_BATCH: Final = 50
_POLL_S: Final = 1.0
_MOST_PAUSE_S: Final = 30.0
_POLL_SHARE: Final = 20
"""Looking for waiting applications takes one part in so many of the time at most."""
_CHECK_SHARE: Final = 20
"""The full check may take one part in so many of the time."""
_BEHIND_S: Final = 60.0
"""A leader that has not loaded the active lists for so long gives the lock up."""


class Rescreening:
    """Works off the waiting applications. `run` never returns by itself."""

    def __init__(
        self,
        journal: Journal[ScreenedApplication, Event],
        pool: asyncpg.Pool,
        screener: Screener,
        lists: ActiveLists,
        store: ListStore,
        config: ScreeningConfig,
        rules: OwnershipRules,
        hit_rules: HitRules,
        telemetry: Telemetry,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._journal, self._pool, self._screener = journal, pool, screener
        self._lists, self._store = lists, store
        self._progress = RescreeningProgress(journal)
        self._applications = ApplicationRescreening(
            journal, screener, rules, hit_rules, telemetry, clock
        )
        self.monitored = MonitoredParties(journal, config, telemetry.registry)
        self.full_check = FullScreeningCheck(
            self._applications, self._progress, screener, config, telemetry.registry
        )
        self._compared = Counter(
            "safeconduct_rescreening_compared_applications",
            "Applications compared with a change.",
            ["outcome"],
            registry=telemetry.registry,
        )
        self._woken = asyncio.Event()
        self._changes: tuple[str, str, tuple[Entry, ...]] | None = None
        """The index versions compared last, and the entries that differ."""

    async def run(self) -> None:
        """Tries to become the leader and works, until cancelled."""
        while True:
            try:
                await self._lead()
            except RpcError as error:
                _LOG.warning("rescreening waits", reason=error.reason)
            except ListUnreadable:
                _LOG.error("rescreening waits", reason="LIST_UNREADABLE")
            except MatcherError as error:
                _LOG.error("rescreening waits", reason=str(error))
            except Exception as error:
                if not is_storage_fault(error):
                    raise
                _LOG.warning("rescreening waits", reason=type(error).__name__)
            await asyncio.sleep(_POLL_S)

    def wake(self) -> None:
        """Makes the leader look for waiting applications now, because other lists are loaded."""
        self._woken.set()

    async def waiting(self) -> int:
        """Returns the number of applications not yet compared with the loaded lists.

        Raises RpcError.
        """
        index = self._screener.index
        return 0 if index is None else await self._progress.count_waiting(index.list_version_id)

    async def sweep(self) -> None:
        """Works off all waiting applications now, unless another replica is the leader.

        Raises RpcError, ListUnreadable and MatcherError.
        """
        async with leader_lock(self._pool) as lock:
            if lock is not None:
                await self._work_off()

    async def _lead(self) -> None:
        """Works as long as the lock is ours and the active lists are loaded now and then."""
        async with leader_lock(self._pool) as lock:
            if lock is None:
                self.monitored.release()
                return
            current_at = time.monotonic()
            while time.monotonic() - current_at < _BEHIND_S:
                self._woken.clear()
                began = time.monotonic()
                is_current = await self._work_off()
                pause = min(max(_POLL_S, _POLL_SHARE * (time.monotonic() - began)), _MOST_PAUSE_S)
                await self.monitored.keep_up()
                await self._check_until(time.monotonic() + pause)
                await lock.execute("select 1")
                current_at = time.monotonic() if is_current else current_at

    async def _work_off(self) -> bool:
        """Works off what waits. Returns False if the loaded lists are not the active ones."""
        # Another version may be activated while this runs.
        while (index := self._screener.index) is not None and await self._lists.is_current():
            waiting = await self._progress.waiting(index.list_version_id)
            if not waiting:
                await self._applications.reopen_withdrawn()
                await self._applications.apply_past_verdicts()
                return True
            for base, versions in waiting.items():
                await self._compare(index, base, versions)
        return False

    async def _compare(self, index: LoadedIndex, base: str, versions: Mapping[UUID, int]) -> None:
        """Compares applications with the entries that differ from index version `base`.

        An application with a match is screened in full.
        """
        entries = await self._changed_entries(index, base)
        matches = (
            await self.monitored.matching(index, entries, versions) if entries else frozenset()
        )
        changed = frozenset(entry.entry_id for entry in entries)
        for batch in in_batches(sorted(matches), _BATCH):
            for application in await self._journal.select(
                "where id = any($1::uuid[])", list(batch)
            ):
                new = await self._applications.screen(index, application, changed)
                self._compared.labels("listed" if new else "known").inc()
        self._compared.labels("unchanged").inc(len(versions) - len(matches))
        await self._progress.mark(versions, index.list_version_id)

    async def _changed_entries(self, index: LoadedIndex, base: str) -> tuple[Entry, ...]:
        """Returns the entries that were added or changed since index version `base`."""
        target = index.list_version_id
        if self._changes is None or self._changes[:2] != (base, target):
            before: list[Entry] = []
            for each in await self._store.lists():
                for version in each.versions:
                    if version.list_version in list_versions_in(base):
                        before.extend(await self._store.entries_of(version))
            entries = tuple(delta(before, index.entries).to_screen)
            self._changes = base, target, entries
            _LOG.info("lists compared", base=base, list_version=target, entries=len(entries))
        return self._changes[2]

    async def _check_until(self, end: float) -> None:
        """Runs the full check at its share of the time, until `end` or until woken."""
        while (left := end - time.monotonic()) > 0 and not self._woken.is_set():
            began = time.monotonic()
            if await self.full_check.check_next():
                left = min(left, _CHECK_SHARE * (time.monotonic() - began))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), left)
