"""Asks a broker for the id of a topic: a topic that is deleted and created again has another id.

Kafka tells it since version 10 of the Metadata request. aiokafka ends at version 5, so the later
one is described here (KIP-516, KIP-482).
"""

from __future__ import annotations

from io import BytesIO
from typing import Any, Final
from uuid import UUID

from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    AbstractType,
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Schema,
    TaggedFields,
)

_API_KEY: Final = 3
_API_VERSION: Final = 12
_ANY: Final = UUID(int=0)
"""The id in a request that names its topic."""


class _Uuid(AbstractType[UUID]):  # type: ignore[misc]  # aiokafka ships no types
    """A UUID as 16 bytes."""

    @classmethod
    def encode(cls, value: UUID) -> bytes:
        """Returns its bytes."""
        return value.bytes

    @classmethod
    def decode(cls, data: BytesIO) -> UUID:
        """Returns the next UUID of the message."""
        return UUID(bytes=data.read(16))


class _MetadataResponse(Response):  # type: ignore[misc]  # aiokafka ships no types
    API_KEY = _API_KEY
    API_VERSION = _API_VERSION
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            CompactArray(
                ("node_id", Int32),
                ("host", CompactString("utf-8")),
                ("port", Int32),
                ("rack", CompactString("utf-8")),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_id", CompactString("utf-8")),
        ("controller_id", Int32),
        (
            "topics",
            CompactArray(
                ("error_code", Int16),
                ("name", CompactString("utf-8")),
                ("topic_id", _Uuid),
                ("is_internal", Boolean),
                (
                    "partitions",
                    CompactArray(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", CompactArray(Int32)),
                        ("isr", CompactArray(Int32)),
                        ("offline_replicas", CompactArray(Int32)),
                        ("tags", TaggedFields),
                    ),
                ),
                ("authorized_operations", Int32),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _MetadataStruct(RequestStruct):  # type: ignore[misc]  # aiokafka ships no types
    FLEXIBLE_VERSION = True
    API_KEY = _API_KEY
    API_VERSION = _API_VERSION
    RESPONSE_TYPE = _MetadataResponse
    SCHEMA = Schema(
        (
            "topics",
            CompactArray(
                ("topic_id", _Uuid), ("name", CompactString("utf-8")), ("tags", TaggedFields)
            ),
        ),
        ("allow_auto_topic_creation", Boolean),
        ("include_topic_authorized_operations", Boolean),
        ("tags", TaggedFields),
    )


class _MetadataRequest(Request[_MetadataStruct]):  # type: ignore[misc]  # aiokafka ships no types
    API_KEY = _API_KEY

    def __init__(self, topic: str) -> None:
        self._topic = topic

    def build(self, request_struct_class: type[Any]) -> Any:
        """Returns the request for one topic, which must not create it."""
        return request_struct_class([(_ANY, self._topic, {})], False, False, {})


async def topic_id(client: AIOKafkaClient, topic: str) -> UUID:
    """Returns the id of the topic. Raises LookupError if it does not exist, and aiokafka's errors.

    `client` is connected.
    """
    node_id = client.get_random_node()
    if node_id is None:
        raise LookupError("no broker is known")
    response = await client.send(node_id, _MetadataRequest(topic))
    ((error_code, _, found, *_),) = response.topics
    if error_code or found == _ANY:
        raise LookupError(f"topic {topic} has no id: Kafka's error {error_code}")
    identifier: UUID = found
    return identifier
