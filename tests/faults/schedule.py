"""The schedule of faults as a pure function of a seed: kinds, targets and times."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from typing import Final

SERVICES: Final = ("applications", "screening", "enforcement")
REPLICAS: Final = 2
CLOCKED: Final = 2
"""The replica of each service that runs under faketime."""
PROXIED: Final = 2
"""The replica of each service that reaches Kafka through proxies."""


class Fault(StrEnum):
    """The kinds of faults."""

    SERVICE_SIGKILL = "service SIGKILL"
    SERVICE_SIGTERM = "service SIGTERM"
    SERVICE_SIGSTOP = "service SIGSTOP/SIGCONT"
    RELAY_CUT = "relay cut from its database"
    RELAY_STALLED = "relay SIGSTOP/SIGCONT"
    BROKER_SIGKILL = "one broker SIGKILL"
    BROKER_SIGTERM = "one broker SIGTERM"
    BROKER_SIGSTOP = "one broker SIGSTOP/SIGCONT"
    CLUSTER_SIGKILL = "all brokers SIGKILL"
    CLUSTER_SIGTERM = "all brokers SIGTERM"
    CLUSTER_SIGSTOP = "all brokers SIGSTOP/SIGCONT"
    POSTGRES_SIGKILL = "postgres SIGKILL"
    POSTGRES_RESTART = "postgres SIGINT"
    POSTGRES_SIGSTOP = "postgres SIGSTOP/SIGCONT"
    DUPLICATED = "duplicated deliveries"
    REORDERED = "reordered deliveries"
    UNDECODABLE = "undecodable records"
    FAILING = "records that fail"
    FULL_DISK = "full disk of the database"
    SLOW_REPLICA = "slow consumer: replica stopped beyond its session"
    SLOW_WATCH = "slow consumer: watch that does not read"
    CLOCK_JUMP = "clock that jumps"
    CLOCK_BACK = "clock that steps back"
    GATE_SIGSTOP = "gate SIGSTOP/SIGCONT"
    REPLICA_WITHOUT_KAFKA = "one replica cut off from Kafka"
    PARTITION_WITHOUT_LEADER = "one partition without a leader"
    TOPIC_RECREATED = "standing topic recreated"
    MIXED_RELEASES = "replica of another release"
    BROKEN_HANDLER = "broken handler of one event type"
    LARGEST_RECORD = "request of the largest size, and one byte more"
    UNKNOWN_TYPE = "unknown event types"
    WRONG_ORDER = "redrives and retries in the wrong order"
    OLDER_BASE = "postgres from an older base"


HOLD_S: Final[Mapping[Fault, tuple[float, float]]] = {
    Fault.SERVICE_SIGSTOP: (2, 6),
    Fault.RELAY_STALLED: (2, 8),
    Fault.BROKER_SIGSTOP: (2, 8),
    Fault.CLUSTER_SIGSTOP: (2, 6),
    Fault.POSTGRES_SIGSTOP: (2, 7),
    Fault.FULL_DISK: (3, 6),
    Fault.SLOW_REPLICA: (12, 16),
    Fault.SLOW_WATCH: (8, 15),
    Fault.CLOCK_JUMP: (5, 15),
    Fault.CLOCK_BACK: (6, 12),
    Fault.GATE_SIGSTOP: (4, 75),
    Fault.REPLICA_WITHOUT_KAFKA: (5, 20),
    Fault.PARTITION_WITHOUT_LEADER: (6, 10),
    Fault.MIXED_RELEASES: (5, 30),
    Fault.BROKEN_HANDLER: (5, 10),
}
"""Shortest and longest duration of a lasting fault, in seconds. Other faults are momentary."""

AT_THE_END: Final = frozenset({Fault.OLDER_BASE})
"""Faults that lose acknowledged work, so that they come after all other checks."""

ROOM_S: Final = 2.5
"""Seconds for each fault from which every fault hits every target; below, one target each."""


@dataclass(frozen=True, slots=True, order=True)
class Injection:
    """One injection: `at_s` seconds after the start of the load, for `hold_s` seconds."""

    at_s: float
    fault: Fault
    target: str
    hold_s: float


def targets(fault: Fault, nodes: int) -> tuple[str, ...]:
    """Returns the possible targets of a fault: services, nodes, or one empty target."""
    if fault in {
        Fault.SERVICE_SIGKILL,
        Fault.SERVICE_SIGTERM,
        Fault.SERVICE_SIGSTOP,
        Fault.RELAY_CUT,
    }:
        return SERVICES
    if fault in {Fault.RELAY_STALLED, Fault.CLOCK_JUMP, Fault.CLOCK_BACK}:
        return SERVICES
    if fault in {Fault.SLOW_REPLICA, Fault.REPLICA_WITHOUT_KAFKA, Fault.MIXED_RELEASES}:
        return SERVICES
    if fault in {Fault.BROKER_SIGKILL, Fault.BROKER_SIGTERM, Fault.BROKER_SIGSTOP}:
        return tuple(str(node) for node in range(1, nodes + 1))
    return ("",)


def schedule(seed: int, seconds: float, nodes: int) -> tuple[Injection, ...]:
    """Returns the injections within `seconds`, every kind at least once. Deterministic.

    The kinds of `AT_THE_END` are not among them.
    """
    rng = random.Random(seed)
    scheduled = [fault for fault in Fault if fault not in AT_THE_END]
    strokes = [(fault, rng.choice(targets(fault, nodes))) for fault in scheduled]
    everything = [(fault, target) for fault in scheduled for target in targets(fault, nodes)]
    if seconds / len(everything) >= ROOM_S:
        strokes = everything
        strokes += rng.choices(everything, k=int(seconds / ROOM_S) - len(everything))
    rng.shuffle(strokes)
    return tuple(sorted(_timed(rng, strokes, seconds)))


def _timed(
    rng: random.Random, strokes: Sequence[tuple[Fault, str]], seconds: float
) -> list[Injection]:
    slot = seconds * 0.9 / len(strokes)
    timed = []
    for number, (fault, target) in enumerate(strokes):
        at = seconds * 0.03 + slot * (number + rng.random())
        timed.append(
            Injection(
                round(at, 3),
                fault,
                _aimed(rng, fault, target),
                round(_held(rng, fault, seconds), 3),
            )
        )
    return timed


def _held(rng: random.Random, fault: Fault, seconds: float) -> float:
    if fault not in HOLD_S:
        return 0.0
    least, most = HOLD_S[fault]
    # A short run has no time for the longest pauses.
    return rng.uniform(least, max(least, min(most, seconds * 0.4)))


def _aimed(rng: random.Random, fault: Fault, target: str) -> str:
    """Returns the full target: `screening-2`, or `screening-2 -350` for a clock jump in seconds."""
    if fault is Fault.CLOCK_JUMP:
        return f"{target}-{CLOCKED} {rng.choice((-1, 1)) * rng.randint(5, 900):+d}"
    if fault is Fault.CLOCK_BACK:
        return f"{target}-{CLOCKED} {-rng.randint(5, 900):+d}"
    is_replica = fault in {
        Fault.SERVICE_SIGKILL,
        Fault.SERVICE_SIGTERM,
        Fault.SERVICE_SIGSTOP,
        Fault.SLOW_REPLICA,
        Fault.MIXED_RELEASES,
    }
    return f"{target}-{rng.randint(1, REPLICAS)}" if is_replica else target


def kinds(injections: Sequence[Injection]) -> frozenset[Fault]:
    """Returns the kinds in a schedule."""
    return frozenset(chain(injection.fault for injection in injections))
