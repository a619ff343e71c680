"""A list version is activated and processes are killed under load: PostgreSQL, Kafka, TLS."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest
from safeconduct.channel import Credentials, Endpoints
from safeconduct.client import Client
from safeconduct.screening.v1 import model_pb2, service_pb2, service_pb2_grpc

from infra.local.asyncio_thread import run_coroutine
from infra.local.stack import Stack
from services.screening.shell.list_sources import ListSource
from tests.screening.shell.replica import NewReplica, newer
from tests.screening.shell.submissions import LISTED_ALIAS, UNLISTED
from tests.screening.shell.test_process import channel, start_list
from tests.screening.shell.test_worker_pool import children

SECONDS = 180.0
ADDED = "Zwiebelturm Research Reactor Works"
MORE = 30


@dataclass
class Answers:
    """The answers to one caller, in order: (queried name, index version, whether it was found)."""

    answers: list[tuple[str, str, bool]] = field(default_factory=list)

    @property
    def versions(self) -> list[str]:
        """The versions, each once, in the order of their first answer."""
        return list(dict.fromkeys(version for _, version, _ in self.answers))

    def has_enough_of(self, version: str) -> bool:
        return sum(answers[1] == version for answers in self.answers) >= MORE


@pytest.fixture(scope="module")
def stack(run_folder: Path, source: ListSource, new_replica: NewReplica) -> Iterator[Stack]:
    with Stack(run_folder / "swap", services=("screening",), autostart=False) as running:
        run_coroutine(start_list(running.database("screening").app_dsn, new_replica))
        running.service("screening").start()
        running.service("screening").wait_ready(SECONDS)
        yield running


def client(stack: Stack, principal: str) -> Client:
    environ = stack.client_env(principal)
    return Client(Endpoints.from_env(environ), Credentials.from_env(environ), deadline=30.0)


def party(name: str) -> model_pb2.PartyQuery:
    return model_pb2.PartyQuery(names=[name], kind=model_pb2.PARTY_KIND_ORGANISATION)


async def ask(own: Client, done: asyncio.Event, asked: Answers) -> None:
    """One question after the other."""
    while not done.is_set():
        for name in (ADDED, LISTED_ALIAS, UNLISTED):
            answer = await own.screening.screen_party(party(name))
            asked.answers.append((name, answer.list_version, bool(answer.party.hits)))


async def stream(own: Client, done: asyncio.Event, asked: Answers) -> None:
    """A stream that ends once `done` is set."""

    async def parties() -> AsyncIterator[tuple[str, model_pb2.PartyQuery]]:
        while not done.is_set():
            for name in (ADDED, LISTED_ALIAS, UNLISTED):
                yield name, party(name)

    async for answer in own.screening.screen_parties(parties()):
        assert answer.WhichOneof("answer") == "party"
        asked.answers.append((answer.query_id, answer.list_version, bool(answer.party.hits)))


async def test_a_list_is_activated_under_load_and_no_answer_is_missed_or_goes_back(
    stack: Stack, source: ListSource
) -> None:
    done, asked = asyncio.Event(), [Answers() for _ in range(4)]
    async with (
        client(stack, "partner/example-1") as one,
        client(stack, "partner/example-2") as other,
    ):
        async with client(stack, "officer/lists-1") as officer:
            asking = [
                asyncio.ensure_future(act(who, done, each))
                for act, who, each in zip(
                    (ask, ask, stream, stream), (one, other, one, other), asked, strict=True
                )
            ]
            imported = await officer.lists.import_list(
                source.code, {model_pb2.LIST_PART_PRIMARY: newer(source, ADDED)},
                format=model_pb2.LIST_FORMAT_CSL_CSV, publication="2026-11",
            )  # fmt: skip
            new = imported.version.list_version
            await officer.lists.activate(source.code, new)
            async with asyncio.timeout(SECONDS):
                while not all(each.has_enough_of(new) for each in asked):
                    assert not any(task.done() for task in asking), "a caller got an error"
                    await asyncio.sleep(0.05)
        done.set()
        await asyncio.gather(*asking)

    for each in asked:
        assert each.versions in ([old_of(asked), new], [new]), (
            "from the old version to the new one, and no other"
        )
        assert [answers[1] for answers in each.answers] == sorted(
            (answers[1] for answers in each.answers), key=each.versions.index
        )
        for name, version, was_found in each.answers:
            assert was_found == (name == LISTED_ALIAS or (name == ADDED and version == new))
    assert any(each.versions == [old_of(asked), new] for each in asked), (
        "no caller was answered before the activation"
    )


def old_of(asked: list[Answers]) -> str:
    """The version that was asked first."""
    return asked[0].versions[0]


async def test_workers_that_are_killed_under_load_lose_no_answer(stack: Stack) -> None:
    done, asked = asyncio.Event(), [Answers(), Answers()]
    async with client(stack, "partner/example-1") as own:
        asking = [
            asyncio.ensure_future(act(own, done, each))
            for act, each in zip((ask, stream), asked, strict=True)
        ]
        async with asyncio.timeout(SECONDS):
            await more_of(asked, asking)
            for pid in workers_of(stack):
                os.kill(pid, signal.SIGKILL)
                await more_of(asked, asking)
        done.set()
        await asyncio.gather(*asking)

    assert all(
        was_found == (name != UNLISTED) for each in asked for name, _, was_found in each.answers
    )
    assert workers_of(stack)


def workers_of(stack: Stack) -> list[int]:
    """The workers of the service's one index."""
    service = stack.service("screening").pid
    assert service is not None
    return [
        worker
        for index_server in children(service)
        for index_process in children(index_server)
        for worker in children(index_process)
    ]


