"""Decides applications on one database as the service does, without RPC and without screening.

Request {"run": n}: submits n applications and concludes their screening through the service's own
journal, codec, policy and event handlers, with relay, change feed and timers running. The answer is
the CPU seconds.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg
import uvloop
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf.timestamp_pb2 import Timestamp
from safeconduct.applications.v1 import service_pb2
from safeconduct.cli.application_file import read_application
from safeconduct.screening.v1 import events_pb2, model_pb2

from chassis.rpc.page_tokens import PageTokens
from chassis.store.change_feed import ChangeFeed
from chassis.store.idempotency import IdempotencyKey
from chassis.store.journal import Journal
from chassis.store.timers import Timers
from chassis.streams.envelope import Envelope
from chassis.streams.outbox_record import Address, OutboxRecord
from chassis.streams.relay import Relay
from chassis.streams.relay_metrics import RelayMetrics
from chassis.telemetry.tracing import setup
from chassis.transport.brokers import Brokers
from chassis.transport.renewed_tls import TlsFiles
from services.applications import __main__ as service
from services.applications.core.commands import Submit
from services.applications.core.decide import decide
from services.applications.shell import codec
from services.applications.shell.application_service import details_of
from services.applications.shell.dependencies import Dependencies
from services.applications.shell.event_handlers import EventHandlers
from services.applications.shell.license_documents import LicenseSigner
from services.applications.shell.policy_file import load_policy
from services.applications.shell.projections import ApplicationStream
from services.applications.shell.reference_data import load_reference_file
from services.applications.shell.signing_keys import SigningKeys
from services.applications.shell.stored_documents import StoredDocuments, document_table
from services.applications.shell.stored_texts import StoredTexts
from tests.bench.child_processes import lines, respond, settings

CALLERS: Final = 4
PARTNER: Final = "example-1"


@dataclass(frozen=True, slots=True)
class Decider:
    """The service's dependencies and event handlers, and the request to submit."""

    office: Dependencies
    hearing: EventHandlers
    request: service_pb2.SubmitApplicationRequest

    async def decide_one(self) -> None:
        """Submits one application and concludes its screening; every party is clear."""
        application_id, office = uuid4(), self.office
        request = service_pb2.SubmitApplicationRequest(
            request_id=str(uuid4()), details=self.request.details
        )
        command = Submit(
            application_id, PARTNER, details_of(request.details), office.reference_data
        )
        await office.journal.execute(
            application_id,
            IdempotencyKey.of_request(f"partner/{PARTNER}", "SubmitApplication", request),
            f"partner/{PARTNER}",
            lambda state: decide(state, command, office.clock()),
            lambda state: service_pb2.SubmitApplicationResponse(
                application=codec.application(state, office.texts.codes)
            ),
            service_pb2.SubmitApplicationResponse,
        )
        await self.hearing.screening(self._cleared(str(application_id)))

    def _cleared(self, application_id: str) -> Envelope:
        screened_at = Timestamp()
        screened_at.FromDatetime(datetime.now(UTC))
        parties = [
            model_pb2.PartyScreening(
                party_id=party.party_id, result=model_pb2.SCREENING_RESULT_CLEAR
            )
            for party in self.request.details.parties
        ]
        request = events_pb2.ScreeningCompleted(
            screening_id=str(uuid4()),
            application_id=application_id,
            partner_id=PARTNER,
            parties=parties,
            list_version="CSL/1",
            config_version="1",
            screened_at=screened_at,
        )
        return Envelope(
            event_id=uuid4(),
            type="ScreeningCompleted",
            source="/screening",
            stream_id=UUID(application_id),
            version=2,
            occurred_at=datetime.now(UTC),
            traceparent="",
            payload=request.SerializeToString(),
            topic="safeconduct.screening.v1",
            partition=0,
            offset=0,
        )

    async def run(self, count: int) -> None:
        """Runs `count` operations with a fixed number of callers."""
        numbers = iter(range(count))

        async def caller() -> None:
            for _ in numbers:
                await self.decide_one()

        await asyncio.gather(*(caller() for _ in range(CALLERS)))


async def main(given: dict[str, Any]) -> None:
    """Serves requests until the parent process ends."""
    telemetry = setup("bench", "0", None, "ERROR")
    pool = await asyncpg.create_pool(
        given["dsn"], min_size=0, max_size=8, command_timeout=60, reset=_keep
    )
    wakes: list[Callable[[], None]] = []
    signer = LicenseSigner(Ed25519PrivateKey.generate(), "safeconduct.example")
    journal: Journal[Any, Any] = Journal(
        pool,
        ApplicationStream(),
        telemetry,
        lambda: [wake() for wake in wakes] and None,
        event_table=document_table(signer),
    )
    tail = ChangeFeed(journal, "partner_id")
    policy = service.HERE / "policy"
    reference_file = load_reference_file(policy / "reference.yaml")
    rules = load_policy(policy / "policy.yaml")
    office = Dependencies(
        journal=journal,
        change_feed=tail,
        page_tokens=PageTokens([bytes(32)]),
        reference_data=reference_file.reference_data,
        signing_terms=reference_file.signing_terms,
        policy=rules,
        documents=StoredDocuments(journal, signer, lambda: datetime.now(UTC)),
        signing_keys=SigningKeys(journal, signer),
        texts=StoredTexts(journal, (rules.text, *reference_file.texts)),
        trace_url_template="",
    )
    hearing = EventHandlers(office)
    relay = Relay(
        given["dsn"],
        Brokers(given["bootstrap"], TlsFiles(*map(Path, given["kafka_files"]))),
        "/bench",
        service.PACKAGE,
        _to(given["topic"]),
        telemetry,
        RelayMetrics(telemetry.registry),
    )
    wakes += [relay.wake, tail.wake]
    beside = [
        asyncio.create_task(run())
        for run in (relay.run, tail.run, Timers(journal, hearing.due).run)
    ]
    details = read_application(Path(given["application"]), datetime.now(UTC))
    desk = Decider(office, hearing, service_pb2.SubmitApplicationRequest(details=details))
    respond({"ready": True})
    async for request in lines():
        began, cpu = time.perf_counter(), time.process_time()
        await desk.run(request["run"])
        while await pool.fetchval("select count(*) from outbox"):  # noqa: ASYNC110 - the relay has no callback
            await asyncio.sleep(0.02)
        respond({"cpu": time.process_time() - cpu, "seconds": time.perf_counter() - began})
    for task in beside:
        task.cancel()
    with suppress(asyncio.CancelledError):
        await asyncio.gather(*beside)
    pool.terminate()


def _to(topic: str) -> Callable[[OutboxRecord], tuple[Address, bytes]]:
    return lambda record: (Address(topic), str(record.stream_id).encode())


async def _keep(connection: asyncpg.Connection) -> None:
    """Keeps pooled connections as they are, as the services do."""


if __name__ == "__main__":
    asyncio.Runner(loop_factory=uvloop.new_event_loop).run(main(settings()))
