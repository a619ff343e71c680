"""A channel for the life of a client whose identity files may be replaced meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from typing import Any, Final, cast

from grpc import aio

from safeconduct.channel import Credentials, open_channel

GRACE_S: Final = 60.0
"""Seconds in which calls may end that began with the former identity. Watches resume afterwards."""


class RenewedChannel:
    """Makes each call with the identity that the files hold when the call begins.

    `as_channel` is what stubs take. A connection keeps the certificate it began with, so changed
    files lead to a new connection.
    """

    def __init__(self, target: str, credentials: Credentials) -> None:
        self._target, self._credentials = target, credentials
        self._signature = _signature(credentials)
        self._channel = open_channel(target, credentials)
        self._closing: set[asyncio.Task[None]] = set()

    def as_channel(self) -> aio.Channel:
        """Returns this object under the type that generated stubs expect."""
        return cast("aio.Channel", self)

    def unary_unary(self, method: str, **options: Any) -> Callable[..., Any]:
        """Returns a call of the method, as `aio.Channel` does."""
        return self._call("unary_unary", method, options)

    def unary_stream(self, method: str, **options: Any) -> Callable[..., Any]:
        """Returns a call of the method, as `aio.Channel` does."""
        return self._call("unary_stream", method, options)

    def stream_unary(self, method: str, **options: Any) -> Callable[..., Any]:
        """Returns a call of the method, as `aio.Channel` does."""
        return self._call("stream_unary", method, options)

    def stream_stream(self, method: str, **options: Any) -> Callable[..., Any]:
        """Returns a call of the method, as `aio.Channel` does."""
        return self._call("stream_stream", method, options)

    async def close(self) -> None:
        """Closes all connections; calls in flight are cancelled."""
        for task in self._closing:
            task.cancel()
        await asyncio.gather(self._channel.close(), *self._closing, return_exceptions=True)

    def _call(self, kind: str, method: str, options: dict[str, Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            return getattr(self._current(), kind)(method, **options)(*arguments, **named)

        return call

    def _current(self) -> aio.Channel:
        found = _signature(self._credentials)
        if found != self._signature:
            self._signature = found
            renewed = self._credentials.reread()
            if renewed != self._credentials:
                self._credentials = renewed
                former, self._channel = self._channel, open_channel(self._target, renewed)
                task = asyncio.get_running_loop().create_task(former.close(GRACE_S))
                self._closing.add(task)
                task.add_done_callback(self._closing.discard)
        return self._channel


def _signature(credentials: Credentials) -> Hashable:
    """Returns a value that changes with the files. None without files, or if one is missing."""
    if credentials.files is None:
        return None
    try:
        found = [file.stat() for file in credentials.files]
    except OSError:
        return None
    return tuple((each.st_mtime_ns, each.st_size, each.st_ino) for each in found)
