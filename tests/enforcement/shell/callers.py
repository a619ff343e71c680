"""Callers of a running enforcement service: clients by principal, and events of other services."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Self
from uuid import UUID

from aiokafka import AIOKafkaProducer
from safeconduct.applications.v1 import events_pb2 as applications
from safeconduct.applications.v1 import model_pb2 as applications_model
from safeconduct.channel import Credentials, Endpoints
from safeconduct.client import Client, SafeconductError
from safeconduct.enforcement.v1 import model_pb2 as pb
from safeconduct.gate import Gate

from chassis.proto_mapping import to_timestamp
from chassis.transport.brokers import client_options
from infra.local.stack import Stack

SECONDS = 60.0
WHY = "seen in the evidence of the report"
EVIDENCE = [b"\7" * 32]


class Callers:
    """Clients by principal, and a producer of events of the other services."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self._undo = AsyncExitStack()
        self._clients: dict[tuple[str, int], Client] = {}

    async def __aenter__(self) -> Self:
        self._producer = AIOKafkaProducer(**client_options(self.stack.kafka.bootstrap), acks="all")
        await self._undo.enter_async_context(self._producer)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._undo.aclose()

    async def client(self, principal: str, replica: int = 0) -> Client:
        if (principal, replica) not in self._clients:
            credentials = Credentials.from_env(self.stack.client_env(principal))
            address = self.stack.addresses("enforcement")[replica]
            client = Client(Endpoints(enforcement=address), credentials, waits_for_ready=True)
            self._clients[principal, replica] = await self._undo.enter_async_context(client)
        return self._clients[principal, replica]

    def gate(self, principal: str = "gate/example-1/gate-1", replica: int | None = None) -> Gate:
        addresses = self.stack.addresses("enforcement")
        chosen = addresses if replica is None else addresses[replica : replica + 1]
        return Gate(chosen, Credentials.from_env(self.stack.client_env(principal)))

    async def publish(
        self, name: str, payload: bytes, event_id: UUID | None = None, service: str = "applications"
    ) -> None:
        event_id = event_id or uuid.uuid4()
        headers = {
            "ce_id": str(event_id),
            # Each event is the only one of its stream: the tests give no order.
            "ce_subject": str(event_id),
            "ce_streamversion": "1",
            "ce_type": f"safeconduct.{service}.v1.{name}",
            "ce_source": f"/{service}",
            "ce_time": datetime.now(UTC).isoformat(),
        }
        await self._producer.send_and_wait(
            f"safeconduct.{service}.v1",
            payload,
            key=b"k",
            headers=[(k, v.encode()) for k, v in headers.items()],
        )

    async def issue(self, partner_id: str = "example-1", lease_seconds: int = 10) -> str:
        """Returns a license that applications issued and enforcement registered."""
        issued = issue_event(partner_id, lease_seconds)
        await self.publish("LicenseIssued", issued.SerializeToString())
        await self.until_registered(issued.license.license_id)
        return issued.license.license_id

    async def until_registered(self, license_id: str) -> None:
        officer = await self.client("officer/enforcement-1")

        async def is_registered() -> bool:
            try:
                await officer.standing.timeline(license_id)
            except SafeconductError as refusal:
                if refusal.reason != "NOT_FOUND":
                    raise
                return False
            return True

        await eventually(is_registered)

    async def report(
        self, license_id: str, clause: pb.Clause.ValueType = pb.CLAUSE_MILITARY_SURVEILLANCE
    ) -> str:
        gate = await self.client("gate/example-1/gate-1")
        answer = await gate.conduct.report(
            license_id,
            clause=clause,
            reporter_kind=pb.REPORTER_KIND_DEVELOPER_TELEMETRY,
            evidence_digests=EVIDENCE,
        )
        return answer.violation_id

    async def found(
        self, license_id: str, clause: pb.Clause.ValueType = pb.CLAUSE_MILITARY_SURVEILLANCE
    ) -> str:
        case_id = await self.report(license_id, clause)
        await self.propose_finding(1, case_id)
        await self.confirm_finding(2, case_id)
        return case_id

    async def officer(self, number: int) -> Client:
        return await self.client(f"officer/enforcement-{number}")

    async def propose_finding(self, number: int, case_id: str) -> pb.Violation:
        officer = await self.officer(number)
        etag = (await officer.violations.get(case_id)).violation.etag
        return await officer.violations.propose_finding(
            case_id, is_violation=True, severity=pb.SEVERITY_CRITICAL, rationale=WHY, etag=etag
        )

    async def confirm_finding(self, number: int, case_id: str) -> pb.Violation:
        officer = await self.officer(number)
        case = (await officer.violations.get(case_id)).violation
        return await officer.violations.confirm_finding(
            case_id, case.finding.finding_id, rationale=WHY, etag=case.etag
        )

    async def propose_measure(
        self, number: int, case_id: str, kind: pb.MeasureKind.ValueType
    ) -> pb.Violation:
        officer = await self.officer(number)
        etag = (await officer.violations.get(case_id)).violation.etag
        return await officer.violations.propose_measure(
            case_id, kind=kind, rationale=WHY, etag=etag
        )

    async def confirm_measure(self, number: int, case_id: str) -> pb.Standing:
        officer = await self.officer(number)
        case = (await officer.violations.get(case_id)).violation
        return (
            await officer.violations.confirm_measure(
                case_id, case.measures[-1].measure_id, rationale=WHY, etag=case.etag
            )
        ).standing

    async def impose(self, case_id: str, kind: pb.MeasureKind.ValueType) -> pb.Standing:
        """The first officer proposes the measure and the second one confirms it."""
        await self.propose_measure(1, case_id, kind)
        return await self.confirm_measure(2, case_id)

    async def propose_reinstatement(self, number: int, license_id: str) -> str:
        officer = await self.officer(number)
        etag = (await officer.standing.timeline(license_id)).etag
        answer = await officer.violations.propose_reinstatement(
            license_id, rationale=WHY, etag=etag
        )
        return answer.reinstatement.reinstatement_id

    async def confirm_reinstatement(self, number: int, license_id: str) -> pb.Standing:
        officer = await self.officer(number)
        timeline = await officer.standing.timeline(license_id)
        return (
            await officer.violations.confirm_reinstatement(
                license_id,
                timeline.pending_reinstatement.reinstatement_id,
                rationale=WHY,
                etag=timeline.etag,
            )
        ).standing


def issue_event(
    partner_id: str = "example-1", lease_seconds: int = 10
) -> applications.LicenseIssued:
    now = datetime.now(UTC)
    grant = applications.LicenseGrant(
        license_id=str(uuid.uuid4()),
        license_number="SC-2026-000001",
        partner_id=partner_id,
        items=[
            applications_model.Item(
                model_id="frontier-1", access_mode=applications_model.ACCESS_MODE_HOSTED_ACCESS
            )
        ],
        destinations=["DE"],
        end_uses=[applications_model.END_USE_HEALTHCARE],
        not_before=to_timestamp(now - timedelta(days=1)),
        not_after=to_timestamp(now + timedelta(days=365)),
        lease_seconds=lease_seconds,
    )
    return applications.LicenseIssued(application_id=str(uuid.uuid4()), license=grant)


async def eventually(
    condition: Callable[[], Awaitable[bool]] | Callable[[], bool], seconds: float = SECONDS
) -> None:
    """Waits until the condition holds; fails when it does not in time."""
    async with asyncio.timeout(seconds):
        while True:
            holds = condition()
            if await holds if isinstance(holds, Awaitable) else holds:
                return
            await asyncio.sleep(0.02)
