"""Topics are created once, by declaration, on the real broker."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from chassis.streams.topics import Topic, _raise_sizes, create, read_topics
from infra.local.kafka import Kafka

SIZE = {"max.message.bytes": str(2 << 20)}


async def partitions(kafka: Kafka, name: str) -> int | None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        found = {
            entry["topic"]: len(entry["partitions"]) for entry in await admin.describe_topics()
        }
        return found.get(name)
    finally:
        await admin.close()


async def setting(kafka: Kafka, name: str, key: str) -> str:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])
        return next(entry[1] for entry in answer.resources[0][4] if entry[0] == key)
    finally:
        await admin.close()


async def test_a_missing_topic_is_created_with_its_partitions_and_settings(kafka: Kafka) -> None:
    assert await create(
        kafka.bootstrap, [Topic("made.v1", 3, {"cleanup.policy": "compact"})], 1
    ) == ["made.v1"]

    assert await partitions(kafka, "made.v1") == 3
    assert await setting(kafka, "made.v1", "cleanup.policy") == "compact"


async def test_creating_again_creates_nothing(kafka: Kafka) -> None:
    await create(kafka.bootstrap, [Topic("again.v1", 1)], 1)

    assert await create(kafka.bootstrap, [Topic("again.v1", 1)], 1) == []


async def test_two_commands_at_once_create_a_topic_once(kafka: Kafka) -> None:
    both = await asyncio.gather(
        *(create(kafka.bootstrap, [Topic("twice.v1", 2)], 1) for _ in range(2))
    )

    assert sorted(both) == [[], ["twice.v1"]]


async def test_fewer_partitions_than_declared_are_refused_and_not_changed(kafka: Kafka) -> None:
    await create(kafka.bootstrap, [Topic("few.v1", 2)], 1)

    with pytest.raises(ValueError, match=r"few\.v1 has 2 partitions, but 3 are declared"):
        await create(kafka.bootstrap, [Topic("other.v1", 1), Topic("few.v1", 3)], 1)

    assert await partitions(kafka, "few.v1") == 2
    assert await partitions(kafka, "other.v1") is None


async def test_more_partitions_than_declared_are_not_changed(kafka: Kafka) -> None:
    await create(kafka.bootstrap, [Topic("many.v1", 3)], 1)

    assert await create(kafka.bootstrap, [Topic("many.v1", 2)], 1) == []
    assert await partitions(kafka, "many.v1") == 3


async def test_an_existing_topic_that_accepts_only_smaller_records_is_raised_and_keeps_the_rest(
    kafka: Kafka,
) -> None:
    small = {"max.message.bytes": "1048576", "retention.ms": "-1"}
    await create(kafka.bootstrap, [Topic("small.v1", 1, small)], 1)

    assert await create(kafka.bootstrap, [Topic("small.v1", 1, SIZE)], 1) == []

    assert await setting(kafka, "small.v1", "max.message.bytes") == str(2 << 20)
    assert await setting(kafka, "small.v1", "retention.ms") == "-1"


async def test_a_topic_that_accepts_larger_records_than_declared_is_not_changed(
    kafka: Kafka,
) -> None:
    large = {"max.message.bytes": str(3 << 20)}
    await create(kafka.bootstrap, [Topic("large.v1", 1, large)], 1)

    await create(kafka.bootstrap, [Topic("large.v1", 1, SIZE)], 1)

    assert await setting(kafka, "large.v1", "max.message.bytes") == str(3 << 20)


async def test_a_topic_whose_settings_cannot_be_read_is_named(kafka: Kafka) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        # As while another command deletes a topic that was still listed.
        with pytest.raises(ValueError, match=r"gone\.v1: its settings are not readable: Unknown"):
            await _raise_sizes(admin, [Topic("gone.v1", 1, SIZE)])
    finally:
        await admin.close()


async def test_a_topic_that_the_broker_rejects_is_named(kafka: Kafka) -> None:
    with pytest.raises(ValueError, match=r"bad.v1: \w+"):
        await create(kafka.bootstrap, [Topic("bad.v1", 1, {"cleanup.policy": "burn"})], 1)


def test_a_dead_letter_topic_follows_its_topic_and_keeps_records_for_ever(tmp_path: Path) -> None:
    file = tmp_path / "topics.yaml"
    file.write_text(
        "topics:\n- {name: a.v1, partitions: 6, dlq: true}\n- {name: b.v1, partitions: 1}\n"
    )

    assert read_topics(file) == [
        Topic("a.v1", 6, SIZE),
        Topic("a.v1.dlq", 1, {"retention.ms": "-1", "max.message.bytes": str((2 << 20) + 4096)}),
        Topic("b.v1", 1, SIZE),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "topics:",
        "topics: [",
        "- a",
        "topics: [a]",
        "topics: [{name: a.v1}]",
        "topics: [{name: a.v1, partitions: many}]",
        "topics: [{name: a.v1, partitions: 1, partitons: 2}]",
        "topics: [{name: a.v1, partitions: 1, config: {max.message.bytes: 1048576}}]",
    ],
)
def test_a_file_that_declares_no_topics_is_refused_by_name(text: str, tmp_path: Path) -> None:
    file = tmp_path / "topics.yaml"
    file.write_text(text)

    with pytest.raises(ValueError, match=r"topics\.yaml"):
        read_topics(file)


def test_the_command_prints_the_created_topics_and_fails_in_one_line(
    kafka: Kafka, tmp_path: Path
) -> None:
    file = tmp_path / "topics.yaml"
    file.write_text("topics:\n- {name: command.v1, partitions: 1, dlq: true}\n")

    def run(bootstrap: str) -> subprocess.CompletedProcess[str]:
        command = [
            sys.executable,
            "-m",
            "chassis.streams.topics",
            "--bootstrap",
            bootstrap,
            "--file",
            str(file),
        ]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    first, again, failed = run(kafka.bootstrap), run(kafka.bootstrap), run("127.0.0.1:1")
    assert (first.returncode, first.stdout) == (
        0,
        "created 2 topic(s)\n  command.v1\n  command.v1.dlq\n",
    )
    assert (again.returncode, again.stdout) == (0, "created 0 topic(s)\n")
    assert failed.returncode == 1
    assert failed.stderr.splitlines()[-1].startswith("topics were not created: ")
