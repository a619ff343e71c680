"""Restarts two replicas of each service in turn under load, and counts what callers notice of it.

`python -m tests.journeys.rolling_restart` prints the counts as JSON.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import shutil
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from safeconduct import conduct
from safeconduct.applications.v1 import model_pb2
from safeconduct.channel import Credentials, Endpoints
from safeconduct.client import Client, SafeconductError
from safeconduct.gate import Gate

from infra.cache import CHECKOUT
from infra.local.stack import SERVICES, Stack
from infra.progress import SILENT, Progress, Reporter
from infra.scenario.examples import read_examples

EXAMPLE: Final = "hospital-hosted-access"
PARTNER: Final = "partner/example-1"
PARTNER_WATCHES: Final = 10
"""Watches of all applications of the partner, open during the whole run."""
MOST_IN_FLIGHT: Final = 100
"""If more applications wait for their decision, none is submitted, as the machine is too slow."""
ATTEMPT_SECONDS: Final = 60.0
END_SECONDS: Final = 300.0
CHECK_EVERY_SECONDS: Final = 0.1
SIGNED: Final = 5
"""One of so many applications becomes a license, which every gate must learn."""
_APPROVED: Final = model_pb2.APPLICATION_STATE_AWAITING_SIGNATURE
_SCREENING: Final = model_pb2.APPLICATION_STATE_SCREENING
_POLICY: Final = CHECKOUT / "services" / "applications" / "policy" / "policy.yaml"
_SHIPPED_LEASES: Final = "lease_seconds_by_tier: {1: 60, 2: 20, 3: 5}"


@dataclass(slots=True)
class Counts:
    """What callers noticed."""

    restarts: int = 0
    exit_codes: list[int | None] = field(default_factory=list)
    submitted: int = 0
    not_submitted: int = 0
    decided: int = 0
    licenses: int = 0
    calls: int = 0
    failed_calls: list[str] = field(default_factory=list)
    watches: int = 0
    lost_watches: list[str] = field(default_factory=list)
    gates: int = 0
    gate_checks: int = 0
    denials: Counter[str] = field(default_factory=Counter)
    """Checks of a license in force that a gate denied, by reason."""
    licenses_unknown_to_gates: int = 0
    """Pairs of gate and license that were not allowed at the end."""
    oldest_knowledge_seconds: float = 0.0


class RollingStack(Stack):
    """Two replicas of each service with the default settings of the drain, and a short lease."""

    def __init__(self, root: Path, *, lease_seconds: int, progress: Reporter = SILENT) -> None:
        super().__init__(root, replicas=2, progress=progress)
        text = _POLICY.read_text(encoding="utf-8")
        if _SHIPPED_LEASES not in text:
            raise ValueError(f"{_POLICY} does not contain {_SHIPPED_LEASES!r}")
        leases = f"lease_seconds_by_tier: {{1: {lease_seconds}, 2: 5, 3: 5}}"
        self._policy = self.root / "policy.yaml"
        self._policy.write_text(text.replace(_SHIPPED_LEASES, leases), encoding="utf-8")

    def service_env(self, name: str, replica: int = 1) -> dict[str, str]:
        """Returns the settings of one replica."""
        env = super().service_env(name, replica)
        del env["SAFECONDUCT_DRAIN_SECONDS"]
        if name == "applications":
            env["SAFECONDUCT_POLICY_FILE"] = str(self._policy)
        return env


@dataclass(slots=True)
class _PartnerWatch:
    """One watch of all applications of the partner, and the versions that it delivered."""

    versions: dict[str, list[int]] = field(default_factory=dict)

    async def run(self, client: Client) -> None:
        """Follows the watch until cancelled. The client package resumes it by itself."""
        async for change in client.applications.watch():
            self.versions.setdefault(change.application_id, []).append(change.version)

    def has_all(self, expected: dict[str, int]) -> bool:
        """Returns whether every version of every application was delivered once and in order."""
        return all(
            self.versions.get(each) == list(range(1, last + 1)) for each, last in expected.items()
        )


class _Load:
    """Submits applications at a rate, follows each to its decision, and signs some."""

    def __init__(
        self,
        client: Client,
        details: model_pb2.ApplicationDetails,
        key: Ed25519PrivateKey,
        counts: Counts,
    ) -> None:
        self._client, self._details, self._key, self._counts = client, details, key, counts
        self.last_versions: dict[str, int] = {}
        self.licenses: list[str] = []

    async def run(self, rate: float, until: asyncio.Future[None]) -> None:
        """Starts `rate` applications a second until `until` is done; returns when all ended."""
        in_flight: set[asyncio.Task[None]] = set()
        began = time.monotonic()
        number = 0
        while not until.done():
            await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
            number += 1
            if len(in_flight) >= MOST_IN_FLIGHT:
                self._counts.not_submitted += 1
                continue
            task = asyncio.create_task(self.follow(is_signed=number % SIGNED == 0))
            in_flight.add(task)
            task.add_done_callback(in_flight.discard)
        await asyncio.gather(*in_flight)

    async def follow(self, *, is_signed: bool) -> None:
        """Submits one application and follows it to its end."""
        counts = self._counts
        try:
            async with asyncio.timeout(END_SECONDS):
                counts.calls += 1
                counts.submitted += 1
                stored = await self._client.applications.submit(self._details)
                last = await self._wait_for_decision(stored.application_id)
                counts.calls += 1
                decided = await self._client.applications.get(stored.application_id)
                counts.decided += decided.state == _APPROVED
                if is_signed:
                    last = await self._sign(decided)
        except SafeconductError as error:
            counts.failed_calls.append(f"{error.code.name} {error}")
        except TimeoutError as error:
            counts.failed_calls.append(repr(error))
        else:
            self.last_versions[stored.application_id] = last

    async def _wait_for_decision(self, application_id: str) -> int:
        """Returns the version of the decision, as the application's own watch delivers it."""
        self._counts.watches += 1
        watch = self._client.applications.watch(application_id)
        versions: list[int] = []
        try:
            async for change in watch:
                versions.append(change.version)
                if change.state != _SCREENING:
                    break
        except SafeconductError as error:
            self._counts.lost_watches.append(f"of {application_id}: {error}")
            raise
        finally:
            await watch.aclose()
        if versions != list(range(1, len(versions) + 1)):
            self._counts.lost_watches.append(f"of {application_id}: versions {versions}")
        return versions[-1]

    async def _sign(self, application: model_pb2.Application) -> int:
        """Signs, and returns the last version of the application."""
        signer = next(
            party.party_id
            for party in application.details.parties
            if party.HasField("signing_authority")
        )
        self._counts.calls += 2
        answer = await self._client.applications.accept_conduct_code(
            application.application_id,
            code_version=application.code_of_conduct.version,
            signatory_party_id=signer,
            signature=conduct.sign(application.acceptance_text, self._key),
            etag=application.etag,
        )
        self.licenses.append(answer.license.license_id)
        self._counts.licenses += 1
        timeline = await self._client.applications.timeline(application.application_id)
        return timeline.entries[-1].version


