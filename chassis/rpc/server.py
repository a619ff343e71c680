"""The gRPC server of a service: mutual TLS, one interceptor, reflection, health and metrics, and an orderly end."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias, cast

import structlog
from grpc import aio
from grpc_reflection.v1alpha import reflection

from chassis.health import HealthServer, MetricsServer
from chassis.rpc.authentication import Officers
from chassis.rpc.authorization import access_table
from chassis.rpc.calls_in_flight import CallsInFlight
from chassis.rpc.certificates import server_credentials
from chassis.rpc.interceptor import Interceptor
from chassis.rpc.validation import MAX_REQUEST_BYTES, Sentences, compile_rules
from chassis.settings import ServiceSettings
from chassis.telemetry.tracing import Telemetry

log = structlog.get_logger()

Registration: TypeAlias = tuple[Callable[[Any, aio.Server], None], object, str]
"""The generated `add_..._to_server`, the servicer, and the service's full name."""

OPTIONS: Final[Sequence[tuple[str, int]]] = (
    (
        "grpc.so_reuseport",
        0,
    ),  # a second process on the port is an error, not a silent half of the calls
    (
        "grpc.max_receive_message_length",
        4 * MAX_REQUEST_BYTES,
    ),  # the interceptor refuses above 1 MiB, with a reason
    ("grpc.max_send_message_length", 4 * MAX_REQUEST_BYTES),
    ("grpc.max_connection_age_ms", 300_000),  # clients that balance find new servers this way
    ("grpc.max_connection_age_grace_ms", 30_000),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 30_000),
    ("grpc.max_concurrent_streams", 4_000),  # per connection; more wait in the client
    (
        "grpc.server.max_pending_requests",
        20_000,
    ),  # the core's 1,000 refuses a storm of reconnecting watches
    ("grpc.server.max_pending_requests_hard_limit", 40_000),
)
MAX_CONCURRENT_CALLS: Final = 10_000
"""Watches count too, so this only bounds memory (about 25 KiB each)."""

_ANSWER_SECONDS: Final = 2.0
"""Time after the grace in which cancelled calls can still send why they ended."""


class RpcServer:
    """Serves the registered services until it is drained.

    `ready` answers None, or why the service cannot serve yet. Construction raises `ValueError` for a method whose
    contract does not say who may call it, and what the contracts' rules raise if they do not compile.
    A servicer with a method `drain()` (plain or async) is told when the server ends and ends its watches with
    `chassis.rpc.errors.draining()`; later watches must end at once.
    """

    def __init__(
        self,
        settings: ServiceSettings,
        telemetry: Telemetry,
        registrations: Sequence[Registration],
        ready: Callable[[], str | None],
        *,
        deadline_s: float = 30.0,
        grace_s: float = 20.0,
        sentences: Sentences | None = None,
    ) -> None:
        names = [name for _, _, name in registrations]
        access = access_table(names)
        compile_rules(names)
        self._settings = settings
        self._registrations = registrations
        self._grace_s = grace_s
        self._calls = CallsInFlight()
        self._interceptor = Interceptor(
            telemetry,
            access,
            settings.spiffe_trust_domain,
            Officers.load(settings.officers_file),
            self._calls,
            deadline_s,
            sentences,
        )
        self._health = HealthServer(settings.health_listen_address, ready)
        self._metrics = MetricsServer(settings.metrics_listen_address, telemetry.registry)
        self._server: aio.Server | None = None
        self.port = 0

    @property
    def health_port(self) -> int:
        """Where health is served."""
        return self._health.port

    @property
    def metrics_port(self) -> int:
        """Where metrics are served."""
        return self._metrics.port

    async def start(self) -> None:
        """Bind all three ports and serve; raises if one is taken."""
        self._server = aio.server(
            interceptors=[self._interceptor],
            options=OPTIONS,
            maximum_concurrent_rpcs=MAX_CONCURRENT_CALLS,
        )
        for add, servicer, _ in self._registrations:
            add(servicer, cast("aio.Server", _Unregistered(self._server)))
        names = [name for _, _, name in self._registrations]
        reflection.enable_server_reflection([*names, reflection.SERVICE_NAME], self._server)
        self.port = self._server.add_secure_port(
            self._settings.grpc_listen_address, server_credentials(self._settings.tls)
        )
        await self._server.start()
        self._metrics.start()
        await self._health.start()
        log.info(
            "serving", port=self.port, health_port=self.health_port, metrics_port=self.metrics_port
        )

    async def drain(self) -> None:
        """Stops serving and returns when all ports are closed.

        In order: health is not ready; calls are answered for `drain_seconds` more; watches end and
        new calls are refused; running calls finish within `grace_s`. A call that does not ends with
        DRAINING, too.
        """
        if self._server is None:
            return
        server, self._server = self._server, None
        await self._health.drain()
        await asyncio.sleep(self._settings.drain_seconds)
        self._calls.refuse_new()
        for _, servicer, _ in self._registrations:
            await _drain(servicer)
        await self._calls.wait_until_none_is_refused()
        stopping = asyncio.ensure_future(server.stop(self._grace_s + _ANSWER_SECONDS))
        await asyncio.wait({stopping}, timeout=self._grace_s)
        self._calls.cancel_all()
        await stopping
        await self._metrics.stop()
        await self._health.stop()
        log.info("drained")


class _Unregistered:
    """Takes a service's methods by name only: for each one registered grpc.aio waits apart, and every call pays."""

    def __init__(self, server: aio.Server) -> None:
        self.add_generic_rpc_handlers = server.add_generic_rpc_handlers

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Any]) -> None:
        """The same methods again: not needed."""


async def _drain(servicer: object) -> None:
    """One open watch would hold `stop` for the whole grace."""
    drain = getattr(servicer, "drain", None)
    if drain is not None:
        waiting = drain()
        if inspect.isawaitable(waiting):
            await waiting
