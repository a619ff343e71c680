"""The proxy forwards, withholds everything while it is cut, and resets the old connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from infra.local.ports import LOOPBACK, free_port
from tests.faults.tcp_proxy import Proxies


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(100):
            writer.write(data)
    finally:
        writer.close()


@pytest.fixture
async def proxied() -> AsyncIterator[tuple[Proxies, int]]:
    server = await asyncio.start_server(_echo, LOOPBACK, 0)
    port = free_port()
    proxies = Proxies([(port, server.sockets[0].getsockname()[1])])
    proxies.start()
    yield proxies, port
    proxies.stop()
    server.close()


async def _answer(port: int) -> bytes:
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    writer.write(b"hello")
    try:
        return await reader.readexactly(5)
    finally:
        writer.close()


async def test_a_proxy_forwards_both_directions(proxied: tuple[Proxies, int]) -> None:
    assert await _answer(proxied[1]) == b"hello"


async def test_nothing_arrives_through_a_proxy_that_is_cut_until_it_is_restored(
    proxied: tuple[Proxies, int],
) -> None:
    proxies, port = proxied
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    writer.write(b"1")
    assert await reader.readexactly(1) == b"1"

    proxies.cut([port])
    # Signals to the proxy's loop are in order, and the connection is answered by that loop.
    waiting = asyncio.ensure_future(_answer(port))
    done, _ = await asyncio.wait({waiting}, timeout=0.2)
    assert not done

    proxies.restore([port])
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await waiting
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await reader.readexactly(1)
    assert await _answer(port) == b"hello"
    writer.close()