class _Gates:
    """Many gates of the partner in this process, checked all the time."""

    def __init__(
        self, gates: list[Gate], details: model_pb2.ApplicationDetails, counts: Counts
    ) -> None:
        self.gates, self._counts = gates, counts
        item = details.items[0]
        self._use = (
            item.model_id,
            model_pb2.AccessMode.Name(item.access_mode).removeprefix("ACCESS_MODE_"),
            details.destinations[0],
            model_pb2.EndUse.Name(details.end_uses[0]).removeprefix("END_USE_"),
        )

    def count_unknown(self, license_id: str) -> int:
        """Returns how many gates deny the license now."""
        return sum(not gate.check(license_id, *self._use).allowed for gate in self.gates)

    async def check(self, license_id: str) -> None:
        """Checks a license in force at all gates until cancelled."""
        counts = self._counts
        while True:
            for gate in self.gates:
                verdict = gate.check(license_id, *self._use)
                counts.gate_checks += 1
                counts.oldest_knowledge_seconds = max(
                    counts.oldest_knowledge_seconds, gate.knowledge_age
                )
                if not verdict.allowed:
                    counts.denials[str(verdict.reason)] += 1
            await asyncio.sleep(CHECK_EVERY_SECONDS)


async def restart_in_turn(stack: Stack, *, rate: float, gates: int, rounds: int = 1) -> Counts:
    """Restarts the first replica of each service, then the second, under load."""
    counts = Counts(gates=gates)
    examples, key = read_examples(stack.root)
    details = examples[EXAMPLE]
    async with AsyncExitStack() as undo:
        client = await undo.enter_async_context(_client(stack))
        watches = [_PartnerWatch() for _ in range(PARTNER_WATCHES)]
        counts.watches = len(watches)
        watching = [asyncio.create_task(each.run(client)) for each in watches]
        undo.push_async_callback(_cancel, watching)
        load = _Load(client, details, conduct.load_key(key), counts)
        crowd = _Gates(await _open_gates(stack, gates, undo), details, counts)
        # The first license is the one that all gates check. The partner's watches may begin after
        # it was submitted, so that they do not have to deliver it.
        await load.follow(is_signed=True)
        if not load.licenses:
            return counts
        first = load.licenses[0]
        load.last_versions.clear()
        await _wait(lambda: crowd.count_unknown(first) == 0)
        checking = asyncio.create_task(crowd.check(first))
        undo.push_async_callback(_cancel, [checking])

        rolling = asyncio.create_task(_roll(stack, counts, rounds))
        await load.run(rate, rolling)
        await rolling
        await _wait(lambda: all(each.has_all(load.last_versions) for each in watches))
        counts.lost_watches += [
            f"of the partner: {error!r}"
            for task in watching
            if task.done() and (error := task.exception())
        ]
        counts.lost_watches += [
            "of the partner: versions are missing"
            for each in watches
            if not each.has_all(load.last_versions)
        ]
        await _wait(lambda: not any(crowd.count_unknown(each) for each in load.licenses))
        counts.licenses_unknown_to_gates = sum(crowd.count_unknown(each) for each in load.licenses)
    return counts


