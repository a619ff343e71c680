"""The worker pool: its answers, and how it recovers when processes die."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from services.screening.core.config import DEFAULT
from services.screening.core.lists.formats import read
from services.screening.core.matching.screening import screen
from services.screening.core.model import Entry, PartyKind, PartyQuery, Screening
from services.screening.core.names.index import ListIndex
from services.screening.core.reverse_lookup.search import groups_with_hits
from services.screening.shell.list_sources import ListSource
from services.screening.shell.matcher import Caller, LoadedIndex, MatcherError
from services.screening.shell.worker_pool import WorkerPool
from tests.screening.shell.submissions import LISTED, LISTED_ALIAS, UNLISTED

CALLER = Caller("partner/example-1")
SECONDS = 60.0


class Pool:
    """A pool of two workers, with its metrics and its pids."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.matcher = WorkerPool(DEFAULT, 2, self.registry)
        self.matcher.start()

    def exits(self, kind: str) -> float:
        return (
            self.registry.get_sample_value(
                "safeconduct_screening_process_exits_total", {"kind": kind}
            )
            or 0.0
        )

    @property
    def index_server(self) -> int:
        (pid,) = (
            pid for pid in children(os.getpid()) if "screening.shell.index_server" in command(pid)
        )
        return pid

    @property
    def index_processes(self) -> list[int]:
        return children(self.index_server)


