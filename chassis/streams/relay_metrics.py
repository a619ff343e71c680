"""The metrics of the relays of one process."""

from __future__ import annotations

import time
from functools import lru_cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from chassis.streams.outbox_record import OutboxRecord


class RelayMetrics:
    """Metrics by topic, and by the table from which a relay publishes (label `outbox`)."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.published = Counter(
            "safeconduct_relay_published_records",
            "Records acknowledged by the broker.",
            ["topic"],
            registry=registry,
        )
        self.delay = Histogram(
            "safeconduct_relay_publish_delay_seconds",
            "From commit to the broker's acknowledgement.",
            registry=registry,
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30),
        )
        self.owned = Gauge(
            "safeconduct_relay_owned_shards",
            "Shards that this replica owns.",
            ["outbox"],
            registry=registry,
        )
        self.oldest = Gauge(
            "safeconduct_outbox_oldest_record_age_seconds",
            "Age of the oldest record of the last batch.",
            ["outbox"],
            registry=registry,
        )
        self.parked = Gauge(
            "safeconduct_outbox_parked_records",
            "Records that cannot be sent, and those behind them in their streams.",
            ["outbox"],
            registry=registry,
        )
        self.parked_age = Gauge(
            "safeconduct_outbox_parked_oldest_age_seconds",
            "Seconds since the oldest parked record was parked; 0 without one.",
            ["outbox"],
            registry=registry,
        )
        self._published_to = lru_cache(maxsize=None)(self.published.labels)

    def count(self, topic: str, record: OutboxRecord) -> None:
        """Counts a record that the broker has acknowledged, and its delay if it has an event."""
        self._published_to(topic).inc()
        if record.occurred_at is not None:
            self.delay.observe(max(0.0, time.time() - record.occurred_at.timestamp()))
