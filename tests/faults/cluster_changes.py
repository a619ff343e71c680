"""Changes of the Kafka cluster: the nodes of a partition, and a topic that is created anew."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import UnknownTopicOrPartitionError, for_code
from aiokafka.protocol.admin import AlterPartitionReassignmentsRequest

from chassis.streams.topics import create, read_topics
from chassis.transport.brokers import Bootstrap, client_options
from infra.local.stack import TOPICS

_PATIENCE_S: Final = 20.0


async def place(bootstrap: Bootstrap, topic: str, partition: int, nodes: Sequence[int]) -> None:
    """Moves a partition to these nodes; returns when all of them have every record.

    The settings of the topic stay. With fewer nodes than `min.insync.replicas`, the partition takes
    no records. A change of that setting would make Kafka forget which replica has every record, and
    a partition without a leader at that moment would stay without one.

    Raises KafkaError or TimeoutError.
    """
    async with _admin(bootstrap) as admin:
        request = AlterPartitionReassignmentsRequest(
            timeout_ms=10_000, topics=[(topic, [(partition, list(nodes), {})], {})], tags={}
        )
        _raise_for(await admin._send_to_controller(request))
        async with asyncio.timeout(_PATIENCE_S):
            while not await _is_placed(admin, topic, partition, nodes):  # noqa: ASYNC110 - Kafka does not notify
                await asyncio.sleep(0.2)


async def leader(bootstrap: Bootstrap, topic: str, partition: int, nodes: Sequence[int]) -> int:
    """Returns the node that leads a partition, once all these nodes are in sync.

    Only the leader may become the single replica: Kafka lets also a replica without all records
    take over if an operator asks for it. Raises KafkaError or TimeoutError.
    """
    async with _admin(bootstrap) as admin, asyncio.timeout(_PATIENCE_S):
        while True:
            found = await _described(admin, topic, partition)
            if set(found["isr"]) == set(nodes) and found["leader"] in nodes:
                return int(found["leader"])
            await asyncio.sleep(0.2)


async def recreate(bootstrap: Bootstrap, topic: str, replication: int) -> None:
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

    def __init__(self, bootstrap: Bootstrap) -> None:
        self._client = AIOKafkaAdminClient(**client_options(bootstrap), request_timeout_ms=15_000)

    async def __aenter__(self) -> AIOKafkaAdminClient:
        await self._client.start()
        return self._client

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()


async def _is_placed(
    admin: AIOKafkaAdminClient, topic: str, partition: int, nodes: Sequence[int]
) -> bool:
    """Returns True if exactly these nodes are replicas, all are in sync, and one of them leads."""
    found, wanted = await _described(admin, topic, partition), set(nodes)
    return set(found["replicas"]) == set(found["isr"]) == wanted and found["leader"] in wanted


async def _described(admin: AIOKafkaAdminClient, topic: str, partition: int) -> Mapping[str, Any]:
    (described,) = await admin.describe_topics([topic])
    return next(each for each in described["partitions"] if each["partition"] == partition)


def _raise_for(answer: Any) -> None:
    codes = [answer.error_code] + [
        result[1] for _, results, *_ in answer.responses for result in results
    ]
    for code in codes:
        if code:
            raise for_code(code)
