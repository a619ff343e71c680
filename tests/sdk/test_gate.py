"""The gate against real streams: snapshot, changes, leases, broken and lagging replicas."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from safeconduct.channel import Credentials
from safeconduct.clock import boottime
from safeconduct.enforcement.v1 import model_pb2 as model
from safeconduct.errors import SafeconductError
from safeconduct.gate import AccessVerdict, Gate, StandingState, Verdict
from safeconduct.knowledge import NANOSECONDS

from infra.local.certificate_authority import Identity
from tests.sdk.fake_replica import FakeReplica
from tests.sdk.servers import eventually, expire, serving

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def standing(
    license_id: str = "a", version: int = 1, state: str = "ACTIVE", lease: int = 30
) -> model.Standing:
    message = model.Standing(
        license_id=license_id,
        partner_id="example-1",
        version=version,
        state=model.StandingState.Value(f"STANDING_STATE_{state}"),
        grants=[
            model.Grant(model_id="example-frontier-1", access_mode=model.ACCESS_MODE_HOSTED_ACCESS)
        ],
        destinations=["DE"],
        end_uses=["HEALTHCARE"],
        lease_seconds=lease,
        license_number="SC-2026-00000001",
    )
    message.not_before.FromDatetime(datetime(2026, 1, 1, tzinfo=UTC))
    message.not_after.FromDatetime(datetime(2027, 1, 1, tzinfo=UTC))
    return message


def ask(gate: Gate, license_id: str = "a") -> Verdict:
    return gate.check(
        license_id, "example-frontier-1", "HOSTED_ACCESS", "DE", "HEALTHCARE", now=NOON
    )


@asynccontextmanager
async def following(
    files: Identity, partner: Credentials, *replicas: FakeReplica, **options: object
) -> AsyncIterator[Gate]:
    """A gate over one server a replica, ready."""
    ports = []
    stack = []
    for replica in replicas:
        server = serving(files, replica.register)
        ports.append(await server.__aenter__())
        stack.append(server)
    try:
        async with Gate([f"127.0.0.1:{port}" for port in ports], partner, **options) as gate:
            await gate.ready()
            yield gate
    finally:
        for server in stack:
            await server.__aexit__(None, None, None)


async def test_a_gate_allows_from_its_snapshot_and_denies_what_it_does_not_know(
    server_files: Identity, partner: Credentials
) -> None:
    replica = FakeReplica()
    replica.publish(standing())

    async with following(server_files, partner, replica) as gate:
        assert ask(gate).allowed
        assert ask(gate, "b").reason is AccessVerdict.UNKNOWN_LICENSE


async def test_a_gate_denies_before_its_first_lease(partner: Credentials) -> None:
    async with Gate("127.0.0.1:1", partner) as gate:
        assert ask(gate).reason is AccessVerdict.UNKNOWN_LICENSE
        with pytest.raises(SafeconductError) as refusal:
            await gate.ready(0.3)

    assert refusal.value.reason in {"UNAVAILABLE", "NOT_READY"}


async def test_a_revocation_denies_as_soon_as_it_is_told(
    server_files: Identity, partner: Credentials
) -> None:
    replica = FakeReplica()
    replica.publish(standing())

    async with following(server_files, partner, replica) as gate:
        replica.publish(standing(version=2, state="REVOKED"))
        await eventually(lambda: not ask(gate).allowed)

        assert (ask(gate).reason, ask(gate).standing_version) == (AccessVerdict.REVOKED, 2)


async def test_a_snapshot_of_many_messages_is_taken_in_whole(
    server_files: Identity, partner: Credentials
) -> None:
    replica = FakeReplica(page=3)
    replica.publish(*(standing(f"license-{number}") for number in range(10)))

    async with following(server_files, partner, replica) as gate:
        assert len(gate.standings) == 10


async def test_when_no_lease_comes_the_gate_denies_by_itself(
    server_files: Identity, partner: Credentials
) -> None:
    replica = FakeReplica()
    replica.publish(standing(lease=5))
    ahead = 0

    async with following(server_files, partner, replica, clock=lambda: boottime() + ahead) as gate:
        assert ask(gate).allowed
        replica.answers = False
        ahead = 6 * NANOSECONDS

        assert ask(gate).reason is AccessVerdict.LEASE_EXPIRED


async def test_leases_with_old_knowledge_do_not_keep_a_license_alive(
    server_files: Identity, partner: Credentials
) -> None:
    replica = FakeReplica()
    replica.publish(standing(lease=5))
    replica.ticks, replica.tick = False, boottime() - 6 * NANOSECONDS

    async with following(server_files, partner, replica) as gate:
        assert ask(gate).reason is AccessVerdict.LEASE_EXPIRED


async def test_a_broken_stream_is_resumed_after_the_last_token(
    server_files: Identity, partner: Credentials
) -> None:
    replica = FakeReplica()
    replica.publish(standing(), standing("b"))

    async with following(server_files, partner, replica) as gate:
        replica.ended.set()
        await eventually(lambda: gate.fault is not None and gate.fault.reason == "DRAINING")
        replica.ended.clear()
        replica.publish(standing(version=2, state="SUSPENDED"))
        await eventually(lambda: ask(gate).reason is AccessVerdict.SUSPENDED)

        assert replica.subscriptions[0] == ""
        assert replica.subscriptions[-1] == "2"
        assert ask(gate, "b").allowed


async def test_a_token_that_is_refused_is_given_up_for_a_snapshot(
    server_files: Identity, partner: Credentials
) -> None:
    replica = FakeReplica()
    replica.publish(standing())

    async with following(server_files, partner, replica) as gate:
        gate._stream.token = "made-elsewhere"
        replica.ended.set()
        await eventually(lambda: gate.fault is not None)
        replica.ended.clear()
        await eventually(lambda: replica.subscriptions[-2:] == ["made-elsewhere", ""])
        await eventually(lambda: gate.fault is None)

        assert ask(gate).allowed


async def test_a_replica_that_stops_answering_is_left_for_another(
    server_files: Identity, partner: Credentials
) -> None:
    silent, other = FakeReplica(), FakeReplica()
    silent.publish(standing(lease=5))
    other.publish(standing(lease=5))

    async with following(server_files, partner, silent, other) as gate:
        silent.answers = False
        await eventually(lambda: other.renewals > 1)

        assert ask(gate).allowed


async def test_moving_to_a_replica_that_lags_keeps_what_is_known(
    server_files: Identity, partner: Credentials
) -> None:
    first, lagging = FakeReplica(), FakeReplica()
    first.publish(standing(version=2, state="REVOKED"), standing("b"))
    lagging.publish(standing(version=1))
    lagging.ticks, lagging.tick = False, boottime() - 3 * NANOSECONDS

    async with following(server_files, partner, first, lagging) as gate:
        gate._stream.token = ""
        first.ended.set()
        await eventually(lambda: lagging.renewals > 0)

        assert ask(gate).reason is AccessVerdict.REVOKED
        assert ask(gate, "b").allowed


async def test_changes_tell_what_is_known_and_then_what_changes(
    server_files: Identity, partner: Credentials
) -> None:
    replica = FakeReplica()
    replica.publish(standing())

    async with following(server_files, partner, replica) as gate:
        changes = gate.changes()
        first = await anext(changes)
        replica.publish(standing(version=2, state="SUSPENDED"))
        async with asyncio.timeout(10):
            second = await anext(changes)
        await changes.aclose()

    assert (first.version, second.version, second.state) == (1, 2, StandingState.SUSPENDED)


async def test_a_failing_metadata_function_is_a_fault_and_is_called_again(
    server_files: Identity, partner: Credentials
) -> None:
    replica = FakeReplica()
    replica.publish(standing())
    broken = asyncio.Event()
    broken.set()

    def metadata() -> list[tuple[str, str]]:
        if broken.is_set():
            message = "no trace here"
            raise LookupError(message)
        return [("traceparent", "00-1")]

    async with (
        serving(server_files, replica.register) as port,
        Gate(f"127.0.0.1:{port}", partner, metadata=metadata) as gate,
    ):
        await eventually(lambda: gate.fault is not None)
        assert gate.fault is not None
        assert gate.fault.reason == "METADATA_FAILED"
        assert "no trace here" in gate.fault.message
        broken.clear()
        await gate.ready()

        assert ask(gate).allowed


async def test_a_lagging_replica_is_left_though_there_is_one_address_only(
    server_files: Identity, partner: Credentials
) -> None:
    lagging, current = FakeReplica(), FakeReplica()
    for replica in (lagging, current):
        replica.publish(standing(lease=5))
    lagging.ticks, lagging.tick = False, boottime() - 4 * NANOSECONDS

    async with (
        serving(server_files, lagging.register) as first,
        serving(server_files, current.register) as second,
        Gate(f"127.0.0.1:{first},127.0.0.1:{second}", partner) as gate,
    ):
        await gate.ready()
        await eventually(lambda: current.renewals > 1)

        assert gate.knowledge_age < 3
        assert ask(gate).allowed


async def test_a_lagging_replica_behind_a_load_balancer_is_left_by_a_new_connection(
    server_files: Identity, partner: Credentials
) -> None:
    lagging, current = FakeReplica(), FakeReplica()
    for replica in (lagging, current):
        replica.publish(standing(lease=5))
    lagging.ticks, lagging.tick = False, boottime() - 4 * NANOSECONDS

    async with (
        serving(server_files, lagging.register) as first,
        serving(server_files, current.register) as second,
        balancing([first, second]) as port,
        Gate(f"127.0.0.1:{port}", partner) as gate,
    ):
        await gate.ready()
        await eventually(lambda: current.renewals > 1)

        assert ask(gate).allowed


async def test_an_identity_that_was_renewed_is_used_for_the_next_stream(
    server_files: Identity, partner_files: Identity, tmp_path: Path
) -> None:
    replica = FakeReplica()
    replica.publish(standing())
    files = [tmp_path / name for name in ("ca", "cert", "key")]
    originals = (partner_files.ca, partner_files.cert, partner_files.key)
    for file, original in zip(files, originals, strict=True):
        file.write_bytes(original.read_bytes())
    expire(files[1], partner_files.key)
    loaded = Credentials.from_files(*files)

    async with (
        serving(server_files, replica.register) as port,
        Gate(f"127.0.0.1:{port}", loaded) as gate,
    ):
        await eventually(lambda: gate.fault is not None)
        assert gate.fault is not None
        assert gate.fault.reason == "CERTIFICATE_EXPIRED"
        assert f"({files[1]}) expired at 2020-01-02T00:00:00Z" in gate.fault.message
        files[1].write_bytes(partner_files.cert.read_bytes())
        await gate.ready()

        assert ask(gate).allowed


@asynccontextmanager
async def balancing(ports: list[int]) -> AsyncIterator[int]:
    """A TCP load balancer: the connections go to the ports in turn, two each."""
    count = 0
    pumps: set[asyncio.Task[None]] = set()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        port = ports[count // 2 % len(ports)]
        count += 1
        try:
            behind_reader, behind_writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.close()
            return
        pumps.add(asyncio.create_task(pump(reader, behind_writer)))
        pumps.add(asyncio.create_task(pump(behind_reader, writer)))

    server = await asyncio.start_server(connect, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in pumps:
            task.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
