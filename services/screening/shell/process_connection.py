"""The service's end of the socket to one screening process."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import cast

from services.screening.shell.worker_protocol import FrameReader


class ProcessConnection(asyncio.Protocol):
    """Sends and receives frames.

    Frames go to `when_received`. Until it is set they are kept for `receive`. `when_lost` is called
    once the process is gone.
    """

    def __init__(self) -> None:
        self.is_lost = False
        self.when_received: Callable[[bytes], None] = self._keep
        self.when_lost: Callable[[], None] = lambda: None
        self._frames = FrameReader()
        self._kept: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._transport: asyncio.Transport | None = None

    @classmethod
    async def open(cls, end: socket.socket) -> ProcessConnection:
        """Returns the connection over this end of a socket."""
        _, connection = await asyncio.get_running_loop().create_unix_connection(cls, sock=end)
        return connection

    def send(self, frame: bytes) -> None:
        """Sends a frame. If the process is gone, does nothing: `when_lost` reports that."""
        if self._transport is not None and not self.is_lost:
            self._transport.write(frame)

    async def receive(self) -> bytes:
        """Returns the next frame while `when_received` is not set.

        Raises ConnectionResetError if the process is gone.
        """
        body = None if self.is_lost and self._kept.empty() else await self._kept.get()
        if body is None:
            raise ConnectionResetError
        return body

    def close(self) -> None:
        """Closes the socket, upon which the process ends."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keeps the transport. Called by the event loop, as the methods below."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass of it

    def data_received(self, data: bytes) -> None:
        """Hands complete frames on."""
        for body in self._frames.add(data):
            self.when_received(body)

    def connection_lost(self, error: Exception | None) -> None:
        """Wakes a waiting `receive` and calls `when_lost`."""
        self.is_lost = True
        self._kept.put_nowait(None)
        self.when_lost()

    def _keep(self, body: bytes) -> None:
        self._kept.put_nowait(body)
