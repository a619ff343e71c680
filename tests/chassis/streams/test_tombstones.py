"""Tombstones reach the partitions of their keys, and readers of the topic as empty records."""

from __future__ import annotations

import asyncio

from chassis.streams.tombstones import send_tombstones
from chassis.streams.topic_table import Entry, TopicTableReader
from infra.local.kafka import Kafka
from tests.chassis.conftest import NewTopic
from tests.chassis.waiting import stopped


async def test_each_key_gets_an_empty_record_in_its_partition(
    kafka: Kafka, new_topic: NewTopic
) -> None:
    topic = await new_topic(2)

    await send_tombstones(kafka.bootstrap, topic, "/samples", [(0, b"one"), (1, b"other")])

    passed: list[Entry] = []
    reader = TopicTableReader(kafka.bootstrap, topic, passed.extend)
    running = asyncio.create_task(reader.run())
    await reader.caught_up.wait()
    assert {(each.partition, each.key, each.value) for each in passed} == {
        (0, b"one", b""),
        (1, b"other", b""),
    }
    await stopped(running)
