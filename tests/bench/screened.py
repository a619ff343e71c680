"""What it costs to screen one name: in this process, and asked of the service over gRPC."""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import Any, Final

from safeconduct.screening.v1 import model_pb2

from services.screening import __main__ as service
from services.screening.core.config import DEFAULT
from services.screening.core.formats import read
from services.screening.core.index import Generation
from services.screening.core.screen import screen
from services.screening.shell import codec
from services.screening.shell.lists import shipped
from tests.bench.cpu import busy, spent_by
from tests.bench.figure import Figure
from tests.bench.room import PARTNER, Room

NAMES: Final = ("Example Teaching Hospital", "Shenwei Micro", "Authorised Signatory of the End User")
"""Clear, listed under an alias, and a person: in turn."""


async def one_name(room: Room) -> list[Figure]:
    """Rounds of both in turn, the same names."""
    await room.everything()
    source = shipped(Path(service.HERE) / "lists" / "shipped.yaml")
    room.tell(f"{source.code} is loaded in this process")
    generation = Generation.build(read(source.kind, source.code, source.content), source.code)
    client = await room.client(PARTNER)
    parties = [model_pb2.PartyQuery(names=[name]) for name in NAMES]
    queries: list[Any] = [codec.query(party) for party in parties]
    count, rounds = room.pick(300, 9), room.pick(5, 1)
    here, called, took = [], [], []
    for _ in range(rounds):
        began = time.process_time()
        for number in range(count):
            screen(generation, queries[number % len(queries)], DEFAULT)
        here.append((time.process_time() - began) / count * 1e3)
        with spent_by(room.parts("screening")) as spent:
            for number in range(count):
                asked = time.perf_counter()
                await client.screening.screen_party(parties[number % len(parties)])
                took.append((time.perf_counter() - asked) * 1e3)
        called.append(spent["screening"] / count * 1e3)
    base = statistics.median(here)
    how = f"{rounds} rounds of {count} names in turn, medians, {len(generation.entries)} listed parties; {busy()}"
    return [
        Figure("one name screened in process", base, "ms CPU", None, how),
        Figure(
            "one name screened over gRPC", statistics.median(called), "ms CPU", base,
            f"CPU of the service; baseline: in process; {how}",
        ),
        Figure(
            "one name screened over gRPC, one caller", statistics.median(took), "ms", base,
            f"wall time p50; baseline: CPU in process; {how}",
        ),
    ]  # fmt: skip
