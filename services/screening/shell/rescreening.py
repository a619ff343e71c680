"""Compares open applications and live licenses with what a change of the lists adds, and with what officers judged.

Who was last screened against other lists than the active ones waits in the database; whoever holds the lock works it
off, and may die at any point: each application is written once, and what was not written is found again. The lock is
kept, so that one replica holds the parties in memory; it goes with the connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Final
from uuid import NAMESPACE_OID, UUID, uuid5

import asyncpg
import structlog
from asyncpg.pool import PoolConnectionProxy
from prometheus_client import Counter, Gauge

from chassis.rpc.errors import RefusalLike, RpcError
from chassis.store.idempotency import IdempotencyKey
from chassis.store.journal import Journal
from chassis.store.storage_faults import is_storage_fault
from chassis.store.stream import StoredStream
from chassis.telemetry.tracing import Telemetry, annotate, current_span
from services.screening.core.cases.recording import complete_screening
from services.screening.core.commands import ApplyPastVerdict, Rescreen
from services.screening.core.config import ScreeningConfig
from services.screening.core.decide import decide
from services.screening.core.events import Event, PartyListed
from services.screening.core.evolve import ScreenedApplication
from services.screening.core.lists.formats import delta
from services.screening.core.lists.parsed_list import ListUnreadable
from services.screening.core.lists.versions import versions_in
from services.screening.core.model import Entry
from services.screening.core.ownership.rules import OwnershipRules
from services.screening.shell.active_lists import Lists
from services.screening.shell.matcher import Loaded, MatcherError
from services.screening.shell.monitored_parties import Monitored, parts
from services.screening.shell.past_verdicts import found_false
from services.screening.shell.screener import Screener

_LOG = structlog.get_logger("rescreening")
_LOCK: Final = 0x5AFE_C0DE
_BATCH: Final = 50
_MARKED: Final = 10_000
_POLL_S: Final = 1.0
_SHARE: Final = 20
"""Looking for what waits takes at most one part of so many of the time, but it is done every _MOST_S."""
_MOST_S: Final = 30.0
_CHECK_SHARE: Final = 20
"""The check of the check takes one part of so many of the time, and rests for the others."""
_BEHIND_S: Final = 60.0
"""So long a replica that holds the lock may take to load what is active; then another one may have it."""
_BUDGET_S: Final = 60.0
ACTOR: Final = "service/screening"

# What was compared is what was there at a version: an application that changed since was screened anew, and perhaps by
# a replica that had not loaded yet what it had been compared with.
_WAITING: Final = """
  from stream s left join coverage c on c.application_id = s.id and c.version = s.version
 where s.kind = 'screening' and s.state in ('SCREENED', 'LICENSED')
   and s.list_version is distinct from $1 and c.list_version is distinct from $1
"""
_NEXT: Final = f"""
select s.id, s.version, coalesce(c.list_version, s.list_version, '') as base {_WAITING}
   and s.id > $2 order by s.id limit $3
"""
_COUNT: Final = f"select count(*) {_WAITING}"
_COVERED: Final = """
insert into coverage (application_id, version, list_version)
select application_id, version, $3 from unnest($1::uuid[], $2::int[]) as r(application_id, version)
on conflict (application_id) do update set version = excluded.version, list_version = excluded.list_version
"""
_TO_CHECK: Final = """
where kind = 'screening' and state in ('SCREENED', 'LICENSED') and id > $1 and list_version is distinct from $2
  and exists (select from coverage c where c.application_id = id and c.version = stream.version and c.list_version = $2)
order by id limit 1
"""
# A host that vanishes leaves its session, and with it the lock, until TCP notices: by default that takes two hours.
_KEEPALIVE: Final = """
select set_config('tcp_keepalives_idle', '5', false), set_config('tcp_keepalives_interval', '2', false),
       set_config('tcp_keepalives_count', '3', false)
"""
_JUDGED_ELSEWHERE: Final = """
select distinct on (h.hit_id) h.hit_id, h.application_id, f.hit_id as judged, f.application_id as judged_in
  from hit h join hit f on f.party_content = h.party_content and f.entry_content = h.entry_content
 where h.state in ('OPEN', 'CLEARING_PROPOSED') and f.state = 'FALSE_POSITIVE' and f.is_judged
   and h.party_content <> '' and h.entry_content <> '' order by h.hit_id limit $1
