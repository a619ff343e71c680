"""Reads dead letters from the broker, and redrives them: publishes them to their topics again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from aiokafka import AIOKafkaProducer

from chassis.streams.dead_letters import DEAD_LETTER_SUFFIX
from chassis.streams.record_size import MAX_DEAD_LETTER_BYTES
from chassis.transport.brokers import Bootstrap, client_options
from operations.dlq.records import (
    DeadLetter,
    Redrive,
    marker_headers,
    parse_dead_letters,
    record_id,
    redriven_headers,
)
from operations.error_messages import InputError
from operations.kafka import Record, list_topics, open_reader


@dataclass(frozen=True, slots=True)
class Filter:
    """Selects dead letters. An empty field selects all."""

    topic: str = ""
    """The topic that the record was consumed from."""
    group: str = ""
    """The consumer group, or the name of its service."""
    reason: str = ""
    only_waiting: bool = False
    """Only dead letters that were never redriven."""

    def selects(self, dead_letter: DeadLetter) -> bool:
        """Returns whether every field of the filter matches."""
        return (
            self.topic in {"", dead_letter.topic}
            and self.group in {"", dead_letter.group, dead_letter.group.rpartition(".")[2]}
            and self.reason in {"", dead_letter.reason}
            and not (self.only_waiting and dead_letter.redrives)
        )


async def read_dead_letters(bootstrap: Bootstrap) -> list[DeadLetter]:
    """Returns all dead letters, by topic, oldest first. Raises KafkaError."""
    topics = [
        topic for topic in await list_topics(bootstrap) if topic.name.endswith(DEAD_LETTER_SUFFIX)
    ]
    records: list[Record] = []
    async with open_reader(bootstrap, topics) as reader:
        async for batch in reader.batches():
            records += batch
    return parse_dead_letters(
        sorted(records, key=lambda record: (record.topic, record.partition, record.offset))
    )


async def find_dead_letters(bootstrap: Bootstrap, ids: Sequence[str]) -> list[DeadLetter]:
    """Returns the dead letters with these ids, in this order, each once.

    Raises InputError that names the ids without a dead letter, and KafkaError.
    """
    by_id = {each.id: each for each in await read_dead_letters(bootstrap)}
    missing = [name for name in ids if name not in by_id]
    if missing:
        raise InputError("NO_SUCH_LETTER", *(f"there is no dead letter {name}" for name in missing))
    return [by_id[name] for name in dict.fromkeys(ids)]


async def redrive(bootstrap: Bootstrap, dead_letters: Sequence[DeadLetter]) -> dict[str, str]:
    """Redrives the dead letters one after the other; returns the new record's id by dead letter.

    The marker is written after the broker has acknowledged the record. If the command stops between
    the two, the dead letter can be redriven twice; the fence makes the second one a no-op. Raises
    KafkaError; the dead letters before the failed one are marked.
    """
    new_ids: dict[str, str] = {}
    async with AIOKafkaProducer(
        **client_options(bootstrap),
        acks="all",
        enable_idempotence=True,
        max_request_size=MAX_DEAD_LETTER_BYTES,
    ) as producer:
        for dead_letter in dead_letters:
            record = dead_letter.record
            sent = await producer.send_and_wait(
                dead_letter.topic,
                record.value,
                key=record.key,
                # With a key the partitioner chooses the same partition as before. Without one, the
                # record must go back to its partition explicitly.
                partition=dead_letter.partition if record.key is None else None,
                headers=redriven_headers(dead_letter),
            )
            done = Redrive(
                at=datetime.now(UTC).isoformat().replace("+00:00", "Z"),
                to=record_id(sent.topic, sent.partition, sent.offset),
            )
            await producer.send_and_wait(
                record.topic,
                None,
                key=dead_letter.id.encode(),
                partition=record.partition,
                headers=marker_headers(dead_letter, done),
            )
            new_ids[dead_letter.id] = done.to
    return new_ids
