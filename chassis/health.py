"""What operators and probes see of a process: health over plaintext gRPC and metrics over HTTP, on their own ports."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from threading import Thread
from typing import Final
from wsgiref.simple_server import WSGIServer

import structlog
from grpc import aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from prometheus_client import CollectorRegistry, start_http_server

from chassis.setting_types import host_and_port

log = structlog.get_logger()

READINESS: Final = ""
LIVENESS: Final = "live"
POLL_SECONDS: Final = 0.5

_SERVING: Final = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING: Final = health_pb2.HealthCheckResponse.NOT_SERVING


class HealthServer:
    """grpc.health.v1 without TLS: "" says whether the process can serve, "live" that its loop turns.

    `ready` is asked twice a second; it answers None, or why not. It must not block.
    """

    def __init__(self, address: str, ready: Callable[[], str | None]) -> None:
        self._address = address
        self._ready = ready
        self._why_not: str | None = "starting"
        self._poller: asyncio.Task[None] | None = None
        self._health = health.aio.HealthServicer()
        self.port = 0

    async def start(self) -> None:
        """Bind and begin to ask; not ready until the first answer."""
        await self._health.set(READINESS, _NOT_SERVING)
        await self._health.set(LIVENESS, _SERVING)
        self._server = aio.server(options=[("grpc.so_reuseport", 0)])
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        self.port = self._server.add_insecure_port(self._address)
        await self._server.start()
        self._poller = asyncio.create_task(self._poll(), name="readiness")

    async def drain(self) -> None:
        """Not ready from now on, still alive."""
        if self._poller is not None:
            self._poller.cancel()
            await asyncio.wait([self._poller])
        await self._show("draining")

    async def stop(self) -> None:
        """Close the port; open health watches end."""
        await self._server.stop(None)

    async def _poll(self) -> None:
        while True:
            await self._show(self._ask())
            await asyncio.sleep(POLL_SECONDS)

    def _ask(self) -> str | None:
        try:
            return self._ready()
        except Exception as exception:  # noqa: BLE001 - a readiness question that fails is an answer
            return f"asking failed ({type(exception).__name__})"

    async def _show(self, why_not: str | None) -> None:
        if why_not != self._why_not:
            log.info("readiness", is_ready=why_not is None, why_not=why_not)
        self._why_not = why_not
        await self._health.set(READINESS, _SERVING if why_not is None else _NOT_SERVING)


class MetricsServer:
    """`/metrics` of one registry; OpenMetrics with exemplars for whoever accepts it."""

    def __init__(self, address: str, registry: CollectorRegistry) -> None:
        self._address = address
        self._registry = registry
        self._running: tuple[WSGIServer, Thread] | None = None
        self.port = 0

    def start(self) -> None:
        """Bind and serve from a thread of its own; `OSError` if the address is taken."""
        host, port = host_and_port(self._address)
        self._running = start_http_server(port, host, self._registry)
        self.port = self._running[0].server_port

    async def stop(self) -> None:
        """Close the port and end the thread."""
        if self._running is not None:
            server, thread = self._running
            await asyncio.to_thread(server.shutdown)
            server.server_close()
            thread.join()
            self._running = None
