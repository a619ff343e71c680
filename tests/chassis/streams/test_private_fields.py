"""Private fields of Faust, mode and aiokafka that our code leans on, and the versions they are of.

If an upgrade fails here: read the module that the failure names, adapt it to the new version, run
the tests of this folder, and only then change `VERSIONS`.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
from collections.abc import AsyncIterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import faust
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from chassis.streams.consumer import Consumer
from chassis.streams.dead_letters import DeadLetterWriter
from chassis.streams.envelope import Envelope
from chassis.streams.event_processor import EventProcessor
from chassis.streams.faust_app import assigned_partitions, is_thread_dead
from infra.local.kafka import Kafka
from tests.chassis.conftest import NewTopic
from tests.chassis.sample_aggregate import telemetry
from tests.chassis.waiting import eventually, stopped

VERSIONS: Final = {"faust-streaming": "0.15.3", "mode-streaming": "0.7.1", "aiokafka": "0.14.0"}


@dataclass(frozen=True, slots=True)
class Field:
    """A private field by its path from one of the objects of `Running`, and what it is for."""

    path: str
    library: str
    module: str
    purpose: str


CONSUMER, CLIENT = "consumer._thread", "consumer._thread._consumer"
FAUST_APP: Final = "chassis.streams.faust_app"
RELAY_PRODUCER: Final = "chassis.streams.relay_producer"
FIELDS: Final = (
    Field("app._create_directories", "faust-streaming", FAUST_APP, "overridden to write no files"),
    Field(CONSUMER, "faust-streaming", FAUST_APP, "the thread that fetches and commits"),
    Field(CLIENT, "faust-streaming", FAUST_APP, "aiokafka's consumer in that thread"),
    Field(f"{CLIENT}._coordinator", "aiokafka", FAUST_APP, "its group coordinator"),
    Field(f"{CLIENT}._coordinator._coordination_task", "aiokafka", FAUST_APP, "tells that it runs"),
    Field(f"{CLIENT}._coordinator.check_errors", "aiokafka", FAUST_APP, "raises a kept error"),
    Field(f"{CONSUMER}.thread_loop", "mode-streaming", FAUST_APP, "where the check must run"),
    Field(f"{CONSUMER}._thread", "mode-streaming", FAUST_APP, "tells whether the thread is alive"),
    Field("producer._sender.close", "aiokafka", RELAY_PRODUCER, "stops without a flush"),
    Field("producer.client.close", "aiokafka", RELAY_PRODUCER, "stops without a flush"),
    Field("producer.client.force_metadata_update", "aiokafka", RELAY_PRODUCER, "is answered"),
    Field(
        "table._client.fetch_all_metadata",
        "aiokafka",
        "chassis.streams.topic_table",
        "partitions of a topic without a subscription",
    ),
    Field("table._client.send", "aiokafka", "chassis.streams.topic_id", "a request of our own"),
    Field("table._client.get_random_node", "aiokafka", "chassis.streams.topic_id", "its broker"),
)


@dataclass(frozen=True, slots=True)
class Running:
    """The objects whose private fields are used, all of them running."""

    app: faust.App
    consumer: Any
    producer: AIOKafkaProducer
    table: AIOKafkaConsumer
    group: str


@pytest.fixture(scope="module")
async def running(kafka: Kafka, new_topic: NewTopic) -> AsyncIterator[Running]:
    topic = await new_topic()
    group = f"group-{topic}"

    async def handle(_: Envelope) -> None:
        """Nothing is published."""

    dead_letters = DeadLetterWriter(kafka.bootstrap, group)
    processor = EventProcessor(group, {topic: handle}, dead_letters, None, telemetry())
    consumer = Consumer(kafka.bootstrap, processor, telemetry())
    task = asyncio.create_task(consumer.run())
    await eventually(lambda: consumer.is_assigned, "the partition is assigned")
    app = consumer._app
    assert app is not None
    async with (
        AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, enable_idempotence=True) as producer,
        AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap) as table,
    ):
        yield Running(app, app.consumer, producer, table, group)
    await stopped(task)
    await dead_letters.close()
    # After a regular stop, and only then, the thread counts as dead.
    assert is_thread_dead(app)
    gc.collect()


pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.mark.parametrize("library", VERSIONS)
def test_the_library_is_of_the_version_whose_private_fields_we_know(library: str) -> None:
    assert version(library) == VERSIONS[library], (
        f"{library} {version(library)} is installed, but our code leans on private fields of"
        f" {VERSIONS[library]}: follow the steps at the top of {Path(__file__).name}"
    )


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.path)
async def test_the_private_field_exists(field: Field, running: Running) -> None:
    found: Any = running
    for name in field.path.split("."):
        found = getattr(found, name, None)
        assert found is not None, (
            f"{field.library} {version(field.library)} has no {field.path} ({field.purpose}):"
            f" adapt {field.module}"
        )


async def test_the_private_fields_are_what_we_take_them_for(running: Running) -> None:
    thread = running.consumer._thread
    coordinator = thread._consumer._coordinator

    assert isinstance(coordinator._coordination_task, asyncio.Task)
    assert thread.thread_loop.is_running()
    assert thread._thread.is_alive()
    assert not is_thread_dead(running.app)
    assert assigned_partitions(running.app) == 1
    assert inspect.iscoroutinefunction(running.producer._sender.close)
    assert inspect.iscoroutinefunction(running.producer.client.close)
    assert await running.producer.client.force_metadata_update() is True


async def test_a_consumer_writes_no_folder_of_its_own(running: Running) -> None:
    assert not Path(f"{running.group}-data").exists()  # noqa: ASYNC240 - one look; Faust's tables would be there
