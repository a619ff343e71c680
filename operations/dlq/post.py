"""Reads the dead-letter topics, and sends letters on their way again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from aiokafka import AIOKafkaProducer

from chassis.streams.dead_letters import DEAD_LETTER_SUFFIX
from operations.complaints import Unusable
from operations.dlq.letters import Letter, letters, mark, place, redriven
from operations.kafka import Record, reading, topics


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which letters are meant; what is empty excludes none. `topic` is the one they came from."""

    topic: str = ""
    group: str = ""
    reason: str = ""
    only_waiting: bool = False

    def takes(self, letter: Letter) -> bool:
        """Whether the letter is meant."""
        return (
            self.topic in {"", letter.topic}
            and self.group in {"", letter.group, letter.group.rpartition(".")[2]}
            and self.reason in {"", letter.reason}
            and not (self.only_waiting and letter.sent)
        )


async def lying(bootstrap: str) -> list[Letter]:
    """Every dead letter, topic by topic, oldest first. Raises what Kafka raises."""
    wanted = [topic for topic in await topics(bootstrap) if topic.name.endswith(DEAD_LETTER_SUFFIX)]
    records: list[Record] = []
    async with reading(bootstrap, wanted) as log:
        async for batch in log.batches():
            records += batch
    return letters(
        sorted(records, key=lambda record: (record.topic, record.partition, record.offset))
    )


async def find(bootstrap: str, ids: Sequence[str]) -> list[Letter]:
    """The letters of these ids, in that order. Raises Unusable naming those that are not there."""
    by_id = {letter.id: letter for letter in await lying(bootstrap)}
    missing = [name for name in ids if name not in by_id]
    if missing:
        raise Unusable("NO_SUCH_LETTER", *(f"there is no dead letter {name}" for name in missing))
    return [by_id[name] for name in dict.fromkeys(ids)]


async def redrive(bootstrap: str, chosen: Sequence[Letter]) -> dict[str, str]:
    """Sends the letters again, one after the other, each to the topic it came from; gives where each lies now, by id.

    The mark is written after the letter was taken by the broker: whoever is stopped between the two sends it twice at
    most, which the inbox bears. Raises what Kafka raises; what was sent before is marked.
    """
    sent: dict[str, str] = {}
    async with AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", enable_idempotence=True
    ) as producer:
        for letter in chosen:
            record = letter.record
            told = await producer.send_and_wait(
                letter.topic,
                record.value,
                key=record.key,
                # The key decides, as it did; without one the letter goes back to where it lay.
                partition=letter.partition if record.key is None else None,
                headers=redriven(letter),
            )
            to = place(told.topic, told.partition, told.offset)
            at = datetime.now(UTC).isoformat().replace("+00:00", "Z")
            await producer.send_and_wait(
                record.topic,
                None,
                key=letter.id.encode(),
                partition=record.partition,
                headers=mark(letter, to, at),
            )
            sent[letter.id] = to
    return sent
