"""Runs mixed scenarios at a fixed arrival rate and records what was acknowledged.

Open loop: a scenario starts at its time, whatever happened to the earlier ones. A call that failed
for a transient reason is repeated with the same request id. Every other refusal fails the run.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeVar

import grpc
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from safeconduct import conduct
from safeconduct.applications.v1 import model_pb2
from safeconduct.client import Client, SafeconductError, new_request_id
from safeconduct.enforcement.v1 import model_pb2 as enforcement_pb2

T = TypeVar("T")

PASSING: Final = frozenset(
    {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED}
)
"""Transient status codes: the call may be repeated."""


class Kind(StrEnum):
    """The expected end of a scenario."""

    APPROVED = "approved"
    REFERRED = "referred"
    DENIED = "denied"
    WITHDRAWN = "withdrawn"
    VIOLATED = "violated"
    REVOKED = "revoked"


EXAMPLE: Final[Mapping[Kind, str]] = {
    Kind.APPROVED: "hospital-hosted-access",
    Kind.REFERRED: "fine-tuning-service",
    Kind.DENIED: "listed-end-user",
    Kind.WITHDRAWN: "fine-tuning-service",
    Kind.VIOLATED: "hospital-hosted-access",
    Kind.REVOKED: "hospital-hosted-access",
}


@dataclass(slots=True)
class ScenarioRecord:
    """What the services acknowledged in one scenario."""

    number: int
    kind: Kind
    partner_id: str
    application_id: str = ""
    signature: bytes = b""
    license_id: str = ""
    violation_id: str = ""
    stopped_at: int = 0
    """Boot-time nanoseconds at which the order that ends access was acknowledged; 0 before."""
    is_done: bool = False
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Clients:
    """Clients for the scenarios of one partner; each has the addresses of all replicas."""

    partner_id: str
    partner: Client
    telemetry: Client
    officers: tuple[Client, Client]
    enforcers: tuple[Client, Client]


@dataclass(slots=True)
class Load:
    """The scenarios of a run."""

    client_sets: Sequence[Clients]
    examples: Mapping[str, model_pb2.ApplicationDetails]
    key: Ed25519PrivateKey
    should_give_up: Callable[[], bool]
    """Returns whether a scenario that makes no progress may give up."""
    records: list[ScenarioRecord] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    """Transient errors by code and reason."""
    _is_stopped: bool = False

    def stop(self) -> None:
        """Starts no more scenarios. Those that have begun go on."""
        self._is_stopped = True

    async def run(self, kinds: Sequence[Kind], rate: float) -> None:
        """Starts a scenario every `1 / rate` seconds; returns when all have ended."""
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for number, kind in enumerate(kinds):
                await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
                if self._is_stopped:
                    return
                clients = self.client_sets[number % len(self.client_sets)]
                record = ScenarioRecord(number, kind, clients.partner_id)
                self.records.append(record)
                group.create_task(self._run_scenario(clients, record))

    async def _run_scenario(self, clients: Clients, record: ScenarioRecord) -> None:
        try:
            await self._steps(clients, record)
            record.is_done = True
        except SafeconductError as error:
            record.fault = f"{error.code.name} {error.reason}: {error.message}"
        except Exception as error:  # noqa: BLE001 - every end of a scenario is part of the result
            record.fault = f"{type(error).__name__}: {error}"

    async def _steps(self, clients: Clients, record: ScenarioRecord) -> None:
        details, request_id = self.examples[EXAMPLE[record.kind]], new_request_id()
        stored = await self._call(
            lambda: clients.partner.applications.submit(details, request_id=request_id)
        )
        record.application_id = stored.application_id
        if record.kind is Kind.WITHDRAWN:
            await self._withdraw(clients, record)
            return
        reached = await self._decided(clients, record)
        if record.kind in {Kind.REFERRED, Kind.DENIED}:
            reached = await self._judge(clients, record, reached)
        if record.kind is Kind.DENIED:
            _expect(reached, model_pb2.APPLICATION_STATE_DENIED)
            return
        await self._sign(clients, record, reached)
        if record.kind in {Kind.VIOLATED, Kind.REVOKED}:
            await self._stop(clients, record)

    async def _withdraw(self, clients: Clients, record: ScenarioRecord) -> None:
        request_id = new_request_id()
        application = await self._call(
            lambda: clients.partner.applications.withdraw(
                record.application_id, request_id=request_id
            )
        )
        _expect(application, model_pb2.APPLICATION_STATE_WITHDRAWN)

    async def _decided(self, clients: Clients, record: ScenarioRecord) -> model_pb2.Application:
        """Returns the application after screening and policy."""
        while True:
            watch = clients.partner.applications.watch(record.application_id, give_up_after=30)
            try:
                async with asyncio.timeout(60):
                    async for change in watch:
                        if change.state != model_pb2.APPLICATION_STATE_SCREENING:
                            break
            except (SafeconductError, TimeoutError) as error:
                self._note(error)
                if not _may_pass(error) or self.should_give_up():
                    raise
                continue
            finally:
                await watch.aclose()
            return await self._call(lambda: clients.partner.applications.get(record.application_id))

    async def _judge(
        self, clients: Clients, record: ScenarioRecord, application: model_pb2.Application
    ) -> model_pb2.Application:
        """Lets two officers decide."""
        denies = record.kind is Kind.DENIED
        wanted = (
            model_pb2.APPLICATION_STATE_INTENT_TO_DENY
            if denies
            else model_pb2.APPLICATION_STATE_UNDER_REVIEW
        )
        _expect(application, wanted)
        first, second = clients.officers
        outcome = model_pb2.OUTCOME_DENY if denies else model_pb2.OUTCOME_APPROVE
        ids = new_request_id(), new_request_id()
        etag = application.etag
        case = await self._call(
            lambda: first.reviews.recommend(
                application.application_id,
                outcome=outcome,
                rationale="use, user and safeguards were examined",
                etag=etag,
                request_id=ids[0],
            )
        )
        closed = await self._call(
            lambda: second.reviews.countersign(
                application.application_id,
                recommendation_id=case.recommendation.recommendation_id,
                rationale="the recommendation was examined by another officer",
                etag=case.application.etag,
                request_id=ids[1],
            )
        )
        return closed.application

    async def _sign(
        self, clients: Clients, record: ScenarioRecord, application: model_pb2.Application
    ) -> None:
        _expect(application, model_pb2.APPLICATION_STATE_AWAITING_SIGNATURE)
        # The countersigned case holds the officer's view; the signatory needs the partner's view.
        application = await self._call(
            lambda: clients.partner.applications.get(record.application_id)
        )
        signer = next(
            party.party_id
            for party in application.details.parties
            if party.HasField("signing_authority")
        )
        record.signature = conduct.sign(application.acceptance_text, self.key)
        request_id = new_request_id()
        answer = await self._call(
            lambda: clients.partner.applications.accept_conduct_code(
                record.application_id,
                code_version=application.code_of_conduct.version,
                signatory_party_id=signer,
                signature=record.signature,
                etag=application.etag,
                request_id=request_id,
            )
        )
        record.license_id = answer.license.license_id

    async def _stop(self, clients: Clients, record: ScenarioRecord) -> None:
        """Reports conduct; two officers find a violation and two officers stop the license."""
        revokes = record.kind is Kind.REVOKED
        clause = (
            enforcement_pb2.CLAUSE_MILITARY_SURVEILLANCE
            if revokes
            else enforcement_pb2.CLAUSE_OVER_USE
        )
        digest, request_id = hashlib.sha256(record.license_id.encode()).digest(), new_request_id()
        report = await self._call(
            lambda: clients.telemetry.conduct.report(
                record.license_id,
                clause=clause,
                reporter_kind=enforcement_pb2.REPORTER_KIND_DEVELOPER_TELEMETRY,
                evidence_digests=[digest],
                request_id=request_id,
            ),
            # Enforcement may not have consumed LicenseIssued yet.
            waits_for=frozenset({"NOT_FOUND", "NOT_VISIBLE"}),
        )
        record.violation_id = report.violation_id
        severity = (
            enforcement_pb2.SEVERITY_CRITICAL if revokes else enforcement_pb2.SEVERITY_SERIOUS
        )
        proposer, confirmer = clients.enforcers
        await self._find(proposer, confirmer, record.violation_id, severity)
        kind = (
            enforcement_pb2.MEASURE_KIND_REVOCATION
            if revokes
            else enforcement_pb2.MEASURE_KIND_SUSPENSION
        )
        await self._impose(proposer, confirmer, record.violation_id, kind)
        record.stopped_at = time.clock_gettime_ns(time.CLOCK_BOOTTIME)

    async def _find(
        self,
        proposer: Client,
        confirmer: Client,
        case: str,
        severity: enforcement_pb2.Severity.ValueType,
    ) -> None:
        rationale = "the evidence shows the pattern"
        read, propose_id, confirm_id = (
            await self._read(proposer, case),
            new_request_id(),
            new_request_id(),
        )
        await self._call(
            lambda: proposer.violations.propose_finding(
                case,
                is_violation=True,
                severity=severity,
                rationale=rationale,
                etag=read.etag,
                request_id=propose_id,
            )
        )
        pending = await self._read(confirmer, case)
        await self._call(
            lambda: confirmer.violations.confirm_finding(
                case,
                pending.finding.finding_id,
                rationale=rationale,
                etag=pending.etag,
                request_id=confirm_id,
            )
        )

    async def _impose(
        self,
        proposer: Client,
        confirmer: Client,
        case: str,
        kind: enforcement_pb2.MeasureKind.ValueType,
    ) -> None:
        rationale = "credible evidence under this clause"
        read, propose_id, confirm_id = (
            await self._read(proposer, case),
            new_request_id(),
            new_request_id(),
        )
        await self._call(
            lambda: proposer.violations.propose_measure(
                case, kind=kind, rationale=rationale, etag=read.etag, request_id=propose_id
            )
        )
        pending = await self._read(confirmer, case)
        await self._call(
            lambda: confirmer.violations.confirm_measure(
                case,
                pending.measures[-1].measure_id,
                rationale=rationale,
                etag=pending.etag,
                request_id=confirm_id,
            )
        )

    async def _read(self, officer: Client, case: str) -> enforcement_pb2.Violation:
        return (await self._call(lambda: officer.violations.get(case))).violation

    async def _call(
        self, call: Callable[[], Awaitable[T]], waits_for: frozenset[str] = frozenset()
    ) -> T:
        """Returns the answer, retried on transient errors. Raises every other error."""
        pause = 0.2
        while True:
            try:
                return await call()
            except SafeconductError as error:
                self._note(error)
                if (
                    not _may_pass(error) and error.reason not in waits_for
                ) or self.should_give_up():
                    raise
                pause = min(pause * 1.5, 2.0)
                await asyncio.sleep(max(pause * random.uniform(0.5, 1.0), error.retry_after or 0.0))

    def _note(self, error: Exception) -> None:
        name = (
            f"{error.code.name} {error.reason}"
            if isinstance(error, SafeconductError)
            else type(error).__name__
        )
        self.errors[name] += 1


def _may_pass(error: Exception) -> bool:
    return isinstance(error, TimeoutError) or (
        isinstance(error, SafeconductError) and error.code in PASSING
    )


def _expect(
    application: model_pb2.Application, state: model_pb2.ApplicationState.ValueType
) -> None:
    if application.state != state:
        found, wanted = (
            model_pb2.ApplicationState.Name(each) for each in (application.state, state)
        )
        raise ValueError(f"application {application.application_id} is {found}, expected {wanted}")


def mixed(seed: int, applications: int) -> tuple[Kind, ...]:
    """Returns the kinds of the scenarios: every kind equally often, shuffled by the seed."""
    rng = random.Random(seed)
    kinds = [list(Kind)[number % len(Kind)] for number in range(applications)]
    rng.shuffle(kinds)
    return tuple(kinds)
