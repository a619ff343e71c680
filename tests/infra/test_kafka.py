"""Kafka of the local stack."""

from __future__ import annotations

from pathlib import Path

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from infra.local.kafka import Kafka


async def _create(cluster: Kafka, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=cluster.bootstrap)
    await admin.start()
    try:
        await admin.create_topics(
            [NewTopic(topic, num_partitions=1, replication_factor=cluster.replication)]
        )
    finally:
        await admin.close()


async def _produce(cluster: Kafka, topic: str, values: list[bytes]) -> None:
    async with AIOKafkaProducer(
        bootstrap_servers=cluster.bootstrap, acks="all", enable_idempotence=True
    ) as producer:
        for value in values:
            await producer.send_and_wait(topic, value)


async def _consume(cluster: Kafka, topic: str, count: int) -> list[bytes | None]:
    async with AIOKafkaConsumer(
        topic, bootstrap_servers=cluster.bootstrap, auto_offset_reset="earliest"
    ) as consumer:
        return [(await consumer.getone()).value for _ in range(count)]


async def test_what_is_produced_is_consumed_in_order(kafka: Kafka) -> None:
    await _create(kafka, "infra.order")
    values = [b"%d" % number for number in range(20)]

    await _produce(kafka, "infra.order", values)

    assert await _consume(kafka, "infra.order", 20) == values


async def test_what_was_acknowledged_survives_a_sigkill(tmp_path: Path) -> None:
    with Kafka(tmp_path / "kafka") as cluster:
        await _create(cluster, "infra.kept")
        await _produce(cluster, "infra.kept", [b"before"])
        first = cluster.pid()

        cluster.kill()
        assert cluster.brokers() == frozenset()
        cluster.start_node()
        await _produce(cluster, "infra.kept", [b"after"])

        assert cluster.pid() not in (None, first)
        assert await _consume(cluster, "infra.kept", 2) == [b"before", b"after"]


async def test_it_starts_again_on_the_data_it_left(tmp_path: Path) -> None:
    with Kafka(tmp_path / "kafka") as cluster:
        await _create(cluster, "infra.kept")
        await _produce(cluster, "infra.kept", [b"before"])

    with Kafka(tmp_path / "kafka") as cluster:
        assert await _consume(cluster, "infra.kept", 1) == [b"before"]
