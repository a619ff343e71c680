"""Changes of the Kafka cluster: the nodes of a partition, and a topic that is created anew."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import UnknownTopicOrPartitionError, for_code
from aiokafka.protocol.admin import AlterPartitionReassignmentsRequest

from chassis.streams.topics import create, read_topics
from infra.local.stack import TOPICS

_PATIENCE_S: Final = 20.0


async def place(
    bootstrap: str, topic: str, partition: int, nodes: Sequence[int], *, in_sync: int
) -> None:
    """Moves a partition to these nodes and sets how many of them must have each record.

    Returns when the move is over. Raises KafkaError.
    """
    async with _admin(bootstrap) as admin:
        await _set_in_sync(admin, topic, in_sync)
        request = AlterPartitionReassignmentsRequest(
            timeout_ms=10_000, topics=[(topic, [(partition, list(nodes), {})], {})], tags={}
        )
        _raise_for(await admin._send_to_controller(request))
        async with asyncio.timeout(_PATIENCE_S):
            while await _replicas(admin, topic, partition) != set(nodes):  # noqa: ASYNC110 - Kafka does not notify
                await asyncio.sleep(0.2)


async def recreate(bootstrap: str, topic: str, replication: int) -> None:
    """Deletes the topic and creates it as `infra/topics.yaml` declares it. Raises KafkaError."""
    async with _admin(bootstrap) as admin:
        answer = await admin.delete_topics([topic])
        for _, code in answer.topic_error_codes:
            if code and for_code(code) is not UnknownTopicOrPartitionError:
                raise for_code(code)
    async with asyncio.timeout(_PATIENCE_S):
        while True:
            # The name is free only after all nodes have deleted the topic.
            try:
                if topic in await create(bootstrap, read_topics(TOPICS), replication):
                    return
            except ValueError:
                pass
            await asyncio.sleep(0.2)


class _admin:  # noqa: N801 - used like a function
    """An admin client that is started and closed."""

    def __init__(self, bootstrap: str) -> None:
        self._client = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=15_000)

    async def __aenter__(self) -> AIOKafkaAdminClient:
        await self._client.start()
        return self._client

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()


async def _set_in_sync(admin: AIOKafkaAdminClient, topic: str, in_sync: int) -> None:
    # The request replaces all settings of the topic, so the declared ones are sent again.
    (declared,) = (each.config for each in read_topics(TOPICS) if each.name == topic)
    configs = {**declared, "min.insync.replicas": str(in_sync)}
    if in_sync == 1:
        # After an unclean stop the only replica would not be elected again, although its log is the
        # only one and lacks nothing.
        configs["unclean.leader.election.enable"] = "true"
    await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs)])


async def _replicas(admin: AIOKafkaAdminClient, topic: str, partition: int) -> set[int]:
    (described,) = await admin.describe_topics([topic])
    return next(
        set(each["replicas"]) for each in described["partitions"] if each["partition"] == partition
    )


def _raise_for(answer: Any) -> None:
    codes = [answer.error_code] + [
        result[1] for _, results, *_ in answer.responses for result in results
    ]
    for code in codes:
        if code:
            raise for_code(code)
