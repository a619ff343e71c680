"""Messages between the service and its screening processes: MessagePack frames with lengths."""

from __future__ import annotations

import socket
import struct
from typing import Final

import msgspec

from services.screening.core.config import ScreeningConfig
from services.screening.core.model import Entry, PartyQuery, Screening

_LENGTH: Final = struct.Struct("<I")


class BuildIndex(msgspec.Struct, frozen=True, array_like=True):
    """First message to an index process: the entries of its index, and how it scores them."""

    list_version_id: str
    entries: tuple[Entry, ...]
    config: ScreeningConfig


class IndexBuilt(msgspec.Struct, frozen=True, array_like=True):
    """Answer to BuildIndex. fault: type of the exception, empty if the index was built."""

    fault: str = ""


class WorkerStarted(msgspec.Struct, frozen=True, array_like=True):
    """First message of a worker and of a delta worker."""

    pid: int


class ScreenRequest(msgspec.Struct, frozen=True, array_like=True):
    """A party to be screened, and its budget in seconds of CPU."""

    query: PartyQuery
    budget_s: float


class ScreenReply(msgspec.Struct, frozen=True, array_like=True):
    """The screening and the seconds of CPU it took.

    fault: type of the exception, empty without one.
    """

    screening: Screening | None
    seconds: float
    fault: str = ""


BUILD_INDEX: Final = msgspec.msgpack.Decoder(BuildIndex)
INDEX_BUILT: Final = msgspec.msgpack.Decoder(IndexBuilt)
WORKER_STARTED: Final = msgspec.msgpack.Decoder(WorkerStarted)
SCREEN_REQUEST: Final = msgspec.msgpack.Decoder(ScreenRequest)
SCREEN_REPLY: Final = msgspec.msgpack.Decoder(ScreenReply)
_ENCODER: Final = msgspec.msgpack.Encoder()


def encode(message: msgspec.Struct) -> bytes:
    """Returns the frame of a message."""
    return frame(_ENCODER.encode(message))


def frame(body: bytes) -> bytes:
    """Returns the body after its length."""
    return _LENGTH.pack(len(body)) + body


class FrameReader:
    """Collects received bytes and returns the frames that are complete."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def add(self, data: bytes) -> list[bytes]:
        """Returns the bodies of the frames that `data` completes."""
        self._buffer += data
        found = []
        start = 0
        while len(self._buffer) - start >= _LENGTH.size:
            end = start + _LENGTH.size + _LENGTH.unpack_from(self._buffer, start)[0]
            if len(self._buffer) < end:
                break
            found.append(bytes(self._buffer[start + _LENGTH.size : end]))
            start = end
        del self._buffer[:start]
        return found


def receive(connection: socket.socket) -> bytes | None:
    """Returns the body of the next frame; blocks for it. None if the other end is closed."""
    head = _exactly(connection, _LENGTH.size)
    return None if head is None else _exactly(connection, _LENGTH.unpack(head)[0])


def _exactly(connection: socket.socket, size: int) -> bytes | None:
    pieces = []
    while size:
        piece = connection.recv(min(size, 1 << 20))
        if not piece:
            return None
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)
