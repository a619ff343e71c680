"""Health over plaintext gRPC and metrics over HTTP, each on a port of its own."""

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
    """Serves `grpc.health.v1` without TLS.

    The service "" is the readiness of the process. The service "live" is SERVING while its event
    loop runs and `not_live_reason` returns None. Both functions are called twice a second and must
    not block; they return None or the reason why the process is not ready or not live.
    """

    def __init__(
        self,
        address: str,
        not_ready_reason: Callable[[], str | None],
        not_live_reason: Callable[[], str | None] = lambda: None,
    ) -> None:
        self._address = address
        self._not_ready_reason = not_ready_reason
        self._not_live_reason = not_live_reason
        self._reason: str | None = "starting"
        self._not_live: str | None = None
        self._poller: asyncio.Task[None] | None = None
        self._health = health.aio.HealthServicer()
        self.port = 0

    async def start(self) -> None:
        """Binds the port. The process is not ready until the first answer of `not_ready_reason`."""
        await self._health.set(READINESS, _NOT_SERVING)
        await self._health.set(LIVENESS, _SERVING)
        self._server = aio.server(options=[("grpc.so_reuseport", 0)])
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        self.port = self._server.add_insecure_port(self._address)
        await self._server.start()
        self._poller = asyncio.create_task(self._poll(), name="readiness")

    async def drain(self) -> None:
        """Reports not ready from now on, and still live."""
        if self._poller is not None:
            self._poller.cancel()
            await asyncio.wait([self._poller])
        await self._report("draining")

    async def stop(self) -> None:
        """Closes the port and ends open health watches."""
        await self._server.stop(None)

    async def _poll(self) -> None:
        while True:
            await self._report(self._ask())
            await self._report_liveness(self._not_live_reason())
            await asyncio.sleep(POLL_SECONDS)

    def _ask(self) -> str | None:
        try:
            return self._not_ready_reason()
        except Exception as exception:  # noqa: BLE001 - a check that fails means not ready
            return f"the check failed ({type(exception).__name__})"

    async def _report(self, reason: str | None) -> None:
        if reason != self._reason:
            log.info("readiness", is_ready=reason is None, why_not=reason)
        self._reason = reason
        await self._health.set(READINESS, _SERVING if reason is None else _NOT_SERVING)

    async def _report_liveness(self, reason: str | None) -> None:
        if reason != self._not_live:
            log.error("liveness", is_live=reason is None, why_not=reason)
        self._not_live = reason
        await self._health.set(LIVENESS, _SERVING if reason is None else _NOT_SERVING)


class MetricsServer:
    """Serves `/metrics` of one registry; OpenMetrics with exemplars to a client that accepts it."""

    def __init__(self, address: str, registry: CollectorRegistry) -> None:
        self._address = address
        self._registry = registry
        self._running: tuple[WSGIServer, Thread] | None = None
        self.port = 0

    def start(self) -> None:
        """Binds the port and serves in a thread. Raises OSError if the address is in use."""
        host, port = host_and_port(self._address)
        self._running = start_http_server(port, host, self._registry)
        self.port = self._running[0].server_port

    async def stop(self) -> None:
        """Closes the port and ends the thread."""
        if self._running is not None:
            server, thread = self._running
            await asyncio.to_thread(server.shutdown)
            server.server_close()
            thread.join()
            self._running = None
