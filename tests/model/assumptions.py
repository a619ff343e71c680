"""The assumptions of the bound. Each one can be switched off in a search."""

from __future__ import annotations

from enum import Enum


class Assumption(Enum):
    """An assumption of the bound. The value is the sentence that holds while the switch is on."""

    ONE_TRANSACTION = "An order and its outbox row commit in one transaction."
    START_NOTED_FIRST = "A replica notes the start of a heartbeat before it writes the heartbeat."
    ORDER_IN_SHARD = "Records of a shard reach the topic in the order of the outbox."
    DELETED_AFTER_ACK = "A row leaves the outbox only after the broker acknowledged its record."
    KAFKA_KEEPS_RECORDS = "Kafka loses no acknowledged record."
    POSTGRES_KEEPS_COMMITS = "PostgreSQL loses no commit."
    EVERY_PARTITION = "A heartbeat counts only when it has returned on every partition."
    OWN_HEARTBEATS = "A replica counts its own heartbeats only."
    CACHE_NEVER_FALLS = "The version of a standing never falls in a replica's cache."
    RECALL_AT_START = "A replica loads the standings from the database before it reads the topic."
    RECALL_AFTER_COMPACTION = (
        "A reader that was away longer than compaction recalls from the database."
    )
    READER_NOTICES_TOPIC = "A reader notices that the topic was recreated, and recalls."
    TOKEN_NAMES_TOPIC = "A resume token names the id of the topic."
    TOKEN_AFTER_SNAPSHOT = "Only the last message of a snapshot has a resume token."
    SNAPSHOT_BEFORE_LEASE = "A gate accepts a lease only after the whole snapshot."
    CHANGES_BEFORE_LEASE = "A lease is sent after all changes that the replica knows."
    GATE_NEVER_FALLS = "The version of a standing never falls at the gate."
    SEND_TIME = "The gate counts a lease from the time at which it sent the renewal."
    CLOCK_IN_PAUSE = "The clock for ages runs while the machine is paused."
    ONE_OWNER = "The session lock lets one relay at a time publish a shard."


ALL = frozenset(Assumption)
REDUNDANT = frozenset({Assumption.ONE_OWNER})
"""Switched off, the bound still holds. They serve another purpose."""
