"""Runs a load test as an open loop: every submission is due at a fixed time.

A closed loop, which waits for each response before it sends the next request, would send less to a
slow service and so hide how slow it is. Here the time of a submission counts from when it was due.
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

from operations.error_messages import InputError
from operations.load.mix import Mix
from operations.load.report import Report

_WATCH_S: Final = 30.0
_PROGRESS_S: Final = 2.0
_STATE: Final = "APPLICATION_STATE_"
_UNDECIDED: Final = frozenset({"UNSPECIFIED", "SCREENING"})

Progress = Callable[[float, Report], None]
"""Called every 2 s with the seconds since the start and the report so far."""


class Arrivals(StrEnum):
    """How submissions are spread in time."""

    POISSON = "poisson"
    """At random, like submissions of independent callers."""
    EVEN = "even"
    """At equal intervals."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How many submissions are sent, and when. `seconds` or `count` ends it, the earlier one."""

    rate: float
    """Submissions per second."""
    seconds: float
    count: int
    in_flight: int
    """Maximum of submissions without a response. One that is due beyond it is not sent."""
    settle_seconds: float
    """How long to wait for decisions after the last submission."""
    deadline_seconds: float
    """Deadline of one submission, retries included."""
    arrivals: Arrivals = Arrivals.POISSON
    seed: int = 1
    """The same seed gives the same arrivals and the same order of applications."""


async def run(
    plan: Plan, mix: Mix, target: str, credentials: Credentials, progress: Progress
) -> Report:
    """Runs the plan against one target and returns the report.

    Raises InputError if the applications cannot be watched before the first submission.
    """
    channel = open_channel(target, credentials)
    try:
        return await _Run(plan, mix, channel, progress).run()
    finally:
        await channel.close()


@dataclass(slots=True)
class _Run:
    """The state of one run."""

    plan: Plan
    mix: Mix
    channel: aio.Channel
    progress: Progress
    report: Report = field(init=False)
    _due: dict[str, float] = field(default_factory=dict)
    """When each undecided application was due, by id."""
    _early: dict[str, tuple[float, str]] = field(default_factory=dict)
    """Decisions that arrived before the response to their submission: time and state by id."""
    _in_flight: set[asyncio.Task[None]] = field(default_factory=set)
    _is_watching: asyncio.Event = field(default_factory=asyncio.Event)
    _began: float = 0.0

    def __post_init__(self) -> None:
        self.report = Report(self.plan.rate)

    async def run(self) -> Report:
        """Sends all submissions and waits for their decisions."""
        watch = asyncio.ensure_future(self._watch())
        progress = asyncio.ensure_future(self._report_progress())
        try:
            await self._wait_for_watch(watch)
            self._began = _now()
            await self._submit_all()
            self.report.seconds = _now() - self._began
            await self._settle(watch)
        finally:
            ending = [watch, progress, *self._in_flight]
            for task in ending:
                task.cancel()
            await asyncio.gather(*ending, return_exceptions=True)
        return self.report

    async def _wait_for_watch(self, watch: asyncio.Future[None]) -> None:
        """Returns once the watch is open: a decision before that could not be measured."""
        opened = asyncio.ensure_future(self._is_watching.wait())
        waiting: set[asyncio.Future[Any]] = {opened, watch}
        await asyncio.wait(waiting, timeout=_WATCH_S, return_when=asyncio.FIRST_COMPLETED)
        if opened.done():
            return
        opened.cancel()
        if watch.done() and isinstance(fault := watch.exception(), SafeconductError):
            raise InputError(fault.reason, f"the applications cannot be watched: {fault}")
        raise InputError("UNREACHABLE", f"the watch did not open within {_WATCH_S:g} s")

    async def _submit_all(self) -> None:
        generator = random.Random(self.plan.seed)  # noqa: S311 - a schedule that can be repeated
        due = self._began
        for _ in range(self.plan.count):
            if due - self._began >= self.plan.seconds:
                return
            if (wait := due - _now()) > 0:
                await asyncio.sleep(wait)
            self._start_submission(due, self.mix.pick(generator))
            is_poisson = self.plan.arrivals is Arrivals.POISSON
            due += generator.expovariate(self.plan.rate) if is_poisson else 1 / self.plan.rate

    def _start_submission(self, due: float, name: str) -> None:
        if len(self._in_flight) >= self.plan.in_flight:
            self.report.not_sent += 1
            return
        task = asyncio.ensure_future(self._submit(due, name))
        self._in_flight.add(task)
        task.add_done_callback(self._in_flight.discard)

    async def _submit(self, due: float, name: str) -> None:
        self.report.submitted[name] += 1
        applications = Applications(self.channel, Calls(deadline=self.plan.deadline_seconds))
        try:
            response = await applications.submit(self.mix.details[name])
        except SafeconductError as fault:
            self.report.errors[fault.reason] += 1
            return
        self.report.responses.record(_now() - due)
        if response.application_id in self._early:
            self._count_decision(due, *self._early.pop(response.application_id))
        else:
            self._due[response.application_id] = due

    async def _watch(self) -> None:
        """Receives every change of the caller's applications; resumes after a lost connection."""
        calls = Calls()
        stub = service_pb2_grpc.ApplicationServiceStub(self.channel)

        def open_stream(token: str) -> AsyncGenerator[service_pb2.WatchApplicationsResponse]:
            return calls.stream(
                stub.WatchApplications, service_pb2.WatchApplicationsRequest(resume_token=token)
            )

        async with contextlib.aclosing(resumed(open_stream, "", _WATCH_S)) as messages:
            async for message in messages:
                self._is_watching.set()
                for change in message.changes:
                    self._on_change(change)

    def _on_change(self, change: service_pb2.ApplicationChange) -> None:
        state = model_pb2.ApplicationState.Name(change.state).removeprefix(_STATE)
        if state in _UNDECIDED:
            return
        due = self._due.pop(change.application_id, None)
        if due is not None:
            self._count_decision(due, _now(), state)
        elif self._in_flight:
            # One of ours whose response has not arrived yet, or one that another caller of the same
            # partner submitted.
            self._early[change.application_id] = (_now(), state)

    def _count_decision(self, due: float, at: float, state: str) -> None:
        self.report.outcomes[state] += 1
        self.report.decisions.record(at - due)
        self.report.deciding_seconds = max(self.report.deciding_seconds, at - self._began)

    async def _settle(self, watch: asyncio.Future[None]) -> None:
        give_up = _now() + self.plan.settle_seconds
        while (self._in_flight or self._due) and _now() < give_up and not watch.done():  # noqa: ASYNC110 - both change in many places
            await asyncio.sleep(0.01)

    async def _report_progress(self) -> None:
        while True:
            await asyncio.sleep(_PROGRESS_S)
            if self._began:
                self.progress(_now() - self._began, self.report)


def _now() -> float:
    return asyncio.get_running_loop().time()
