"""CPU of a submission with storage, against a bare echo of the same call; cost of tracing."""

from __future__ import annotations

import asyncio
import statistics
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

from grpc import aio
from safeconduct.applications.v1 import service_pb2, service_pb2_grpc
from safeconduct.channel import open_channel

from tests.bench.bench_stack import HOSPITAL, PARTNER, BenchStack
from tests.bench.child_processes import Child, child
from tests.bench.cpu import busy, spent_by
from tests.bench.echo import METHOD
from tests.bench.result import Result, Target

CALLERS: Final = 8
ECHOES: Final = 4
"""Echoes for each submission. The kernel counts CPU in hundredths of a second; an echo is short."""
_MICRO: Final = 1e6
SHARES: Final = (("0 %", 0), ("1 %", 100), ("100 %", 1))
"""Sampled share: name, and one traced call in so many (0 = none)."""


@dataclass(frozen=True, slots=True)
class _Bench:
    """Both servers, a channel to each, and the request."""

    stack_under_test: BenchStack
    submit: Callable[..., Awaitable[Any]]
    echo: Callable[..., Awaitable[Any]]
    echo_server: Child

    async def echoed(self, count: int) -> float:
        """Returns CPU microseconds of the echo process per call."""
        with spent_by({"echo": lambda: self.echo_server.pid}) as spent:
            await _offer(
                count, lambda number: self.echo(self._request(), metadata=_parent(number, 0))
            )
        return spent["echo"] / count * _MICRO

    async def submitted(self, count: int, traced: int = 1) -> tuple[float, float]:
        """Returns CPU microseconds of service and PostgreSQL per call, publication included."""
        with spent_by(self.stack_under_test.parts("applications")) as spent:
            await _offer(
                count, lambda number: self.submit(self._request(), metadata=_parent(number, traced))
            )
            await self.stack_under_test.until_published()
        return spent["applications"] / count * _MICRO, spent["postgres"] / count * _MICRO

    def _request(self) -> service_pb2.SubmitApplicationRequest:
        return service_pb2.SubmitApplicationRequest(
            request_id=str(uuid4()), details=self.stack_under_test.examples[HOSPITAL]
        )


async def cost_of_a_submission(stack_under_test: BenchStack) -> list[Result]:
    """Runs rounds of both in turn; returns medians."""
    async with _Opened(stack_under_test) as bench:
        rounds, count = stack_under_test.pick(7, 1), stack_under_test.pick(1_000, 20)
        service, postgres, echo, untraced = [], [], [], []
        await bench.submitted(count), await bench.echoed(count * ECHOES)
        for number in range(rounds):
            echo.append(await bench.echoed(count * ECHOES))
            own, stored = await bench.submitted(count)
            service.append(own)
            postgres.append(stored)
            untraced.append(sum(await bench.submitted(count, traced=0)))
            stack_under_test.report(
                f"round {number + 1} of {rounds}: echo {echo[-1]:.0f} µs, submit"
                f" {own:.0f} + {stored:.0f} µs"
            )
    how = (
        f"{CALLERS} callers, {rounds} rounds of {count} submissions and {count * ECHOES}"
        " echoes in turn, medians; "
        f"every call traced unless said; {busy()}"
    )
    base = statistics.median(echo)
    own, stored = statistics.median(service), statistics.median(postgres)
    both = statistics.median([a + b for a, b in zip(service, postgres, strict=True)])
    return [
        Result(
            "submit: CPU of the service",
            own,
            "µs/call",
            base,
            (f"baseline: raw grpc.aio mTLS echo; {how}"),
        ),
        Result("submit: CPU of PostgreSQL", stored, "µs/call", base, f"same baseline; {how}"),
        Result(
            "submit: CPU, storage included",
            both,
            "µs/call",
            base,
            (
                "service, relay to Kafka included, and PostgreSQL; baseline: raw"
                f" grpc.aio mTLS echo; {how}"
            ),
            Target(6, of_ratio=True),
        ),
        Result(
            ("submit: CPU, storage included, not traced"),
            statistics.median(untraced),
            "µs/call",
            base,
            f"the same without a span; baseline: raw grpc.aio mTLS echo; {how}",
        ),
    ]


async def cost_of_tracing(stack_under_test: BenchStack) -> list[Result]:
    """Measures all shares in turn in one process, which follows the caller's sampling decision."""
    async with _Opened(stack_under_test) as bench:
        rounds, count = stack_under_test.pick(9, 1), stack_under_test.pick(500, 20)
        found: dict[str, list[float]] = defaultdict(list)
        await bench.submitted(count)
        for number in range(rounds):
            # The order alternates, because the first of a round finds another state of the machine.
            for name, traced in (*SHARES[number % 3 :], *SHARES[: number % 3]):
                own, _ = await bench.submitted(count, traced)
                found[name].append(own)
            stack_under_test.report(
                f"round {number + 1} of {rounds}: "
                + ", ".join(f"{n} {v[-1]:.0f} µs" for n, v in found.items())
            )
    how = (
        f"{CALLERS} callers, {rounds} rounds of {count} calls in turn, medians;"
        f" exported over OTLP; {busy()}"
    )
    base = statistics.median(found["0 %"])
    return [
        Result(
            f"tracing {name}: CPU of a submission",
            statistics.median(found[name]),
            "µs/call",
            base,
            (f"CPU of the service; baseline: no call traced; {how}"),
            Target(1.2, of_ratio=True) if every == 1 else None,
        )
        for name, every in SHARES
    ]


class _Opened:
    """Both servers running and both channels open."""

    def __init__(self, stack_under_test: BenchStack) -> None:
        self._room = stack_under_test

    async def __aenter__(self) -> _Bench:
        stack_under_test = self._room
        await stack_under_test.applications()
        identity = stack_under_test.stack.identity("service/applications")
        files = {"ca": str(identity.ca), "cert": str(identity.cert), "key": str(identity.key)}
        self._child = child("echo", files)
        echo_server = await self._child.__aenter__()
        port = (await echo_server.ask(""))["port"]
        credentials = stack_under_test.credentials(PARTNER)
        self._channels = [
            open_channel(stack_under_test.stack.addresses("applications")[0], credentials),
            open_channel(f"127.0.0.1:{port}", credentials),
        ]
        message = service_pb2.SubmitApplicationRequest
        echo: aio.UnaryUnaryMultiCallable[Any, Any] = self._channels[1].unary_unary(
            METHOD,
            request_serializer=message.SerializeToString,
            response_deserializer=message.FromString,
        )
        submit = service_pb2_grpc.ApplicationServiceStub(self._channels[0]).SubmitApplication
        return _Bench(stack_under_test, submit, echo, echo_server)

    async def __aexit__(self, *error: object) -> None:
        for channel in self._channels:
            await channel.close()
        await self._child.__aexit__(*error)


async def _offer(count: int, call: Callable[[int], Awaitable[Any]]) -> None:
    """Runs `count` calls with a fixed number of callers."""
    numbers = iter(range(count))

    async def caller() -> None:
        for number in numbers:
            await call(number)

    await asyncio.gather(*(caller() for _ in range(CALLERS)))


def _parent(number: int, traced: int) -> Sequence[tuple[str, str]]:
    """Returns the caller's trace context, sampled for each `traced`-th call; 0 = never."""
    flag = "01" if traced and number % traced == 0 else "00"
    return (("traceparent", f"00-{uuid4().hex}-{uuid4().hex[:16]}-{flag}"),)
