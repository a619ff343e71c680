"""The Faust app of a consumer, and everything that leans on private fields of Faust and aiokafka.

Faust's public interface does not tell whether its consumer thread is alive, whether partitions are
assigned, or whether aiokafka's group coordinator has failed. These fields are read here and nowhere
else. `tests/chassis/streams/test_private_fields.py` names the library versions and every field: an
upgrade that renames one fails there, before the watchdog silently stops watching.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import faust
import structlog
from faust.assignor.partition_assignor import PartitionAssignor
from prometheus_client import Gauge

from chassis.streams.record_size import MAX_RECORD_BYTES
from chassis.transport.brokers import MECHANISM, Bootstrap, addresses_of

_LOG = structlog.get_logger("consumer")
_WATCHDOG_S = 1.0
_COORDINATOR_TIMEOUT_S = 10.0


class _App(faust.App):
    """A Faust app that writes nothing to disk."""

    def _create_directories(self) -> None:
        """Creates nothing. Faust's folders hold tables, which we do not use.

        A container's file system may be read-only.
        """


class _Assignor(PartitionAssignor):
    """Faust's assignor, but with an error if the leader does not know a subscribed topic yet.

    Just after a broker has started, its metadata may name no topics. Faust would leave such a topic
    out of the assignment, and no replica would consume it until the next rebalance, while all
    replicas look healthy. With the error this session of the consumer ends, and the next one asks
    for the metadata again.
    """

    def assign(self, cluster: Any, member_metadata: Any) -> Any:
        subscribed = {topic for member in member_metadata.values() for topic in member.subscription}
        unknown = sorted(topic for topic in subscribed if not cluster.partitions_for_topic(topic))
        if unknown:
            raise LookupError(f"the broker does not know these topics yet: {', '.join(unknown)}")
        return super().assign(cluster, member_metadata)


def new_app(group: str, bootstrap: Bootstrap) -> faust.App:
    """Returns an app of the consumer group, without topics."""
    return _App(
        group,
        broker=[f"kafka://{host}" for host in addresses_of(bootstrap).split(",")],
        broker_credentials=_credentials(bootstrap),
        PartitionAssignor=_Assignor,
        web_enabled=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        store="memory://",
        key_serializer="raw",
        value_serializer="raw",
        consumer_auto_offset_reset="earliest",
        broker_session_timeout=10.0,
        broker_heartbeat_interval=2.0,
        broker_rebalance_timeout=30.0,
        broker_max_poll_records=500,
        broker_commit_interval=0.5,
        consumer_max_fetch_size=MAX_RECORD_BYTES,
        # Before a rebalance or shutdown, the records in progress finish and their offsets commit.
        stream_wait_empty=True,
    )


def _credentials(bootstrap: Bootstrap) -> Any:
    """Returns what `client_options` says, as Faust wants it; None without TLS."""
    if isinstance(bootstrap, str):
        return None
    if bootstrap.password is None:
        return faust.SSLCredentials(bootstrap.context)
    return faust.SASLCredentials(
        username=bootstrap.password.user,
        password=bootstrap.password.read(),
        ssl_context=bootstrap.context,
        mechanism=MECHANISM,
    )


def assigned_partitions(app: faust.App) -> int:
    """Returns how many partitions the app has; 0 until its thread has created a client."""
    thread = getattr(app.consumer, "_thread", None) if app.consumer is not None else None
    client = getattr(thread, "_consumer", None)
    return len(client.assignment()) if client is not None else 0


async def watch(app: faust.App, assigned: Gauge) -> None:
    """Watchdog: returns when the group coordinator has failed. Updates the gauge every second.

    aiokafka keeps a coordinator's error until `check_errors` is called, and Faust never calls it:
    the consumer would look healthy and receive nothing.
    """
    while True:
        await asyncio.sleep(_WATCHDOG_S)
        thread = getattr(app.consumer, "_thread", None) if app.consumer is not None else None
        client = getattr(thread, "_consumer", None)
        coordinator = getattr(client, "_coordinator", None)
        if thread is None or coordinator is None or not hasattr(coordinator, "_coordination_task"):
            continue
        assigned.set(assigned_partitions(app))

        async def check(coordinator: Any = coordinator) -> None:
            coordinator.check_errors()

        try:
            await asyncio.wait_for(
                asyncio.wrap_future(asyncio.run_coroutine_threadsafe(check(), thread.thread_loop)),
                timeout=_COORDINATOR_TIMEOUT_S,
            )
        except Exception as error:  # noqa: BLE001 - any error means that the coordinator has failed
            _LOG.warning("the kafka coordinator failed", error=type(error).__name__)
            return


async def stop(app: faust.App, timeout_s: float) -> bool:
    """Stops the app and returns whether its consumer is proved to have ended.

    A regular stop ends fetching, finishes the records in progress, commits offsets and leaves the
    group. Without a broker, Faust waits a minute for a consumer thread that has died already; a
    dead thread therefore counts as ended. A thread that lives could go on fetching, so the caller
    must end the process if this returns False.
    """
    stopping = asyncio.ensure_future(app.stop())
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        # Not wait_for: the app swallows cancellation while a handler is stuck.
        await asyncio.wait({stopping}, timeout=0.5)
        if stopping.done() or is_thread_dead(app):
            return True
    return False


def is_thread_dead(app: faust.App) -> bool:
    """Returns whether the thread of the app's consumer was started and has ended."""
    thread = (
        getattr(getattr(app.consumer, "_thread", None), "_thread", None)
        if app.consumer is not None
        else None
    )
    return thread is not None and not thread.is_alive()
