"""The rights to write and read the topics: the access control lists of the brokers.

Usage: `python -m chassis.streams.topic_access --bootstrap HOST:PORT --file infra/topics.yaml`, as a
superuser of the brokers, whom the variables SAFECONDUCT_KAFKA_ of docs/configuration.md name.

A service writes its own topics and no other, reads what it consumes, and writes the dead letters of
what it consumes. Operators' commands read everything and redrive dead letters; nobody but
enforcement writes standings. The broker takes a client's name from its certificate.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, for_code
from aiokafka.protocol.admin import CreateAclsRequest_v1, DescribeAclsRequest
from aiokafka.protocol.api import Request

from chassis.settings import load
from chassis.streams.topics import Topic, read_topics
from chassis.transport.brokers import Bootstrap, client_options
from chassis.transport.settings import KafkaTlsSettings

# Numbers of the Kafka protocol, from org.apache.kafka.common.acl and .resource.
TOPIC: Final = 2
GROUP: Final = 3
READ: Final = 3
WRITE: Final = 4
_ANY: Final = 1
_LITERAL: Final = 3
_ALLOW: Final = 3
_PATIENCE_S: Final = 30.0
_PAUSE_S: Final = 0.05

OPERATOR: Final = "User:kafka-operator"
"""The broker's name of operators' commands, if none is given."""


def service_user(service: str) -> str:
    """Returns the broker's name of a service whose certificate has CN=service-SERVICE."""
    return f"User:service-{service}"


def consumer_group(service: str) -> str:
    """Returns the name of the consumer group of a service."""
    return f"safeconduct.{service}"


class Rule(NamedTuple):
    """Allows an operation on a resource. Reading and writing include describing."""

    user: str
    resource: int
    name: str
    operation: int


def service_rules(
    topics: Iterable[Topic], user: Callable[[str], str] = service_user
) -> Iterator[Rule]:
    """Yields what the services may do. `user` returns the broker's name of a service."""
    readers: set[str] = set()
    for topic in topics:
        for writer in topic.writers:
            yield Rule(user(writer), TOPIC, topic.name, WRITE)
        for reader in topic.readers:
            yield Rule(user(reader), TOPIC, topic.name, READ)
        readers.update(topic.readers)
    for reader in sorted(readers):
        yield Rule(user(reader), GROUP, consumer_group(reader), READ)


def operator_rules(topics: Sequence[Topic], user: str = OPERATOR) -> Iterator[Rule]:
    """Yields what operators' commands may do: read all topics, and redrive dead letters."""
    dead_letters = {topic.name for topic in topics if topic.name.endswith(".dlq")}
    for topic in topics:
        yield Rule(user, TOPIC, topic.name, READ)
        if topic.name in dead_letters or f"{topic.name}.dlq" in dead_letters:
            yield Rule(user, TOPIC, topic.name, WRITE)


async def grant(bootstrap: Bootstrap, rules: Iterable[Rule]) -> None:
    """Allows what the rules say, and takes nothing away. The client must be a superuser.

    Returns when every broker knows the rules. Raises ValueError if the cluster refuses a rule, for
    instance because it has no authorizer. Raises KafkaError, and TimeoutError after 30 seconds.
    """
    wanted = list(dict.fromkeys(rules))
    client = AIOKafkaClient(**client_options(bootstrap), request_timeout_ms=15_000)
    try:
        async with asyncio.timeout(_PATIENCE_S):
            await client.bootstrap()
            # Any broker takes the rules to the controller.
            answer = await client.send(client.get_random_node(), _CreateAcls(wanted))
            for rule, (code, _message) in zip(wanted, answer.creation_responses, strict=True):
                if code:
                    raise ValueError(f"{rule.name} for {rule.user}: {for_code(code).__name__}")
            for broker in client.cluster.brokers():
                while not set(wanted) <= await _known(client, broker.nodeId):  # noqa: ASYNC110 - a broker sends no notice
                    await asyncio.sleep(_PAUSE_S)
    finally:
        await client.close()


async def _known(client: AIOKafkaClient, node_id: int) -> frozenset[Rule]:
    answer = await client.send(
        node_id, DescribeAclsRequest(_ANY, None, _ANY, None, None, _ANY, _ANY)
    )
    return frozenset(
        Rule(user, resource, name, operation)
        for resource, name, _pattern, entries in answer.resources
        for user, _host, operation, _permission in entries
    )


class _CreateAcls(Request[CreateAclsRequest_v1]):  # type: ignore[misc]  # aiokafka ships no types
    API_KEY = CreateAclsRequest_v1.API_KEY

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules

    def build(self, request_struct_class: type[Any]) -> Any:
        """Returns the request for all rules, from any host."""
        return request_struct_class(
            [
                (each.resource, each.name, _LITERAL, each.user, "*", each.operation, _ALLOW)
                for each in self._rules
            ]
        )


def main() -> int:
    """Runs the command and returns its exit code: 0 when all rights are given, 1 on an error."""
    parser = argparse.ArgumentParser(
        prog="python -m chassis.streams.topic_access",
        description="Allow services and operators' commands what the file of topics says.",
        epilog=(
            "It takes no rights away. Exit codes: 0 all rights are given, 1 a right was refused,"
            " 2 wrong arguments. Example: python -m chassis.streams.topic_access"
            " --bootstrap 127.0.0.1:9092 --file infra/topics.yaml"
        ),
    )
    parser.add_argument("--bootstrap", required=True, help="HOST:PORT[,HOST:PORT] of the brokers")
    parser.add_argument(
        "--file", required=True, type=Path, help="YAML file that declares the topics"
    )
    parser.add_argument(
        "--service-user",
        default=service_user("{service}"),
        help="the broker's name of a service (default %(default)s)",
    )
    parser.add_argument(
        "--operator-user",
        default=OPERATOR,
        help="the broker's name of operators' commands (default %(default)s)",
    )
    given = parser.parse_args()
    brokers = load(KafkaTlsSettings).brokers(given.bootstrap)
    try:
        topics = read_topics(given.file)
        names: str = given.service_user
        rules = (
            *service_rules(topics, lambda service: names.replace("{service}", service)),
            *operator_rules(topics, given.operator_user),
        )
        asyncio.run(grant(brokers, rules))
    except (ValueError, OSError, KafkaError) as error:
        print(f"rights were not given: {error}", file=sys.stderr)
        return 1
    print(f"{len(rules)} rights on {len(topics)} topics")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
