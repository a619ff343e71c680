"""Offers applications in an open loop: each is due at its own moment, whether or not the ones before it were answered.

A closed loop waits for a slow service and so hides how slow it is; here a submission that could not be sent in time
has waited since it was due.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from grpc import aio
from safeconduct.applications.v1 import model_pb2, service_pb2, service_pb2_grpc
from safeconduct.channel import Credentials, open_channel
from safeconduct.errors import SafeconductError
from safeconduct.rpc.applications import Applications
from safeconduct.rpc.calls import Calls, resumed

from operations.complaints import Unusable
from operations.load.mix import Mix
from operations.load.report import Report

_WATCH_S: Final = 30.0
_STATE: Final = "APPLICATION_STATE_"
_OPEN: Final = frozenset({"UNSPECIFIED", "SCREENING"})
_TELL_S: Final = 2.0

Tell = Callable[[float, Report], None]
"""Told now and then: how many seconds have passed, and what was found so far."""


class Arrivals(StrEnum):
    """How submissions are spread in time."""

    POISSON = "poisson"
    EVEN = "even"


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is offered. Whichever of `seconds` and `count` is reached first ends it."""

    rate: float
    seconds: float
    count: int
    in_flight: int
    """Submissions on their way at once, at most; one that is due beyond them is not sent."""
    settle_seconds: float
    """How long decisions are waited for after the last submission."""
    deadline_seconds: float
    arrivals: Arrivals = Arrivals.POISSON
    seed: int = 1


async def run(plan: Plan, mix: Mix, target: str, credentials: Credentials, tell: Tell) -> Report:
    """One run against one target. Raises Unusable when the service cannot be watched before anything was sent."""
    channel = open_channel(target, credentials)
    try:
        return await _Run(plan, mix, channel, tell).run()
    finally:
        await channel.close()


@dataclass(slots=True)
class _Run:
    """One run, as far as it has come."""

    plan: Plan
    mix: Mix
    channel: aio.Channel
    tell: Tell
    report: Report = field(init=False)
    _due: dict[str, float] = field(default_factory=dict)
    """When each application that is not decided yet was due."""
    _early: dict[str, tuple[float, str]] = field(default_factory=dict)
    """Decisions that came before the answer to their submission."""
    _on_their_way: set[asyncio.Task[None]] = field(default_factory=set)
    _watching: asyncio.Event = field(default_factory=asyncio.Event)
    _begun: float = 0.0

    def __post_init__(self) -> None:
        self.report = Report(self.plan.rate)

    async def run(self) -> Report:
        """Offers everything and waits for what follows."""
        watching = asyncio.ensure_future(self._watch())
        telling = asyncio.ensure_future(self._keep_telling())
        try:
            await self._until_watching(watching)
            self._begun = _now()
            await self._offer()
            self.report.seconds = _now() - self._begun
            await self._settle(watching)
        finally:
            ending = [watching, telling, *self._on_their_way]
            for task in ending:
                task.cancel()
            await asyncio.gather(*ending, return_exceptions=True)
        return self.report

    async def _until_watching(self, watching: asyncio.Future[None]) -> None:
        """Nothing is sent before the watch stands: a decision that nobody saw could not be measured."""
        begun = asyncio.ensure_future(self._watching.wait())
        waiting: set[asyncio.Future[Any]] = {begun, watching}
        await asyncio.wait(waiting, timeout=_WATCH_S, return_when=asyncio.FIRST_COMPLETED)
        if begun.done():
            return
        begun.cancel()
        if watching.done() and isinstance(fault := watching.exception(), SafeconductError):
            raise Unusable(fault.reason, f"applications cannot be watched: {fault}")
        raise Unusable("UNREACHABLE", f"the watch did not begin within {_WATCH_S:g} s")

    async def _offer(self) -> None:
        chance = random.Random(self.plan.seed)  # noqa: S311 - a schedule that can be repeated
        due = self._begun
        for _ in range(self.plan.count):
            if due - self._begun >= self.plan.seconds:
                return
            if (wait := due - _now()) > 0:
                await asyncio.sleep(wait)
            self._one(due, self.mix.pick(chance))
            gap = 1 / self.plan.rate
            due += (
                chance.expovariate(self.plan.rate)
                if self.plan.arrivals is Arrivals.POISSON
                else gap
            )

    def _one(self, due: float, name: str) -> None:
        if len(self._on_their_way) >= self.plan.in_flight:
            self.report.not_sent += 1
            return
        task = asyncio.ensure_future(self._submit(due, name))
        self._on_their_way.add(task)
        task.add_done_callback(self._on_their_way.discard)

    async def _submit(self, due: float, name: str) -> None:
        self.report.submitted[name] += 1
        applications = Applications(self.channel, Calls(deadline=self.plan.deadline_seconds))
        try:
            answer = await applications.submit(self.mix.details[name])
        except SafeconductError as fault:
            self.report.errors[fault.reason] += 1
            return
        self.report.answers.record(_now() - due)
        if answer.application_id in self._early:
            self._decided(due, *self._early.pop(answer.application_id))
        else:
            self._due[answer.application_id] = due

    async def _watch(self) -> None:
        """Every change of the caller's applications, over lost connections."""
        calls = Calls()
        stub = service_pb2_grpc.ApplicationServiceStub(self.channel)

        def open_stream(token: str) -> AsyncGenerator[service_pb2.WatchApplicationsResponse]:
            return calls.stream(
                stub.WatchApplications, service_pb2.WatchApplicationsRequest(resume_token=token)
            )

        async with contextlib.aclosing(resumed(open_stream, "", _WATCH_S)) as messages:
            async for message in messages:
                self._watching.set()
                for change in message.changes:
                    self._changed(change)

    def _changed(self, change: service_pb2.ApplicationChange) -> None:
        state = model_pb2.ApplicationState.Name(change.state).removeprefix(_STATE)
        if state in _OPEN:
            return
        due = self._due.pop(change.application_id, None)
        if due is not None:
            self._decided(due, _now(), state)
        elif self._on_their_way:
            # Ours, with the answer still on its way; or somebody else's of the same partner.
            self._early[change.application_id] = (_now(), state)

    def _decided(self, due: float, at: float, state: str) -> None:
        self.report.outcomes[state] += 1
        self.report.decisions.record(at - due)
        self.report.deciding_seconds = max(self.report.deciding_seconds, at - self._begun)

    async def _settle(self, watching: asyncio.Future[None]) -> None:
        give_up = _now() + self.plan.settle_seconds
        while (self._on_their_way or self._due) and _now() < give_up and not watching.done():  # noqa: ASYNC110 - both change in many places
            await asyncio.sleep(0.01)

    async def _keep_telling(self) -> None:
        while True:
            await asyncio.sleep(_TELL_S)
            if self._begun:
                self.tell(_now() - self._begun, self.report)


def _now() -> float:
    return asyncio.get_running_loop().time()
