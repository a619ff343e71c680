"""Cost of screening: in process, and over gRPC by one caller and by eight.

Hard names have a typing error in every longer word, so that no word equals a listed one.
"""

from __future__ import annotations

import asyncio
import csv
import gzip
import random
import statistics
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from itertools import cycle, islice
from pathlib import Path
from typing import Final

from safeconduct.channel import Endpoints
from safeconduct.client import Client
from safeconduct.screening.v1 import model_pb2

from services.screening import __main__ as service
from services.screening.core.config import DEFAULT
from services.screening.core.lists.formats import read
from services.screening.core.matching.screening import screen
from services.screening.core.model import Entry, PartyKind
from services.screening.core.names.index import ListIndex
from services.screening.shell import codec
from services.screening.shell.list_sources import read_manifest
from tests.bench.bench_stack import PARTNER, PATIENCE_S, BenchStack
from tests.bench.cpu import busy, spent_by
from tests.bench.result import Result, Target
from tests.bench.screening.misspell import slips

NAMES: Final = (
    "Example Teaching Hospital",
    "Shenwei Micro",
    "Authorised Signatory of the End User",
)
"""A clear name, a listed alias and a person, in turn."""
INNOCENTS: Final = Path(__file__).parent / "screening" / "data" / "innocent_persons.csv.gz"
CALLERS: Final = 8
PARTIES: Final = 8
KINDS: Final = {
    PartyKind.PERSON: model_pb2.PARTY_KIND_PERSON,
    PartyKind.ORGANISATION: model_pb2.PARTY_KIND_ORGANISATION,
    PartyKind.VESSEL: model_pb2.PARTY_KIND_VESSEL,
}

BulkScreening = Sequence[model_pb2.PartyQuery]


async def screening(stack_under_test: BenchStack) -> list[Result]:
    """Measures single names, hard names, mixed names and whole applications."""
    await stack_under_test.everything()
    source = read_manifest(Path(service.HERE) / "lists" / "shipped.yaml")
    stack_under_test.report(f"{source.code} is loaded in this process")
    entries = read(source.kind, source.code, source.content)
    generation = ListIndex.build(entries, source.code)
    chance = random.Random(source.code)
    hard = [
        _slipped(entry, chance)
        for entry in chance.sample(entries, stack_under_test.pick(1_000, 20))
    ]
    mixed = _mixed(entries, chance, stack_under_test.pick(3_000, 30))
    applications = [_application(entries, chance) for _ in range(stack_under_test.pick(100, 3))]
    return [
        *await _one_name(stack_under_test, generation),
        *await _hard(stack_under_test, generation, hard),
        *await _together(stack_under_test, mixed),
        *await _whole(stack_under_test, applications),
    ]


def _slipped(entry: Entry, chance: random.Random) -> model_pb2.PartyQuery:
    return model_pb2.PartyQuery(
        names=[slips(entry.name, chance)],
        kind=KINDS.get(entry.kind, model_pb2.PARTY_KIND_UNSPECIFIED),
    )


