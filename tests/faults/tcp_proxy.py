"""A TCP proxy that can be cut, as a network is: open connections stay open and nothing arrives."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from typing import Any, Final

from infra.local.ports import LOOPBACK

_CHUNK: Final = 1 << 16


class Proxies:
    """Forwards each of `ports` to its target port, on an event loop in a thread of its own."""

    def __init__(self, ports: Sequence[tuple[int, int]]) -> None:
        self._ports = tuple(ports)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxies", daemon=True)
        self._cut: set[int] = set()
        self._flows: dict[int, asyncio.Event] = {}
        self._writers: dict[int, set[asyncio.StreamWriter]] = {}
        self._servers: list[asyncio.Server] = []

    def start(self) -> None:
        """Listens on every port."""
        self._thread.start()
        self._run(self._listen())

    def stop(self) -> None:
        """Closes all connections and ports."""
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def cut(self, ports: Sequence[int]) -> None:
        """Forwards nothing more from or to these ports. Connections are accepted and stay open."""
        self._loop.call_soon_threadsafe(self._set_flow, tuple(ports), False)

    def restore(self, ports: Sequence[int]) -> None:
        """Forwards again. Connections of the time of the cut are reset, as after a long one."""
        self._loop.call_soon_threadsafe(self._set_flow, tuple(ports), True)

    def _set_flow(self, ports: Sequence[int], flows: bool) -> None:
        for port in ports:
            event = self._flows[port]
            if flows and not event.is_set():
                event.set()
                for writer in self._writers[port]:
                    writer.transport.abort()
            elif not flows:
                event.clear()

    async def _listen(self) -> None:
        for port, target in self._ports:
            self._flows[port] = asyncio.Event()
            self._flows[port].set()
            self._writers[port] = set()

            async def accept(
                reader: asyncio.StreamReader,
                writer: asyncio.StreamWriter,
                port: int = port,
                target: int = target,
            ) -> None:
                await self._connect(port, target, reader, writer)

            self._servers.append(await asyncio.start_server(accept, LOOPBACK, port))

    async def _connect(
        self,
        port: int,
        target: int,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        mine = {writer}
        self._writers[port].add(writer)
        try:
            await self._flows[port].wait()
            from_target, to_target = await asyncio.open_connection(LOOPBACK, target)
            mine.add(to_target)
            self._writers[port].add(to_target)
            pumps = {
                asyncio.ensure_future(self._pump(port, reader, to_target)),
                asyncio.ensure_future(self._pump(port, from_target, writer)),
            }
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
        except OSError:
            pass
        finally:
            for each in mine:
                self._writers[port].discard(each)
                each.transport.abort()

    async def _pump(
        self, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while data := await reader.read(_CHUNK):
            await self._flows[port].wait()
            writer.write(data)
            await writer.drain()

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        for writers in self._writers.values():
            for writer in tuple(writers):
                writer.transport.abort()

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result()
