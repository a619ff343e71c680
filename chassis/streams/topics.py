"""Creates the Kafka topics that a file declares.

Usage: `python -m chassis.streams.topics --bootstrap HOST:PORT --file infra/topics.yaml`.

TLS is set by the variables SAFECONDUCT_KAFKA_ of docs/configuration.md.

Producers never create topics. Of an existing topic one setting is changed: if max.message.bytes is
below the declared value, it is raised, because records of the allowed size could not be sent. If a
topic has fewer partitions than declared, that is an error: adding partitions later would break the
order of each key.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from chassis.settings import load
from chassis.streams.dead_letters import dead_letter_topic
from chassis.streams.record_size import MAX_DEAD_LETTER_BYTES, MAX_RECORD_BYTES
from chassis.transport.brokers import Bootstrap, client_options
from chassis.transport.settings import KafkaTlsSettings
from chassis.yaml_files import load_yaml

_KEYS: Final = frozenset({"name", "partitions", "config", "writer", "readers", "dlq"})
_SIZE: Final = "max.message.bytes"
_SET_ON_TOPIC: Final = 1
"""Kafka's number for a setting of the topic itself, DYNAMIC_TOPIC_CONFIG."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A declared topic. `config` holds Kafka topic settings, for instance retention.ms.

    `writers` and `readers` are the names of the services that may write and read it.
    """

    name: str
    partitions: int
    config: dict[str, str] = field(default_factory=dict)
    writers: tuple[str, ...] = ()
    readers: tuple[str, ...] = ()


def read_topics(file: Path) -> list[Topic]:
    """Returns the topics that the file declares, each followed by its dead-letter topic, if any.

    Raises ValueError that names the file and the wrong entry.
    """
    topics: list[Topic] = []
    try:
        entries = list(load_yaml(file)["topics"])
    except (KeyError, TypeError):
        raise ValueError(f"{file}: the key topics must hold a list of topics") from None
    for number, entry in enumerate(entries):
        known = isinstance(entry, dict) and set(entry) <= _KEYS
        if (
            not known
            or not isinstance(entry.get("name"), str)
            or not isinstance(entry.get("partitions"), int)
        ):
            raise ValueError(
                f"{file}: topics[{number}] must have a name and a number of partitions;"
                " it may have config, writer, readers and dlq, and no other key"
            )
        writers = (str(entry["writer"]),) if entry.get("writer") else ()
        readers = tuple(map(str, entry.get("readers") or ()))
        config = {key: str(value) for key, value in (entry.get("config") or {}).items()}
        if config.setdefault(_SIZE, str(MAX_RECORD_BYTES)) != str(MAX_RECORD_BYTES):
            raise ValueError(
                f"{file}: topics[{number}]: {_SIZE} must be {MAX_RECORD_BYTES}, the largest record"
                " that the services send"
            )
        topics.append(Topic(entry["name"], entry["partitions"], config, writers, readers))
        if entry.get("dlq"):
            # -1: dead letters are kept for ever, because they wait for a person.
            kept = {"retention.ms": "-1", _SIZE: str(MAX_DEAD_LETTER_BYTES)}
            topics.append(Topic(dead_letter_topic(entry["name"]), 1, kept, writers=readers))
    return topics


async def create(bootstrap: Bootstrap, topics: list[Topic], replication: int) -> list[str]:
    """Creates the topics that are missing and returns their names.

    If an existing topic accepts smaller records than declared, its max.message.bytes is raised.
    Raises ValueError if an existing topic has fewer partitions than declared, if its settings
    cannot be read, or if a topic cannot be created. Raises KafkaError.
    """
    admin = AIOKafkaAdminClient(**client_options(bootstrap), request_timeout_ms=15_000)
    try:
        await admin.start()
        existing = {
            entry["topic"]: len(entry["partitions"]) for entry in await admin.describe_topics()
        }
        for topic in topics:
            if topic.name in existing and existing[topic.name] < topic.partitions:
                raise ValueError(
                    f"{topic.name} has {existing[topic.name]} partitions,"
                    f" but {topic.partitions} are declared"
                )
        await _raise_sizes(admin, [topic for topic in topics if topic.name in existing])
        missing = [topic for topic in topics if topic.name not in existing]
        if missing:
            answer = await admin.create_topics(
                [
                    NewTopic(
                        topic.name,
                        num_partitions=topic.partitions,
                        replication_factor=replication,
                        topic_configs=topic.config,
                    )
                    for topic in missing
                ]
            )
            for name, code, *_ in answer.topic_errors:
                if code and for_code(code) is not TopicAlreadyExistsError:
                    raise ValueError(f"{name}: {for_code(code).__name__}")
            created = {name for name, code, *_ in answer.topic_errors if not code}
            missing = [topic for topic in missing if topic.name in created]
        return [topic.name for topic in missing]
    finally:
        await admin.close()


async def _raise_sizes(admin: AIOKafkaAdminClient, topics: Sequence[Topic]) -> None:
    """Raises max.message.bytes of the existing topics that have less than is declared."""
    declared = {topic.name: topic.config[_SIZE] for topic in topics if _SIZE in topic.config}
    if not declared:
        return
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in declared]
    answers: list[Any] = await admin.describe_configs(resources)
    changes = []
    for answer in answers:
        for code, _message, _type, name, entries in answer.resources:
            if code:  # the topic may be deleted at this moment
                raise ValueError(
                    f"{name}: its settings are not readable: {for_code(code).__name__}"
                )
            settings = {entry[0]: entry[1] for entry in entries}
            if int(settings[_SIZE]) < int(declared[name]):
                # The request replaces all settings of a topic: its own ones are sent again.
                own = {entry[0]: entry[1] for entry in entries if entry[3] == _SET_ON_TOPIC}
                changes.append(_resource(name, own | {_SIZE: declared[name]}))
    if not changes:
        return
    altered: list[Any] = await admin.alter_configs(changes)
    for answer in altered:
        for code, _message, _type, name in answer.resources:
            if code:
                raise ValueError(f"{name}: {_SIZE} is not raised: {for_code(code).__name__}")


def _resource(name: str, settings: Mapping[str, str]) -> ConfigResource:
    return ConfigResource(ConfigResourceType.TOPIC, name, dict(settings))


def main() -> int:
    """Runs the command and returns its exit code: 0 when all topics exist, 1 on an error."""
    parser = argparse.ArgumentParser(
        prog="python -m chassis.streams.topics",
        description="Create the declared topics that do not exist yet.",
        epilog=(
            "Exit codes: 0 all topics exist, 1 a topic could not be created, 2 wrong arguments."
            " Example: python -m chassis.streams.topics --bootstrap 127.0.0.1:9092"
            " --file infra/topics.yaml --replication 3"
        ),
    )
    parser.add_argument("--bootstrap", required=True, help="HOST:PORT[,HOST:PORT] of the brokers")
    parser.add_argument(
        "--file", required=True, type=Path, help="YAML file that declares the topics"
    )
    parser.add_argument(
        "--replication", type=int, default=1, help="replicas of each partition (default 1)"
    )
    given = parser.parse_args()
    brokers = load(KafkaTlsSettings).brokers(given.bootstrap)
    try:
        created = asyncio.run(create(brokers, read_topics(given.file), given.replication))
    except (ValueError, OSError, KafkaError) as error:
        print(f"topics were not created: {error}", file=sys.stderr)
        return 1
    print(f"created {len(created)} topic(s)" + "".join(f"\n  {name}" for name in created))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
