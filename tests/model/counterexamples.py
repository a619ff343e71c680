"""The bounds in which the search for the counterexample of each assumption is made."""

from __future__ import annotations

from typing import Final

from tests.model.assumptions import Assumption
from tests.model.state import Bounds


def _bounds(*faults: str, **sizes: int) -> Bounds:
    """Returns bounds with these faults only, from a state in which the gate has a stream."""
    settings = {"replicas": 1, "crashes": 1 if faults else 0} | sizes
    return Bounds(faults=frozenset(faults), is_settled=True, **settings)


BOUNDS: Final = {
    Assumption.ONE_TRANSACTION: _bounds(),
    Assumption.START_NOTED_FIRST: _bounds(),
    Assumption.ORDER_IN_SHARD: _bounds(),
    Assumption.DELETED_AFTER_ACK: _bounds("EndSession"),
    Assumption.KAFKA_KEEPS_RECORDS: _bounds("LoseRecord"),
    Assumption.POSTGRES_KEEPS_COMMITS: _bounds("LoseCommit"),
    Assumption.EVERY_PARTITION: _bounds(shards=2),
    Assumption.OWN_HEARTBEATS: _bounds(replicas=2, heartbeating=2),
    Assumption.CACHE_NEVER_FALLS: _bounds("EndSession"),
    Assumption.RECALL_AT_START: _bounds("CrashReplica", "Compact"),
    Assumption.RECALL_AFTER_COMPACTION: _bounds("EndSession", "Compact"),
    Assumption.READER_NOTICES_TOPIC: _bounds("RecreateTopic"),
    Assumption.TOKEN_NAMES_TOPIC: _bounds("RecreateTopic"),
    Assumption.TOKEN_AFTER_SNAPSHOT: _bounds(),
    Assumption.SNAPSHOT_BEFORE_LEASE: _bounds(),
    Assumption.CHANGES_BEFORE_LEASE: _bounds(),
    Assumption.GATE_NEVER_FALLS: _bounds(replicas=2),
    Assumption.SEND_TIME: _bounds(),
    Assumption.CLOCK_IN_PAUSE: _bounds(),
}
