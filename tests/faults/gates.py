"""Polls gates during a run and records the last time at which each gate allowed each license.

Beside them, one watch per partner follows all its applications and can be made to stop reading.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import grpc
from safeconduct.applications.v1 import model_pb2
from safeconduct.client import Client, SafeconductError
from safeconduct.gate import Gate, Verdict, boottime

from tests.faults.scenario_load import EXAMPLE, ScenarioRecord

EVERY_S = 0.05


@dataclass(frozen=True, slots=True)
class Allowed:
    """The last time at which a gate allowed a license."""

    gate: str
    license_id: str
    last_ns: int
    """Nanoseconds of the boot-time clock, taken before the call to the gate."""
    is_after_revoked: bool


@dataclass(slots=True)
class GatePolling:
    """Polls every gate for every license of its partner that may still change."""

    gates: dict[str, tuple[str, Gate]]
    """Partner and gate by the name of the gate."""
    records: Callable[[], Iterable[ScenarioRecord]]
    examples: dict[str, model_pb2.ApplicationDetails]
    asked: int = 0
    _last: dict[tuple[str, str], int] = field(default_factory=dict)
    _revoked: set[tuple[str, str]] = field(default_factory=set)
    _broken: set[tuple[str, str]] = field(default_factory=set)

    async def run(self) -> None:
        """Polls until cancelled."""
        while True:
            for record in list(self.records()):
                if record.license_id:
                    self._call(record)
            await asyncio.sleep(EVERY_S)

    def allowed(self) -> tuple[Allowed, ...]:
        """Returns the last time at which each gate allowed each license."""
        return tuple(Allowed(*key, last, key in self._broken) for key, last in self._last.items())

    def verdicts_of(self, record: ScenarioRecord) -> set[str]:
        """Returns the verdicts of the partner's gates for this license, now."""
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
        """Returns whether the verdict cannot change: no order, and the gate allowed once."""
        return not record.violation_id and key in self._last

    def _verdict(self, gate: Gate, record: ScenarioRecord) -> Verdict:
        details = self.examples[EXAMPLE[record.kind]]
        use = model_pb2.EndUse.Name(details.end_uses[0]).removeprefix("END_USE_")
        item = details.items[0]
        mode = model_pb2.AccessMode.Name(item.access_mode).removeprefix("ACCESS_MODE_")
        return gate.check(record.license_id, item.model_id, mode, details.destinations[0], use)


def allowed_by_process(gate: str, file: Path) -> tuple[Allowed, ...]:
    """Returns the times in the file of a `gate_process`; none if it wrote no file."""
    if not file.exists():
        return ()
    found = json.loads(file.read_text(encoding="ascii"))
    return tuple(Allowed(gate, each, at, broken) for each, (at, broken) in found.items())


@dataclass(slots=True)
class ApplicationWatch:
    """Watches all applications of one partner, from before the first submission."""

    client: Client
    seen: dict[str, list[int]] = field(default_factory=dict)
    """Versions in the order of delivery, by application id."""
    lost: int = 0
    """Number of SLOW_CONSUMER errors."""
    _reads: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Watches until cancelled; resumes after an interruption."""
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
        """Stops reading after the next message."""
        self._reads.clear()

    def read_on(self) -> None:
        """Continues to read."""
        self._reads.set()
