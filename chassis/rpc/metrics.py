"""Rate, errors and duration of RPCs. The labels, method and code, come from closed lists."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from chassis.telemetry import semconv

BUCKETS: Final = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1),
    *(0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
)
"""Upper bounds in seconds; the last one is the server's own deadline."""


class RpcMetrics:
    """The metrics of one server. A registry takes one set."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._calls = Counter(
            semconv.METRIC_RPC_CALLS, "Calls that ended", ["method", "code"], registry=registry
        )
        self._seconds = Histogram(
            semconv.METRIC_RPC_DURATION,
            "Duration of unary calls",
            ["method"],
            registry=registry,
            buckets=BUCKETS,
        )
        self._in_flight = Gauge(
            semconv.METRIC_RPC_IN_FLIGHT, "Calls that run now", ["method"], registry=registry
        )
        # `labels` formats and locks at every call, so its results are kept.
        self._of_method = lru_cache(maxsize=None)(
            lambda method: (self._in_flight.labels(method), self._seconds.labels(method))
        )
        self._of_code = lru_cache(maxsize=None)(self._calls.labels)

    def begin(self, method: str) -> None:
        """Counts a call of the method as running."""
        self._of_method(method)[0].inc()

    def end(
        self, method: str, code: str, seconds: float | None, exemplar: Mapping[str, str] | None
    ) -> None:
        """Counts a call as ended. `seconds` is None for a stream: the client decides its length."""
        in_flight, duration = self._of_method(method)
        in_flight.dec()
        self._of_code(method, code).inc()
        if seconds is not None:
            duration.observe(seconds, dict(exemplar) if exemplar else None)