async def _roll(stack: Stack, counts: Counts, rounds: int) -> None:
    for _ in range(rounds):
        for replica in (1, 2):
            # All services at once, as an upgrade of the whole installation does.
            services = [stack.service(name, replica) for name in SERVICES]
            for service in services:
                service.request_stop()
            counts.exit_codes += await asyncio.gather(
                *(asyncio.to_thread(service.stop) for service in services)
            )
            for service in services:
                service.start()
            await asyncio.gather(*(asyncio.to_thread(each.wait_ready) for each in services))
            counts.restarts += len(services)


@asynccontextmanager
async def _client(stack: Stack) -> AsyncIterator[Client]:
    endpoints = Endpoints(**{name: ",".join(stack.addresses(name)) for name in SERVICES})
    credentials = Credentials.from_env(stack.client_env(PARTNER))
    # The time of an attempt is long, because a busy machine is slow. The retries are the default.
    async with Client(endpoints, credentials, deadline=ATTEMPT_SECONDS) as client:
        yield client


async def _open_gates(stack: Stack, count: int, undo: AsyncExitStack) -> list[Gate]:
    credentials = Credentials.from_env(stack.client_env("gate/example-1/gate-1"))
    addresses = stack.addresses("enforcement")
    gates = []
    for number in range(count):
        first = number % len(addresses)
        turned = (*addresses[first:], *addresses[:first])
        gates.append(await undo.enter_async_context(Gate(turned, credentials)))
    await asyncio.gather(*(gate.ready(END_SECONDS) for gate in gates))
    return gates


async def _wait(condition: Callable[[], bool]) -> None:
    """Returns once `condition()` is true, or after END_SECONDS."""
    deadline = time.monotonic() + END_SECONDS
    while not condition() and time.monotonic() < deadline:  # noqa: ASYNC110 - other processes change it
        await asyncio.sleep(0.2)


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@contextmanager
def rolling_stack(
    root: Path, *, lease_seconds: int, progress: Reporter = SILENT
) -> Iterator[RollingStack]:
    """Starts the stack in an empty folder."""
    shutil.rmtree(root, ignore_errors=True)
    with RollingStack(root, lease_seconds=lease_seconds, progress=progress) as stack:
        yield stack


def main(rate: float = 5.0, gates: int = 200, rounds: int = 1, lease_seconds: int = 20) -> None:
    """Runs a rolling restart, prints the counts, and exits with 1 if a caller noticed it.

    Example: python -m tests.journeys.rolling_restart --rate 5 --gates 200 --lease-seconds 5
    """
    root = CHECKOUT / "build" / "rolling-restart"
    with rolling_stack(root, lease_seconds=lease_seconds, progress=Progress()) as stack:
        counts = asyncio.run(restart_in_turn(stack, rate=rate, gates=gates, rounds=rounds))
    print(json.dumps(dataclasses.asdict(counts), indent=2))
    if counts.failed_calls or counts.lost_watches or counts.denials:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
