"""Why no broker can be used is named with the address."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from chassis.start_fault import ExitCode, StartFault
from chassis.streams.broker_check import find_broker_fault, report_broker_faults
from infra.local import certificate_authority as ca
from infra.local.kafka import Kafka
from infra.local.ports import free_port


@asynccontextmanager
async def listener(
    handle: Callable[..., Any], context: ssl.SSLContext | None = None
) -> AsyncIterator[str]:
    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=context)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_one_broker_that_answers_is_enough(kafka: Kafka) -> None:
    servers = f"127.0.0.1:{free_port()},{kafka.bootstrap}"

    assert await find_broker_fault({"bootstrap_servers": servers}) is None


async def test_an_address_without_a_listener_is_named_and_waited_for() -> None:
    address = f"127.0.0.1:{free_port()}"
    fault = await find_broker_fault({"bootstrap_servers": address})

    assert fault is not None
    assert fault.cause == f"{address} accepts no connection: nothing listens there"
    assert not fault.is_final


async def test_an_unknown_host_name_is_named_and_waited_for() -> None:
    fault = await find_broker_fault({"bootstrap_servers": "kafka.invalid:9092"})

    assert fault is not None
    assert fault.cause == "kafka.invalid:9092 has a host name that cannot be resolved"
    assert not fault.is_final


async def test_a_listener_that_is_no_broker_is_named() -> None:
    async def close(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with listener(close) as address:
        fault = await find_broker_fault({"bootstrap_servers": address})

    assert fault is not None
    assert "closes the connection: is it a Kafka listener" in fault.cause


async def test_a_certificate_of_another_authority_ends_the_process(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for folder in (ours, theirs):
        folder.mkdir()
    uri = "spiffe://safeconduct.example/service/broker"
    identity, authority = ca.issue(theirs, "broker", uri), ca.issue(ours, "client", uri).ca
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(identity.cert, identity.key)

    async def wait(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            await reader.read()

    async with listener(wait, serving) as address:
        options = {
            "bootstrap_servers": address,
            "security_protocol": "SSL",
            "ssl_context": ssl.create_default_context(cafile=str(authority)),
        }
        with pytest.raises(StartFault) as caught:
            await report_broker_faults(lambda: options)

    assert caught.value.exit_code == ExitCode.BROKER_REFUSES
    assert caught.value.setting == "SAFECONDUCT_KAFKA_BOOTSTRAP_SERVERS"
    assert f"{address} shows a certificate that is not accepted" in caught.value.cause
