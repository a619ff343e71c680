"""A client's stream of parties: in order, each once, across breaks, with back-pressure."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import grpc
import pytest
from safeconduct.client import Client, Credentials, Endpoints, SafeconductError
from safeconduct.screening.v1 import model_pb2

from infra.local.certificate_authority import Identity
from tests.sdk.fake_services import FakeServices
from tests.sdk.servers import serving


@asynccontextmanager
async def calling(
    files: Identity, partner: Credentials, services: FakeServices
) -> AsyncIterator[Client]:
    async with (
        serving(files, services.register) as port,
        Client(Endpoints(screening=f"127.0.0.1:{port}"), partner) as client,
    ):
        yield client


def bulk_queries(count: int) -> list[tuple[str, model_pb2.PartyQuery]]:
    return [
        (str(number), model_pb2.PartyQuery(names=[f"Name {number}"])) for number in range(count)
    ]


def asked(services: FakeServices) -> list[str]:
    return [request.query_id for request in services.requests["ScreenParties"]]


async def test_every_party_is_answered_once_and_in_order(
    server_files: Identity, partner: Credentials
) -> None:
    services = FakeServices()

    async with calling(server_files, partner, services) as client:
        answers = [
            answer.query_id async for answer in client.screening.screen_parties(bulk_queries(300))
        ]

    assert answers == asked(services) == [str(number) for number in range(300)]


async def test_a_stream_that_breaks_goes_on_behind_its_last_answer(
    server_files: Identity, partner: Credentials
) -> None:
    services = FakeServices(breaks_after=7)

    async def parties() -> AsyncIterator[tuple[str, model_pb2.PartyQuery]]:
        for each in bulk_queries(40):
            yield each

    async with calling(server_files, partner, services) as client:
        answers = [answer.query_id async for answer in client.screening.screen_parties(parties())]

    assert answers == [str(number) for number in range(40)]
    assert asked(services) == answers, "what was answered is not asked again"


async def test_a_break_that_does_not_end_is_told_when_patience_does(partner: Credentials) -> None:
    async with Client(Endpoints(screening="127.0.0.1:1"), partner) as client:
        with pytest.raises(SafeconductError) as told:
            async for _ in client.screening.screen_parties(bulk_queries(3), give_up_after=0.0):
                pass

    assert told.value.code is grpc.StatusCode.UNAVAILABLE


async def test_whoever_stops_reading_is_asked_for_no_more_parties(
    server_files: Identity, partner: Credentials
) -> None:
    services, taken = FakeServices(), 0

    async def parties() -> AsyncIterator[tuple[str, model_pb2.PartyQuery]]:
        nonlocal taken
        for each in bulk_queries(100_000):
            taken += 1
            yield each

    async with (
        calling(server_files, partner, services) as client,
        aclosing(client.screening.screen_parties(parties())) as answers,
    ):
        for _ in range(10):
            await anext(answers)

    assert taken <= 10 + 129


async def test_what_is_wrong_with_the_parties_themselves_is_raised(
    server_files: Identity, partner: Credentials
) -> None:
    async def parties() -> AsyncIterator[tuple[str, model_pb2.PartyQuery]]:
        yield bulk_queries(1)[0]
        raise OSError("the file is gone")

    async with calling(server_files, partner, FakeServices()) as client:
        with pytest.raises(OSError, match="the file is gone"):
            async for _ in client.screening.screen_parties(parties()):
                pass
