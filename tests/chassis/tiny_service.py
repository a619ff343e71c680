"""The smallest service, run as a process: `python -m tests.chassis.tiny_service serve`.

TINY_FAULT selects a fault: `build`, `task` (a task that ends), `stuck` (a handler that never ends).
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from google.protobuf import descriptor_pb2, descriptor_pool
from safeconduct.applications.v1 import service_pb2_grpc

import chassis.streams.consumer
from chassis.service import Runtime, Service, main
from chassis.settings import ServiceSettings
from chassis.store.change_feed import ChangeFeed
from chassis.streams.envelope import Envelope
from chassis.streams.outbox_record import Address
from tests.chassis.sample_aggregate import SampleStream

FAULT = os.environ.get("TINY_FAULT", "")


def declare_events(topic: str) -> None:
    """Declares `Added` as the only event that this release knows of the topic."""
    file = descriptor_pb2.FileDescriptorProto(
        name=f"{topic.replace('.', '/')}/events.proto", package="samples"
    )
    file.message_type.add(name="Added")
    descriptor_pool.Default().AddSerializedFile(file.SerializeToString())


async def ends_by_itself() -> None:
    """Ends, which no background task of a service may do."""


async def handle(_: Envelope) -> None:
    if FAULT == "stuck":
        print("stuck", flush=True)
        await asyncio.Event().wait()


def build(runtime: Runtime[ServiceSettings]) -> Service:
    if FAULT == "build":
        raise ValueError("cannot be built")
    declare_events(os.environ["TINY_TOPIC"])
    change_feed = ChangeFeed(runtime.journal(SampleStream()), "owner")
    runtime.commit_listeners.append(change_feed.wake)
    name = "safeconduct.applications.v1.ApplicationService"
    servicer = service_pb2_grpc.ApplicationServiceServicer()
    return Service(
        registrations=(
            (service_pb2_grpc.add_ApplicationServiceServicer_to_server, servicer, name),
        ),
        handlers={os.environ["TINY_TOPIC"]: handle},
        route=lambda record: (Address(os.environ["TINY_TOPIC"]), str(record.stream_id).encode()),
        package="safeconduct.samples.v1",
        background_tasks=(change_feed.run, ends_by_itself)
        if FAULT == "task"
        else (change_feed.run,),
    )


if __name__ == "__main__":
    chassis.streams.consumer._STOP_TIMEOUT_S = 1.0  # a test need not wait as long
    main("samples", ServiceSettings, build, Path(os.environ["TINY_MIGRATIONS"]), [SampleStream()])
