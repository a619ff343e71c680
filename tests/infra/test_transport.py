"""The local stack trusts no network: TLS everywhere, and each client may do only what it needs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError

from chassis.transport.brokers import Brokers, client_options
from chassis.transport.renewed_tls import TlsFiles
from infra.local import certificate_authority as ca
from infra.local.postgres import binaries, has_tls
from infra.local.stack import Stack

OWN, FOREIGN = "safeconduct.screening.v1", "safeconduct.applications.v1"

WITH_TLS = pytest.mark.skipif(
    not has_tls(binaries()), reason="this PostgreSQL was built without TLS; set PG_BIN to another"
)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("transport"), autostart=False) as started:
        yield started


def brokers(stack: Stack, identity: ca.Identity) -> Brokers:
    return Brokers(stack.kafka.addresses, TlsFiles(identity.ca, identity.cert, identity.key))


async def write(bootstrap: Brokers, topic: str) -> None:
    producer = AIOKafkaProducer(**client_options(bootstrap), request_timeout_ms=5_000)
    try:
        await producer.start()
        await producer.send_and_wait(topic, b"x")
    finally:
        await producer.stop()


async def read(bootstrap: Brokers, topic: str) -> object:
    consumer = AIOKafkaConsumer(
        topic, **client_options(bootstrap), auto_offset_reset="earliest", request_timeout_ms=5_000
    )
    try:
        await consumer.start()
        return await consumer.getone()
    finally:
        await consumer.stop()


async def test_a_service_writes_its_own_topic_and_no_other(stack: Stack) -> None:
    screening = brokers(stack, stack.identity("service/screening"))

    await write(screening, OWN)

    with pytest.raises(KafkaError, match="TopicAuthorizationFailed"):
        await write(screening, FOREIGN)
    with pytest.raises(KafkaError, match="TopicAuthorizationFailed"):
        await write(screening, "safeconduct.standing.v1")


async def test_a_partner_reads_and_writes_nothing(stack: Stack) -> None:
    partner = brokers(stack, stack.identity("partner/example-1"))

    with pytest.raises(KafkaError, match="TopicAuthorizationFailed"):
        await write(partner, OWN)
    with pytest.raises(KafkaError, match="TopicAuthorizationFailed"):
        await read(partner, OWN)


async def test_operators_read_events_and_write_no_standing(stack: Stack) -> None:
    await write(brokers(stack, stack.identity("service/screening")), OWN)
    operator = brokers(
        stack, ca.issue(stack.certificates, "kafka-operator", "spiffe://x.example/operator/x")
    )

    assert await read(operator, OWN)
    with pytest.raises(KafkaError, match="TopicAuthorizationFailed"):
        await write(operator, "safeconduct.standing.v1")


async def test_a_client_without_a_certificate_is_refused(stack: Stack) -> None:
    nobody = Brokers(stack.kafka.addresses, TlsFiles(stack.certificates / "ca.crt"))

    with pytest.raises(KafkaError):
        await read(nobody, OWN)


async def test_a_client_without_tls_is_refused(stack: Stack) -> None:
    consumer = AIOKafkaConsumer(
        OWN, bootstrap_servers=stack.kafka.addresses, request_timeout_ms=2_000
    )
    with pytest.raises(KafkaError):
        await consumer.start()
    await consumer.stop()


async def test_a_certificate_of_another_authority_is_refused(stack: Stack, tmp_path: Path) -> None:
    forged = ca.issue(
        tmp_path, "service-screening", "spiffe://safeconduct.example/service/screening"
    )
    files = TlsFiles(stack.certificates / "ca.crt", forged.cert, forged.key)

    with pytest.raises(KafkaError):
        await write(Brokers(stack.kafka.addresses, files), OWN)


@WITH_TLS
async def test_postgresql_refuses_a_connection_without_tls(stack: Stack) -> None:
    plain = stack.database("screening").app_dsn.partition("?")[0] + "?sslmode=disable"

    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
        await asyncpg.connect(plain)


@WITH_TLS
async def test_a_database_with_another_authoritys_certificate_is_not_believed(
    stack: Stack, tmp_path: Path
) -> None:
    dsn = stack.database("screening").app_dsn.partition("?")[0]
    other = ca.authority(tmp_path)

    with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
        await asyncpg.connect(f"{dsn}?sslmode=verify-full&sslrootcert={other}")
