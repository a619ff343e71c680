"""Gates that are asked all the time, and what they said when: the last moment at which each allowed each license.

Beside them a partner's watch of all its applications, which can be made to stop reading.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import grpc
from safeconduct.applications.v1 import model_pb2
from safeconduct.client import Client, SafeconductError
from safeconduct.gate import Gate, Verdict, boottime

from tests.faults.scenario_load import EXAMPLE, ScenarioRecord

EVERY_S = 0.05


@dataclass(frozen=True, slots=True)
class Allowed:
    """A gate's last allowance of a license, and whether it allowed again after it had said REVOKED."""

    gate: str
    license_id: str
    last_ns: int
    """Nanoseconds of the boot-time clock, taken before the gate was asked."""
    is_after_revoked: bool


@dataclass(slots=True)
class GatePolling:
    """Asks every gate for every license of its partner that may still change."""

    gates: dict[str, tuple[str, Gate]]
    """By the gate's name: its partner and the gate."""
    records: Callable[[], Iterable[ScenarioRecord]]
    examples: dict[str, model_pb2.ApplicationDetails]
    asked: int = 0
    _last: dict[tuple[str, str], int] = field(default_factory=dict)
    _revoked: set[tuple[str, str]] = field(default_factory=set)
    _broken: set[tuple[str, str]] = field(default_factory=set)

    async def run(self) -> None:
        """Asks until cancelled."""
        while True:
            for record in list(self.records()):
                if record.license_id:
                    self._call(record)
            await asyncio.sleep(EVERY_S)

    def allowed(self) -> tuple[Allowed, ...]:
        """The last allowances."""
        return tuple(Allowed(*key, last, key in self._broken) for key, last in self._last.items())

    def says(self, record: ScenarioRecord) -> set[str]:
        """What the gates of the account's partner say now."""
        own = [gate for partner, gate in self.gates.values() if partner == record.partner_id]
        return {str(self._verdict(gate, record).reason) for gate in own}

    def _call(self, record: ScenarioRecord) -> None:
        for name, (partner, gate) in self.gates.items():
            key = name, record.license_id
            if partner != record.partner_id or self._is_settled(key, record):
                continue
            self.asked += 1
            now = boottime()
            verdict = self._verdict(gate, record)
            if verdict.allowed:
                self._last[key] = now
                if key in self._revoked:
                    self._broken.add(key)
            elif verdict.reason == "REVOKED":
                self._revoked.add(key)

    def _is_settled(self, key: tuple[str, str], record: ScenarioRecord) -> bool:
        """Whether nothing new is to be heard: a license without an order that was allowed once already."""
        return not record.violation_id and key in self._last

    def _verdict(self, gate: Gate, record: ScenarioRecord) -> Verdict:
        details = self.examples[EXAMPLE[record.kind]]
        use = model_pb2.EndUse.Name(details.end_uses[0]).removeprefix("END_USE_")
        return gate.check(
            record.license_id, details.items[0].model_id, details.destinations[0], use
        )


@dataclass(slots=True)
class ApplicationWatch:
    """A watch of everything of one partner, from before its first application on."""

    client: Client
    seen: dict[str, list[int]] = field(default_factory=dict)
    """Versions in the order in which they were told, by application."""
    lost: int = 0
    """How often the service said that this caller fell too far behind."""
    _reads: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Follows until cancelled."""
        self._reads.set()
        token = ""
        while True:
            watch = self.client.applications.watch(resume_token=token)
            try:
                async for change in watch:
                    self.seen.setdefault(change.application_id, []).append(change.version)
                    token = watch.resume_token
                    await self._reads.wait()
            except SafeconductError as error:
                self.lost += error.reason == "SLOW_CONSUMER"
                if error.code is not grpc.StatusCode.UNAVAILABLE:
                    raise
            finally:
                await watch.aclose()

    def stop_reading(self) -> None:
        """From the next message on nothing is read."""
        self._reads.clear()

    def read_on(self) -> None:
        """Reads again."""
        self._reads.set()