def _mixed(entries: Sequence[Entry], chance: random.Random, count: int) -> BulkScreening:
    """Returns names: a third as published, a third with errors, a third on no list."""
    with gzip.open(INNOCENTS, "rt", encoding="utf-8", newline="") as file:
        innocents = [row["full_name"] for row in islice(csv.DictReader(file), count)]
    book: list[model_pb2.PartyQuery] = []
    for entry, innocent in zip(chance.choices(entries, k=count // 3), innocents, strict=False):
        book += [
            model_pb2.PartyQuery(names=[entry.name]),
            _slipped(entry, chance),
            model_pb2.PartyQuery(names=[innocent], kind=model_pb2.PARTY_KIND_PERSON),
        ]
    return book


def _application(entries: Sequence[Entry], chance: random.Random) -> BulkScreening:
    """Returns eight parties with two aliases, a country, an address and an identifier each."""
    return [
        model_pb2.PartyQuery(
            names=[slips(each.name, chance) for each in chance.sample(entries, 3)],
            kind=model_pb2.PARTY_KIND_ORGANISATION,
            countries=["DE"],
            addresses=["1 Example Street, 10115 Berlin"],
            identifiers=[
                model_pb2.Identifier(type="LEI", value=f"52990000{chance.randrange(10**12):012}")
            ],
        )
        for _ in range(PARTIES)
    ]


async def _one_name(stack_under_test: BenchStack, generation: ListIndex) -> list[Result]:
    """Runs rounds of both in turn with the same easy names."""
    client = await stack_under_test.client(PARTNER)
    parties = [model_pb2.PartyQuery(names=[name]) for name in NAMES]
    count, rounds = stack_under_test.pick(300, 9), stack_under_test.pick(5, 1)
    here, called, took = [], [], []
    for _ in range(rounds):
        asked = list(islice(cycle(parties), count))
        here.append(_in_process(generation, asked))
        with spent_by(stack_under_test.parts("screening")) as spent:
            took += await _one_by_one(client, asked)
        called.append(spent["screening"] / count * 1e3)
    base = statistics.median(here)
    how = (
        f"{rounds} rounds of {count} names in turn, medians,"
        f" {len(generation.entries)} listed parties; {busy()}"
    )
    return [
        Result("one name screened in process", base, "ms CPU", None, how),
        Result(
            "one name screened over gRPC",
            statistics.median(called),
            "ms CPU",
            base,
            f"CPU of the service and its workers; baseline: in process; {how}",
        ),
        Result(
            "one name screened over gRPC, one caller",
            statistics.median(took),
            "ms",
            base,
            f"wall time p50; baseline: CPU in process; {how}",
        ),
    ]


async def _hard(
    stack_under_test: BenchStack, generation: ListIndex, hard: BulkScreening
) -> list[Result]:
    client = await stack_under_test.client(PARTNER)
    base = _in_process(generation, hard)
    await _one_by_one(client, hard[: len(hard) // 10])
    with spent_by(stack_under_test.parts("screening")) as spent:
        took = await _one_by_one(client, hard)
    how = (
        f"{len(hard)} listed names with a slip in every longer word, each"
        f" once, one caller; {busy()}"
    )
    return [
        Result("hard name screened in process", base, "ms CPU", None, how),
        Result(
            "hard name screened over gRPC",
            spent["screening"] / len(hard) * 1e3,
            "ms CPU",
            base,
            f"CPU of the service and its workers; baseline: in process; {how}",
            Target(5),
        ),
        Result(
            "hard name over gRPC, p50",
            statistics.median(took),
            "ms",
            base,
            f"wall time; baseline: CPU in process; {how}",
        ),
        Result(
            "hard name over gRPC, p99",
            _p99(took),
            "ms",
            base,
            f"wall time; baseline: CPU in process; {how}",
            Target(12),
        ),
    ]


async def _together(stack_under_test: BenchStack, mixed: BulkScreening) -> list[Result]:
    """Runs eight callers, each with its own channel and one request at a time."""
    async with AsyncExitStack() as exit_stack:
        clients = [
            await exit_stack.enter_async_context(_client(stack_under_test)) for _ in range(CALLERS)
        ]
        await asyncio.gather(*(_one_by_one(client, mixed[:CALLERS]) for client in clients))
        with spent_by(stack_under_test.parts("screening")) as spent:
            began = time.perf_counter()
            took = await asyncio.gather(
                *(
                    _one_by_one(client, mixed[number::CALLERS])
                    for number, client in enumerate(clients)
                )
            )
            wall = time.perf_counter() - began
        with spent_by(stack_under_test.parts("screening")) as streamed:
            began = time.perf_counter()
            answers = [
                answer async for answer in clients[0].screening.screen_parties(_numbered(mixed))
            ]
            one_stream = time.perf_counter() - began
    assert len(answers) == len(mixed), "every party is answered"
    how = (
        f"{len(mixed)} names, a third as published, a third hard, a third"
        f" innocent persons; {busy()}"
    )
    cores = spent["screening"] / wall
    return [
        Result(
            "names screened a second, 8 callers",
            len(mixed) / wall,
            "1/s",
            None,
            f"the service and its workers had {cores:.2f} cores; {how}",
            Target(300, at_least=True),
        ),
        Result(
            ("name over gRPC, 8 callers, p99"),
            _p99([each for one in took for each in one]),
            "ms",
            None,
            how,
        ),
        Result(
            "name over gRPC, 8 callers", spent["screening"] / len(mixed) * 1e3, "ms CPU", None, how
        ),
        Result(
            ("names screened a second, one stream"),
            len(mixed) / one_stream,
            "1/s",
            len(mixed) / wall,
            (
                "ScreenParties; baseline: 8 callers;"
                f" {streamed['screening'] / len(mixed) * 1e3:.2f} ms CPU a name; {how}"
            ),
        ),
    ]


async def _whole(
    stack_under_test: BenchStack, applications: Sequence[BulkScreening]
) -> list[Result]:
    client = await stack_under_test.client(PARTNER)
    took = []
    for parties in applications:
        began = time.perf_counter()
        async for _ in client.screening.screen_parties(_numbered(parties)):
            pass
        took.append((time.perf_counter() - began) * 1e3)
    how = (
        f"{len(applications)} streams of {PARTIES} parties, three hard names"
        f" each, one caller; {busy()}"
    )
    return [
        Result("application of 8 parties, p50", statistics.median(took), "ms", None, how),
        Result("application of 8 parties, p99", _p99(took), "ms", None, how, Target(150)),
    ]


def _in_process(generation: ListIndex, parties: BulkScreening) -> float:
    """Returns CPU milliseconds per party."""
    queries = [codec.query(party) for party in parties]
    began = time.process_time()
    for query in queries:
        screen(generation, query, DEFAULT)
    return (time.process_time() - began) / len(queries) * 1e3


async def _one_by_one(client: Client, parties: BulkScreening) -> list[float]:
    """Returns wall milliseconds of each request."""
    took = []
    for party in parties:
        asked = time.perf_counter()
        await client.screening.screen_party(party)
        took.append((time.perf_counter() - asked) * 1e3)
    return took


async def _numbered(parties: BulkScreening) -> AsyncIterator[tuple[str, model_pb2.PartyQuery]]:
    for number, party in enumerate(parties):
        yield str(number), party


def _client(stack_under_test: BenchStack) -> Client:
    endpoints = Endpoints.from_env(stack_under_test.stack.client_env(PARTNER))
    return Client(endpoints, stack_under_test.credentials(PARTNER), deadline=PATIENCE_S)


def _p99(took: Sequence[float]) -> float:
    return sorted(took)[int(len(took) * 0.99)]
