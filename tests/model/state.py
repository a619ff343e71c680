"""The state of the model: database and topic by shard, replicas, gates, and the crashes left.

All values are immutable and hashable. A time is kept as its age in ticks. An age above the lease is
kept as lease + 1, because nothing depends on how much older it is; so the state space is finite
although time has no end. License *i* belongs to shard *i*. Shards behind the last license carry
heartbeats only.

A standing is 1 before the order and 2 from the order on. A record is a standing, or a heartbeat of
replica *r*, which is kept as `HEARTBEAT + r`. A record of the topic that was compacted away is
negative, so that the places of the others stay the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

UNKNOWN: Final = 0
ACTIVE: Final = 1
ORDERED: Final = 2
"""The standing is revoked or suspended."""
HEARTBEAT: Final = 10

NEVER: Final = -1
"""Age of something that has not happened."""
OLD_TOPIC: Final = (-1,)
"""Token of a topic that was deleted."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The size of a search. `heartbeating`: replicas that write heartbeats; `lease` in ticks."""

    replicas: int = 2
    heartbeating: int = 1
    gates: int = 1
    licenses: int = 1
    shards: int = 1
    crashes: int = 3
    lease: int = 1
    faults: frozenset[str] | None = None
    """The faults that may happen, or None for all."""
    is_settled: bool = False
    """Whether the first gate has a stream, and knows its licenses, when the search begins."""

    @property
    def expired(self) -> int:
        """The age that stands for all ages above the lease."""
        return self.lease + 1

    def __str__(self) -> str:
        return (
            f"{self.replicas} replicas ({self.heartbeating} with heartbeats), {self.gates} gates,"
            f" {self.licenses} licenses, {self.shards} shards, {self.crashes} crashes,"
            f" lease of {self.lease} ticks"
        )


class Shard(NamedTuple):
    """One shard in PostgreSQL and its partition of the topic."""

    standing: int
    """The newest standing in the database."""
    order_age: int
    """Ticks since the order was committed, or NEVER."""
    outbox: tuple[int, ...]
    in_flight: tuple[tuple[int, ...], ...]
    """Records that relays sent before their sessions ended; each tuple arrives in order, or not."""
    topic: tuple[int, ...]
    is_owned: bool


class Beat(NamedTuple):
    """The heartbeat of a replica that is on its way."""

    age: int
    is_written: bool
    returned: tuple[bool, ...]
    """For each shard whether the replica has read it."""


class Replica(NamedTuple):
    """A process of enforcement: its cache, its reader and its heartbeat."""

    standings: tuple[int, ...]
    read: tuple[int, ...]
    """For each shard the number of records that were read."""
    must_recall: bool
    """The reader started, or was away longer than compaction, and has not recalled since."""
    known: int
    """Age of `known_as_of`."""
    beat: Beat | None


class Stream(NamedTuple):
    """A gate's stream to a replica."""

    replica: int
    is_complete: bool
    """Whether the snapshot was sent. A resumed stream has none."""
    left_out: tuple[bool, ...]
    """For each license whether the replica left its standing out because of the resume token."""


class Renewal(NamedTuple):
    """A renewal on its way: ages of sending and of receipt; receipt may be NEVER."""

    sent: int
    received: int


class Gate(NamedTuple):
    """A gate: its copy of the standings, its lease, its stream and its resume token."""

    standings: tuple[int, ...]
    known: int
    """Age of `known_as_of`."""
    stream: Stream | None
    renewal: Renewal | None
    token: tuple[int, ...] | None
    """For each license the newest standing before the token's place in the topic."""


class State(NamedTuple):
    """The state of everything."""

    shards: tuple[Shard, ...]
    replicas: tuple[Replica, ...]
    gates: tuple[Gate, ...]
    crashes_left: int
    """How many more faults of a process, a session or the topic may happen."""


class Step(NamedTuple):
    """One step: its name, and the replica, shard (or license), gate and number that it is about."""

    name: str
    replica: int = -1
    shard: int = -1
    gate: int = -1
    number: int = -1


def initial(bounds: Bounds) -> State:
    """Returns the state after start: every license is registered, and no gate has connected."""
    licenses, shards = range(bounds.licenses), range(bounds.shards)
    shard = Shard(ACTIVE, NEVER, (), (), (), is_owned=True)
    replica = Replica(
        standings=tuple(ACTIVE for _ in licenses),
        read=tuple(0 for _ in shards),
        must_recall=False,
        known=bounds.expired,
        beat=None,
    )
    gate = Gate(tuple(UNKNOWN for _ in licenses), bounds.expired, None, None, None)
    first = gate
    if bounds.is_settled:
        nothing = tuple(False for _ in licenses)
        stream = Stream(0, is_complete=True, left_out=nothing)
        first = gate._replace(standings=replica.standings, stream=stream)
    return State(
        shards=tuple(shard._replace(outbox=(ACTIVE,) if s in licenses else ()) for s in shards),
        replicas=(replica,) * bounds.replicas,
        gates=(first,) * min(bounds.gates, 1) + (gate,) * (bounds.gates - 1),
        crashes_left=bounds.crashes,
    )


def violated(state: State, bounds: Bounds) -> tuple[int, int] | None:
    """Returns a gate and a license that break the bound, or None.

    The gate allows the license now, although the order is older than one lease.
    """
    for g, gate in enumerate(state.gates):
        if gate.known <= bounds.lease:
            for license_, standing in enumerate(gate.standings):
                if standing == ACTIVE and state.shards[license_].order_age > bounds.lease:
                    return g, license_
    return None
