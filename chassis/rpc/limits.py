"""How many calls and streams a principal may have, as values. Knows no clock and no file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from chassis.rpc.authentication import Kind


@dataclass(frozen=True, slots=True)
class Limit:
    """The limits of one principal at one replica.

    `calls_per_second` is the rate in the long run, `burst` the number of calls that may come at
    once after a pause. Opening a stream counts as a call. `concurrent_calls` bounds the unary calls
    that run at the same time, `streams` the open streams.
    """

    calls_per_second: float
    burst: int
    concurrent_calls: int
    streams: int


DEFAULTS: Final[Mapping[Kind, Limit]] = {
    "partner": Limit(calls_per_second=50, burst=200, concurrent_calls=50, streams=100),
    # A gate needs one stream. The others are for processes that share an identity.
    "gate": Limit(calls_per_second=200, burst=500, concurrent_calls=100, streams=100),
    "officer": Limit(calls_per_second=50, burst=200, concurrent_calls=20, streams=20),
    "service": Limit(calls_per_second=500, burst=1_000, concurrent_calls=100, streams=100),
}
"""The limits of a principal that the limits file does not name."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of all principals: by kind, and by name for those that have their own."""

    by_kind: Mapping[Kind, Limit] = field(default_factory=lambda: DEFAULTS)
    by_name: Mapping[str, Limit] = field(default_factory=dict)

    def of(self, kind: Kind, name: str) -> Limit:
        """Returns the limits of the principal, for instance of `partner/example-1`."""
        return self.by_name.get(name) or self.by_kind[kind]


@dataclass(frozen=True, slots=True)
class Capacity:
    """The calls and streams of all principals together that a replica takes at the same time.

    Streams and calls have bounds of their own, so idle streams never keep out a call. The last
    `streams_for_gates` and `calls_for_gates` are for gates alone.
    """

    calls: int = 2_000
    calls_for_gates: int = 500
    streams: int = 8_000
    streams_for_gates: int = 4_000