"""


class Rescreening:
    """Works off what waits. `run` never returns by itself."""

    def __init__(
        self,
        journal: Journal[ScreenedApplication, Event],
        pool: asyncpg.Pool,
        desk: Screener,
        lists: Lists,
        config: ScreeningConfig,
        rules: OwnershipRules,
        telemetry: Telemetry,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._journal, self._pool, self._desk, self._lists = journal, pool, desk, lists
        self._config, self._rules, self._tracer, self._clock = (
            config,
            rules,
            telemetry.tracer,
            clock,
        )
        self._compared = Counter(
            "safeconduct_rescreening_compared_applications",
            "Applications compared with a change.",
            ["outcome"],
            registry=telemetry.registry,
        )
        self._checks = Counter(
            "safeconduct_rescreening_full_screenings", "Applications screened in full after a change.", ["outcome"],
            registry=telemetry.registry,
        )  # fmt: skip
        self._unchecked = Gauge(
            "safeconduct_rescreening_full_screening_pending",
            "1 until all were screened in full after a change.",
            registry=telemetry.registry,
        )
        self._checked: tuple[str, UUID] | None = None
        self._woken = asyncio.Event()
        self.monitored = Monitored(journal, config, telemetry.registry)
        self._change: tuple[str, str, tuple[Entry, ...]] | None = None

    async def run(self) -> None:
        """Looks again and again, until cancelled."""
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

    async def _lead(self) -> None:
        """As long as the lock is ours and what is active is loaded, at least now and then."""
        async with self._alone() as lock:
            if lock is None:
                self.monitored.forget()
                return
            current_at = time.monotonic()
            while time.monotonic() - current_at < _BEHIND_S:
                self._woken.clear()
                began = time.monotonic()
                is_current = await self._work()
                pause = min(max(_POLL_S, _SHARE * (time.monotonic() - began)), _MOST_S)
                await self.monitored.keep_up()
                await self._check_until(time.monotonic() + pause)
                await lock.execute("select 1")
                current_at = time.monotonic() if is_current else current_at

    def wake(self) -> None:
        """Other lists are loaded: look now."""
        self._woken.set()

    async def waiting(self) -> int:
        """Applications of interest that are not compared with the loaded lists yet. Raises Refused."""
        generation = self._desk.generation
        if generation is None:
            return 0
        (row,) = await self._journal.fetch(_COUNT, generation.list_version_id)
        return int(row["count"])

    async def sweep(self) -> None:
        """Everything that waits now, unless another replica is at it. Raises Refused, ListUnreadable, MatcherError."""
        async with self._alone() as lock:
            if lock is not None:
                await self._work()

    async def _work(self) -> bool:
        """Works off what waits. False when what is loaded is no measure, because it is not what is active."""
        # Meanwhile another version may become active.
        while (generation := self._desk.generation) is not None and await self._lists.is_current():
            bases = await self._next(generation)
            if not bases:
                await self._recall()
                return True
            for base, versions in bases.items():
                await self._compare(generation, base, versions)
        return False

    async def _next(self, generation: Loaded) -> Mapping[str, Mapping[UUID, int]]:
        """The applications that wait with their versions, by the lists that they were compared with last."""
        bases: dict[str, dict[UUID, int]] = defaultdict(dict)
        last = UUID(int=0)
        while rows := await self._journal.fetch(_NEXT, generation.list_version_id, last, _MARKED):
            for row in rows:
                bases[row["base"]][row["id"]] = row["version"]
            last = rows[-1]["id"]
        return bases

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[PoolConnectionProxy | None]:
        """The connection that holds the lock, None where another replica has it."""
        async with self._pool.acquire() as connection:
            try:
                is_ours = bool(await connection.fetchval("select pg_try_advisory_lock($1)", _LOCK))
                if is_ours:
                    await connection.execute(_KEEPALIVE)
                yield connection if is_ours else None
                if is_ours:
                    await connection.execute("select pg_advisory_unlock($1)", _LOCK)
            except BaseException:
                # Given back to the pool it would hold the lock for nobody.
                connection.terminate()
                raise

    async def _compare(self, generation: Loaded, base: str, versions: Mapping[UUID, int]) -> None:
        entries = await self._changes(generation, base)
        found = (
            await self.monitored.touched(generation, entries, versions) if entries else frozenset()
        )
        changed = frozenset(entry.entry_id for entry in entries)
        for part in parts(sorted(found), _BATCH):
            for application in await self._journal.select("where id = any($1::uuid[])", list(part)):
                entries_told = await self._rescreen(generation, application, changed)
                self._compared.labels("listed" if entries_told else "known").inc()
        self._compared.labels("unchanged").inc(len(versions) - len(found))
        for some in parts(sorted(versions), _MARKED):
            await self._journal.fetch(
                _COVERED, list(some), [versions[each] for each in some], generation.list_version_id
            )

    async def _changes(self, generation: Loaded, base: str) -> tuple[Entry, ...]:
        """What was added or changed since `base`."""
        target = generation.list_version_id
        if self._change is None or self._change[:2] != (base, target):
            versions = [
                each for register in await self._lists.registers() for each in register.versions
            ]
            before: list[Entry] = []
            for version in versions:
                if version.list_version in versions_in(base):
                    before.extend(await self._lists.entries_of(version))
            entries = tuple(delta(before, generation.entries).to_screen)
            self._change = base, target, entries
            _LOG.info("lists compared", base=base, list_version=target, entries=len(entries))
        return self._change[2]

    async def _rescreen(
        self,
        generation: Loaded,
        application: StoredStream[ScreenedApplication],
        changed: frozenset[str] | None,
    ) -> tuple[str, ...]:
        """The whole application against the whole of the lists, as a new one would be; what of it is new is told.

        changed: what may be new, None for everything. Returns the entries that are told.
        """
        subjects = application.state.latest.subjects
        why = "rescreen" if changed is not None else "check"
        name = f"{why}/{generation.list_version_id}/{application.id}/{application.version}"
        with current_span(self._tracer, f"{why} application"):
            annotate(
                {
                    "application.id": str(application.id),
                    "safeconduct.list.version": generation.list_version_id,
                }
            )
            answers = await self._desk.screen_all(
                generation, [each.query for each in subjects], _BUDGET_S
            )
            now = self._clock()
            screening = complete_screening(
                uuid5(NAMESPACE_OID, name),
                application.id,
                application.state.partner_id,
                subjects,
                answers,
                await found_false(self._journal, subjects),
                now,
                self._rules,
            )
            said = frozenset(hit.entry_id for answer in answers for hit in answer.hits)
            decided: tuple[Event, ...] = ()

            def judge(state: ScreenedApplication | None) -> tuple[Event, ...]:
                nonlocal decided
                events = decide(
                    state,
                    Rescreen(screening, said if changed is None else changed),
                    now,
                    self._rules,
                )
                assert isinstance(events, tuple), "a re-screening is never refused"
                decided = events
                return events

            if judge(application.state):
                key = IdempotencyKey(
                    uuid5(NAMESPACE_OID, f"key/{name}"), "rescreen", application.id.bytes
                )
                await self._journal.execute(application.id, key, ACTOR, judge)
        return tuple(
            entry
            for event in decided
            if isinstance(event, PartyListed)
            for entry in event.new_entry_ids
        )

    async def _check_until(self, end: float) -> None:
        """Until then, or until woken, the check of the check, at its share of the time."""
        while (left := end - time.monotonic()) > 0 and not self._woken.is_set():
            began = time.monotonic()
            if await self.check_next():
                left = min(left, _CHECK_SHARE * (time.monotonic() - began))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), left)

    async def check_next(self) -> bool:
        """Screens one more application in full that was only compared with changes: nobody new may be found.

        Whoever is found is told like any other, counted and logged. False when all were checked against what is loaded.
        Raises Refused and MatcherError.
        """
        generation = self._desk.generation
        if generation is None:
            return False
        if self._checked is None or self._checked[0] != generation.list_version_id:
            self._checked = generation.list_version_id, UUID(int=0)
            self._unchecked.set(1)
        found = await self._journal.select(_TO_CHECK, self._checked[1], generation.list_version_id)
        if not found:
            self._unchecked.set(0)
            return False
        (application,) = found
        had = application.state.latest.config_version
        entries = await self._rescreen(generation, application, None)
        self._checked = generation.list_version_id, application.id
        outcome = (
            "same" if not entries else "missed" if had == self._config.version else "rules changed"
        )
        self._checks.labels(outcome).inc()
        if entries:
            _LOG.error(
                "found by the check only",
                application=str(application.id),
                entries=entries,
                outcome=outcome,
            )
        return True

    async def _recall(self) -> None:
        """Hits of which two other applications' officers judged the same pair already: nobody is asked twice."""
        for row in await self._journal.fetch(_JUDGED_ELSEWHERE, _BATCH):
            judged = await self._journal.read(row["judged_in"])
            hit = judged.state.find(row["judged"]) if judged is not None else None
            if hit is None or not hit.acts:
                continue
            command = ApplyPastVerdict(row["hit_id"], hit.hit_id, hit.acts[-1])
            key = IdempotencyKey(
                uuid5(NAMESPACE_OID, f"recall/{row['hit_id']}"), "recall", row["hit_id"].bytes
            )
            with current_span(self._tracer, "recall verdict"):
                await self._journal.execute(
                    row["application_id"],
                    key,
                    ACTOR,
                    partial(_decided, command, self._clock(), self._rules),
                )


def _decided(
    command: ApplyPastVerdict,
    now: datetime,
    rules: OwnershipRules,
    state: ScreenedApplication | None,
) -> tuple[Event, ...] | RefusalLike:
    return decide(state, command, now, rules)
