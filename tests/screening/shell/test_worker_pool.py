"""The engine in processes of its own: what it answers, and what becomes of it when some of them die."""

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
from services.screening.core.reverse_lookup.search import touched
from services.screening.shell.active_lists import Source
from services.screening.shell.matcher import Asker, Loaded, MatcherError
from services.screening.shell.worker_pool import WorkerPool
from tests.screening.shell.submissions import LISTED, LISTED_ALIAS, UNLISTED

ASKER = Asker("partner/example-1")
SECONDS = 60.0


class Matcher:
    """An engine of two workers, with its metrics and its pids."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.workers = WorkerPool(DEFAULT, 2, self.registry)
        self.workers.start()

    def deaths(self, kind: str) -> float:
        return (
            self.registry.get_sample_value(
                "safeconduct_screening_process_exits_total", {"kind": kind}
            )
            or 0.0
        )

    @property
    def foundry(self) -> int:
        (pid,) = (
            pid for pid in children(os.getpid()) if "screening.shell.index_server" in command(pid)
        )
        return pid

    @property
    def generations(self) -> list[int]:
        return children(self.foundry)


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
def entries(source: Source) -> Sequence[Entry]:
    return read(source.kind, source.code, source.content)


@pytest.fixture(scope="module")
async def engine() -> AsyncIterator[Matcher]:
    made = Matcher()
    yield made
    made.workers.close()


@pytest.fixture
async def loaded(engine: Matcher, entries: Sequence[Entry]) -> Loaded:
    return await engine.workers.load(entries, "US-CSL/1")


async def asked(loaded: Loaded, *names: str) -> list[Screening]:
    return list(
        await asyncio.gather(*(loaded.screen(PartyQuery((name,)), ASKER) for name in names))
    )


async def test_it_answers_as_the_engine_in_this_process_does(
    loaded: Loaded, entries: Sequence[Entry]
) -> None:
    here = ListIndex.build(entries, "US-CSL/1")
    queries = [
        PartyQuery((entry.name[1:], *entry.aliases[:2]), entry.kind, countries=entry.countries[:1])
        for entry in entries[:60]
    ]

    there = await asyncio.gather(*(loaded.screen(query, ASKER) for query in queries))

    assert list(there) == [screen(here, query, DEFAULT) for query in queries]
    assert (loaded.list_version_id, loaded.entries) == ("US-CSL/1", tuple(entries))


async def test_workers_that_are_killed_lose_no_party_and_are_replaced(
    engine: Matcher, loaded: Loaded
) -> None:
    (generation,) = engine.generations
    before, workers = engine.deaths("worker"), children(generation)
    asking = asyncio.ensure_future(asked(loaded, *[LISTED_ALIAS[:-1], UNLISTED] * 150))
    await asyncio.sleep(0)

    os.kill(workers[0], signal.SIGKILL)
    answers = await asking
    await until(lambda: len(set(children(generation)) - {workers[0]}) == 2, "two workers again")

    assert {answer.result for answer in answers} == {"POSSIBLE_MATCH", "CLEAR"}
    assert engine.deaths("worker") == before + 1


LARGE = PartyQuery(tuple(f"{UNLISTED} {number} " * 7 for number in range(40)))
"""More work than a worker is left alone for."""


async def test_a_party_that_ends_two_workers_is_undetermined_and_the_others_are_answered(
    engine: Matcher, loaded: Loaded
) -> None:
    (generation,) = engine.generations
    asking = asyncio.ensure_future(loaded.screen(LARGE, ASKER))

    async with asyncio.timeout(SECONDS):
        while not asking.done():
            await asyncio.sleep(0.15)
            for pid in children(generation):
                os.kill(pid, signal.SIGKILL)
    (later,) = await asked(loaded, LISTED)

    assert (asking.result().result, asking.result().reasons) == ("UNDETERMINED", ("ENGINE_FAILED",))
    assert later.result == "POSSIBLE_MATCH"


async def test_large_parties_never_have_the_last_worker(loaded: Loaded) -> None:
    """Twenty names of hundreds of characters; whoever asks about one name is answered before the first of them."""
    order: list[str] = []

    async def ask(query: PartyQuery, caller: str) -> None:
        await loaded.screen(query, Asker(caller))
        order.append(caller)

    held = [asyncio.ensure_future(ask(LARGE, "partner/example-2")) for _ in range(4)]
    await asyncio.sleep(0)
    await asyncio.gather(*(ask(PartyQuery((UNLISTED,)), "partner/example-1") for _ in range(3)))
    first = list(order)
    await asyncio.gather(*held)

    assert first.count("partner/example-2") <= 1
    assert order.count("partner/example-2") == 4


async def test_without_the_process_of_its_index_it_screens_on_and_gets_a_new_one(
    engine: Matcher, loaded: Loaded
) -> None:
    (generation,) = engine.generations
    workers = children(generation)

    os.kill(generation, signal.SIGKILL)
    (answer,) = await asked(loaded, LISTED)
    await until(lambda: engine.deaths("generation") == 1, "its death is counted")
    await until(lambda: bool(engine.generations), "another process builds the index")
    before = engine.deaths("worker")
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    await until(lambda: engine.deaths("worker") == before + 2, "their deaths are noticed")
    (later,) = await asked(loaded, LISTED)

    assert answer.result == later.result == "POSSIBLE_MATCH"


async def test_without_the_foundry_it_screens_on_and_the_next_list_starts_another(
    engine: Matcher, loaded: Loaded
) -> None:
    old = engine.foundry

    os.kill(old, signal.SIGKILL)
    (answer,) = await asked(loaded, LISTED)
    later = await engine.workers.load(loaded.entries[:300], "US-CSL/2")

    assert answer.list_version_id == "US-CSL/1"
    assert (await asked(later, LISTED))[0].list_version_id == "US-CSL/2"
    assert engine.foundry != old
    assert engine.deaths("foundry") == 1


async def test_a_list_whose_order_the_foundry_took_to_its_grave_is_ordered_again(
    engine: Matcher, entries: Sequence[Entry]
) -> None:
    old, before = engine.foundry, engine.deaths("foundry")
    os.kill(old, signal.SIGSTOP)
    loading = asyncio.ensure_future(engine.workers.load(entries[:300], "US-CSL/2"))
    await asyncio.sleep(0)  # the order is in the socket of a process that does not read it

    os.kill(old, signal.SIGKILL)

    assert (await asked(await loading, LISTED))[0].list_version_id == "US-CSL/2"
    assert engine.foundry != old
    assert engine.deaths("foundry") == before + 1


async def test_a_generation_goes_when_nobody_holds_it(
    engine: Matcher, entries: Sequence[Entry]
) -> None:
    await until(lambda: engine.generations == [], "those before it are gone")
    held = await engine.workers.load(entries[:300], "US-CSL/3")
    asking = asyncio.ensure_future(asked(held, *[UNLISTED] * 20))
    await asyncio.sleep(0)
    there = engine.generations

    del held
    answers = await asking
    del asking
    await until(lambda: engine.generations == [], "its processes ended")

    assert len(there) == 1
    assert len(answers) == 20


async def test_the_clerk_calls_functions_with_the_index(loaded: Loaded) -> None:
    entries = loaded.entries[:1]
    groups = [[PartyQuery((entries[0].name,), PartyKind.UNKNOWN)], [PartyQuery((UNLISTED,))]]

    found = [await loaded.apart(touched, tuple(entries), groups, DEFAULT) for _ in range(2)]

    assert found == [(True, False)] * 2


async def test_the_clerk_says_what_went_wrong_and_goes_on(loaded: Loaded) -> None:
    with pytest.raises(MatcherError, match="TypeError"):
        await loaded.apart(touched, ())  # type: ignore[call-arg]  # an argument less than it takes

    assert await loaded.apart(touched, (), [], DEFAULT) == ()


async def test_a_party_past_its_budget_is_undetermined(
    loaded: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.screening.shell.worker_pool.PARTY_SECONDS", 0.0)

    found = await loaded.screen(PartyQuery((UNLISTED,)), ASKER)

    assert (found.result, found.reasons) == ("UNDETERMINED", ("BUDGET_EXCEEDED",))
