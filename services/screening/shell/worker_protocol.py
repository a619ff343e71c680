"""What the processes of screening say to each other: frames of MessagePack, each behind its length."""

from __future__ import annotations

import socket
import struct
from typing import Final

import msgspec

from services.screening.core.config import ScreeningConfig
from services.screening.core.model import Entry, PartyQuery, Screening

_LENGTH: Final = struct.Struct("<I")


class Cast(msgspec.Struct, frozen=True, array_like=True):
    """To a generation's process, first of all: what it is to be built from and how it judges."""

    list_version_id: str
    entries: tuple[Entry, ...]
    config: ScreeningConfig


class Ready(msgspec.Struct, frozen=True, array_like=True):
    """It is built. fault: the type of what went wrong instead, or empty."""

    fault: str = ""


class Hello(msgspec.Struct, frozen=True, array_like=True):
    """From a worker, first of all."""

    pid: int


class Ask(msgspec.Struct, frozen=True, array_like=True):
    """A party, and the CPU seconds that it may cost."""

    query: PartyQuery
    budget_s: float


class Answer(msgspec.Struct, frozen=True, array_like=True):
    """What was found and the CPU seconds that it took. fault: the type of what went wrong instead, or empty."""

    screening: Screening | None
    seconds: float
    fault: str = ""


CAST: Final = msgspec.msgpack.Decoder(Cast)
READY: Final = msgspec.msgpack.Decoder(Ready)
HELLO: Final = msgspec.msgpack.Decoder(Hello)
ASK: Final = msgspec.msgpack.Decoder(Ask)
ANSWER: Final = msgspec.msgpack.Decoder(Answer)
_ENCODER: Final = msgspec.msgpack.Encoder()


def frame(message: msgspec.Struct) -> bytes:
    """A message as it goes over a socket."""
    return framed(_ENCODER.encode(message))


def framed(body: bytes) -> bytes:
    """Bytes as they go over a socket."""
    return _LENGTH.pack(len(body)) + body


class Frames:
    """Puts frames together again from what arrives."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def add(self, data: bytes) -> list[bytes]:
        """The frames that are whole now."""
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


def receive(wire: socket.socket) -> bytes | None:
    """The next frame, waited for; None when the other side is gone."""
    head = _exactly(wire, _LENGTH.size)
    return None if head is None else _exactly(wire, _LENGTH.unpack(head)[0])


def _exactly(wire: socket.socket, size: int) -> bytes | None:
    pieces = []
    while size:
        piece = wire.recv(min(size, 1 << 20))
        if not piece:
            return None
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)