async def more_of(asked: list[Answers], asking: list[asyncio.Future[None]]) -> None:
    """Waits until every caller has MORE answers."""
    before = [len(each.answers) for each in asked]
    while not all(
        len(each.answers) > count + MORE for each, count in zip(asked, before, strict=True)
    ):
        assert not any(task.done() for task in asking), "a caller got an error"
        await asyncio.sleep(0.02)


async def test_a_stream_goes_on_behind_its_last_answer_when_the_service_is_started_anew(
    stack: Stack,
) -> None:
    service, count = stack.service("screening"), 400
    names = [(str(number), party((LISTED_ALIAS, UNLISTED)[number % 2])) for number in range(count)]
    answers = []
    async with client(stack, "partner/example-1") as own:
        async for answer in own.screening.screen_parties(names, give_up_after=SECONDS):
            answers.append((answer.query_id, bool(answer.party.hits)))
            if len(answers) == 50:
                assert await asyncio.to_thread(service.stop) == 0
                service.start()

    assert answers == [(str(number), number % 2 == 0) for number in range(count)]


async def test_a_stream_ends_at_its_deadline_and_a_bad_message_says_what_is_wrong(
    stack: Stack,
) -> None:
    async with channel(stack, "partner/example-1") as wire:
        stub = service_pb2_grpc.ScreeningServiceStub(wire)
        late = stub.ScreenParties(timeout=1.0)
        await late.write(service_pb2.ScreenPartiesRequest(query_id="1", party=party(UNLISTED)))
        first = await late.read()
        with pytest.raises(grpc.aio.AioRpcError) as over:
            await late.read()
        nameless = stub.ScreenParties(timeout=20.0)
        await nameless.write(service_pb2.ScreenPartiesRequest(party=party(UNLISTED)))
        with pytest.raises(grpc.aio.AioRpcError) as wrong:
            await nameless.read()
        empty = stub.ScreenParties(timeout=20.0)
        await empty.done_writing()
        nothing = await empty.read()

    assert (first.query_id, over.value.code()) == ("1", grpc.StatusCode.DEADLINE_EXCEEDED)
    assert wrong.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert nothing is grpc.aio.EOF