def children(pid: int) -> list[int]:
    """The processes that a process has forked and that live."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            except OSError:
                continue
            if int(parent) == pid and state != "Z":
                found.append(int(entry.name))
    return found


def command(pid: int) -> str:
    try:
        return (Path("/proc") / str(pid) / "cmdline").read_text()
    except OSError:
        return ""


async def until(condition: Callable[[], bool], awaited: str) -> None:
    try:
        async with asyncio.timeout(SECONDS):
            while not condition():  # noqa: ASYNC110 - processes have no event for us
                await asyncio.sleep(0.02)
    except TimeoutError:
        pytest.fail(f"not within {SECONDS} s: {awaited}")


@pytest.fixture(scope="module")
def entries(source: ListSource) -> Sequence[Entry]:
    return read(source.kind, source.code, source.content)


@pytest.fixture(scope="module")
async def pool() -> AsyncIterator[Pool]:
    made = Pool()
    yield made
    made.matcher.close()


@pytest.fixture
async def loaded(pool: Pool, entries: Sequence[Entry]) -> LoadedIndex:
    return await pool.matcher.load(entries, "US-CSL/1")


async def asked(loaded: LoadedIndex, *names: str) -> list[Screening]:
    return list(
        await asyncio.gather(*(loaded.screen(PartyQuery((name,)), CALLER) for name in names))
    )


async def test_it_answers_as_the_matcher_in_this_process_does(
    loaded: LoadedIndex, entries: Sequence[Entry]
) -> None:
    here = ListIndex.build(entries, "US-CSL/1")
    queries = [
        PartyQuery((entry.name[1:], *entry.aliases[:2]), entry.kind, countries=entry.countries[:1])
        for entry in entries[:60]
    ]

    there = await asyncio.gather(*(loaded.screen(query, CALLER) for query in queries))

    assert list(there) == [screen(here, query, DEFAULT) for query in queries]
    assert (loaded.list_version_id, loaded.entries) == ("US-CSL/1", tuple(entries))


async def test_workers_that_are_killed_lose_no_party_and_are_replaced(
    pool: Pool, loaded: LoadedIndex
) -> None:
    (index_process,) = pool.index_processes
    before, workers = pool.exits("worker"), children(index_process)
    asking = asyncio.ensure_future(asked(loaded, *[LISTED_ALIAS[:-1], UNLISTED] * 150))
    await asyncio.sleep(0)

    os.kill(workers[0], signal.SIGKILL)
    answers = await asking
    await until(lambda: len(set(children(index_process)) - {workers[0]}) == 2, "two workers again")

    assert {answer.result for answer in answers} == {"POSSIBLE_MATCH", "CLEAR"}
    assert pool.exits("worker") == before + 1


LARGE = PartyQuery(tuple(f"{UNLISTED} {number} " * 7 for number in range(40)))
"""More work than a worker is left alone for."""


async def test_a_party_that_ends_two_workers_is_undetermined_and_the_others_are_answered(
    pool: Pool, loaded: LoadedIndex
) -> None:
    (index_process,) = pool.index_processes
    asking = asyncio.ensure_future(loaded.screen(LARGE, CALLER))

    async with asyncio.timeout(SECONDS):
        while not asking.done():
            await asyncio.sleep(0.15)
            for pid in children(index_process):
                os.kill(pid, signal.SIGKILL)
    (later,) = await asked(loaded, LISTED)

    assert (asking.result().result, asking.result().reasons) == ("UNDETERMINED", ("ENGINE_FAILED",))
    assert later.result == "POSSIBLE_MATCH"


async def test_large_parties_never_have_the_last_worker(loaded: LoadedIndex) -> None:
    """A caller with one name is answered before queued parties with many long names."""
    order: list[str] = []

    async def ask(query: PartyQuery, caller: str) -> None:
        await loaded.screen(query, Caller(caller))
        order.append(caller)

    held = [asyncio.ensure_future(ask(LARGE, "partner/example-2")) for _ in range(4)]
    await asyncio.sleep(0)
    await asyncio.gather(*(ask(PartyQuery((UNLISTED,)), "partner/example-1") for _ in range(3)))
    first = list(order)
    await asyncio.gather(*held)

    assert first.count("partner/example-2") <= 1
    assert order.count("partner/example-2") == 4


async def test_without_the_process_of_its_index_it_screens_on_and_gets_a_new_one(
    pool: Pool, loaded: LoadedIndex
) -> None:
    (index_process,) = pool.index_processes
    workers = children(index_process)

    os.kill(index_process, signal.SIGKILL)
    (answer,) = await asked(loaded, LISTED)
    await until(lambda: pool.exits("index") == 1, "its exit is counted")
    await until(lambda: bool(pool.index_processes), "another process builds the index")
    before = pool.exits("worker")
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    await until(lambda: pool.exits("worker") == before + 2, "their exits are noticed")
    (later,) = await asked(loaded, LISTED)

    assert answer.result == later.result == "POSSIBLE_MATCH"


async def test_without_the_index_server_it_screens_on_and_the_next_list_starts_another(
    pool: Pool, loaded: LoadedIndex
) -> None:
    old = pool.index_server

    os.kill(old, signal.SIGKILL)
    (answer,) = await asked(loaded, LISTED)
    later = await pool.matcher.load(loaded.entries[:300], "US-CSL/2")

    assert answer.list_version_id == "US-CSL/1"
    assert (await asked(later, LISTED))[0].list_version_id == "US-CSL/2"
    assert pool.index_server != old
    assert pool.exits("index_server") == 1


async def test_a_list_whose_order_was_lost_with_the_index_server_is_ordered_again(
    pool: Pool, entries: Sequence[Entry]
) -> None:
    old, before = pool.index_server, pool.exits("index_server")
    os.kill(old, signal.SIGSTOP)
    loading = asyncio.ensure_future(pool.matcher.load(entries[:300], "US-CSL/2"))
    await asyncio.sleep(0)  # the order is in the socket of a process that does not read it

    os.kill(old, signal.SIGKILL)

    assert (await asked(await loading, LISTED))[0].list_version_id == "US-CSL/2"
    assert pool.index_server != old
    assert pool.exits("index_server") == before + 1


async def test_the_processes_of_an_index_end_when_nobody_holds_it(
    pool: Pool, entries: Sequence[Entry]
) -> None:
    await until(lambda: pool.index_processes == [], "those before it are gone")
    held = await pool.matcher.load(entries[:300], "US-CSL/3")
    asking = asyncio.ensure_future(asked(held, *[UNLISTED] * 20))
    await asyncio.sleep(0)
    there = pool.index_processes

    del held
    answers = await asking
    del asking
    await until(lambda: pool.index_processes == [], "its processes ended")

    assert len(there) == 1
    assert len(answers) == 20


async def test_the_delta_worker_calls_functions_with_the_index(loaded: LoadedIndex) -> None:
    entries = loaded.entries[:1]
    groups = [[PartyQuery((entries[0].name,), PartyKind.UNKNOWN)], [PartyQuery((UNLISTED,))]]

    found = [
        await loaded.run_function(groups_with_hits, tuple(entries), groups, DEFAULT)
        for _ in range(2)
    ]

    assert found == [(True, False)] * 2


async def test_the_delta_worker_reports_an_error_and_goes_on(loaded: LoadedIndex) -> None:
    with pytest.raises(MatcherError, match="TypeError"):
        await loaded.run_function(groups_with_hits, ())  # type: ignore[call-arg]  # an argument less than it takes

    assert await loaded.run_function(groups_with_hits, (), [], DEFAULT) == ()


async def test_a_party_past_its_budget_is_undetermined(
    loaded: LoadedIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.screening.shell.worker_process.PARTY_SECONDS", 0.0)

    found = await loaded.screen(PartyQuery((UNLISTED,)), CALLER)

    assert (found.result, found.reasons) == ("UNDETERMINED", ("BUDGET_EXCEEDED",))
