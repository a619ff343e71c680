"""`safeconduct dlq` on a real broker: dead letters are shown, redriven and handled once.

The dead letters are those of a release before events were parked.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import asyncpg
import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from chassis.store.parked import ParkedEvents
from chassis.streams.consumer import Consumer
from chassis.streams.dead_letters import DeadLetterWriter
from chassis.streams.envelope import Envelope, Undecodable
from chassis.streams.event_processor import EventProcessor
from chassis.telemetry import semconv
from chassis.telemetry.tracing import setup
from infra.local.kafka import Kafka
from infra.local.postgres import Database
from tests.chassis.conftest import NewTopic
from tests.chassis.kafka_records import event_headers
from tests.chassis.sample_aggregate import Added, new_journal, open_pool
from tests.chassis.waiting import eventually, stopped

from .conftest import Ran, safeconduct

TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE}-b7ad6b7169203331-01".encode()


@dataclass
class Service:
    """A consumer whose handler fails until it is mended, with its spans and what it was given."""

    name: str
    consumer: Consumer
    letters: DeadLetterWriter
    spans: InMemorySpanExporter
    is_mended: bool = False
    given: list[UUID] = field(default_factory=list)
    running: asyncio.Task[None] | None = None

    def handled(self) -> list[ReadableSpan]:
        return [
            span for span in self.spans.get_finished_spans() if span.name.startswith("process ")
        ]


@dataclass
class Scene:
    """A topic, two services that hear it, and the total that the first of them keeps."""

    kafka: Kafka
    topic: str
    broken: Service
    other: Service
    sample: UUID
    pool: asyncpg.Pool

    async def dlq(self, *arguments: str) -> Ran:
        return await safeconduct(
            {"SAFECONDUCT_KAFKA_BOOTSTRAP_SERVERS": self.kafka.bootstrap},
            "dlq",
            *arguments,
            "--json",
        )

    async def letters(self, *arguments: str) -> list[dict[str, object]]:
        ran = await self.dlq("list", "--topic", self.topic, *arguments)
        assert (ran.code, ran.err) == (0, "")
        found: list[dict[str, object]] = ran.json["deadLetters"]
        return found

    async def total(self) -> int:
        current = await new_journal(self.pool).read(self.sample)
        return current.state.total if current is not None else 0


NewScene = Callable[[], Awaitable[Scene]]


@pytest.fixture
async def scene(kafka: Kafka, new_topic: NewTopic, store: Database) -> AsyncIterator[Scene]:
    topic, sample, pool = await new_topic(2), uuid4(), await open_pool(store.app_dsn)
    journal = new_journal(pool)

    def service(name: str) -> Service:
        spans = InMemorySpanExporter()
        telemetry = setup(
            name, "0.0.0", log_level="CRITICAL", span_processors=(SimpleSpanProcessor(spans),)
        )
        group = f"safeconduct.{name}-{topic}"
        letters = DeadLetterWriter(kafka.bootstrap, group)

        async def handle(envelope: Envelope) -> None:
            made.given.append(envelope.event_id)
            if made is broken:
                if not broken.is_mended:
                    raise Undecodable("not yet")
                await journal.execute(
                    sample, envelope.key, "service/samples", lambda _: (Added(sample, 1),)
                )

        processor = EventProcessor(group, {topic: handle}, letters, ParkedEvents(pool), telemetry)
        made = Service(name, Consumer(kafka.bootstrap, processor, telemetry), letters, spans)
        return made

    broken, other = service("broken"), service("other")
    for each in (broken, other):
        each.running = asyncio.create_task(each.consumer.run())
    yield Scene(kafka, topic, broken, other, sample, pool)
    for each in (broken, other):
        assert each.running is not None
        await stopped(each.running)
        await each.letters.close()
    await pool.close()


async def poisoned(scene: Scene, *numbers: int) -> list[dict[str, object]]:
    """The dead letters of these facts."""
    for offset, number in enumerate(numbers):
        headers = event_headers(number, traceparent=TRACEPARENT)
        await scene.broken.letters.write(
            scene.topic,
            1,
            offset,
            b"sample",
            f"fact {number}".encode(),
            {name: raw for name, raw in headers if raw is not None},
            "UNDECODABLE",
            "Undecodable",
            1,
        )
    return await scene.letters()


async def test_a_dead_letter_says_why_it_is_one_and_not_what_is_in_it(scene: Scene) -> None:
    (letter,) = await poisoned(scene, 1)
    shown = (await scene.dlq("show", str(letter["id"]))).json
    opened = (await scene.dlq("show", str(letter["id"]), "--payload")).json

    assert letter["id"] == f"{scene.topic}.dlq/0/0"
    assert {
        name: letter[name]
        for name in ("reason", "error", "attempts", "origin", "eventId", "traceId")
    } == {
        "reason": "UNDECODABLE",
        "error": "Undecodable",
        "attempts": "1",
        "origin": f"{scene.topic}/1/0",
        "eventId": str(UUID(int=1)),
        "traceId": TRACE,
    }
    assert shown["headers"]["ce_type"] == "safeconduct.samples.v1.Added"
    assert (shown["bytes"], shown["sha256"]) == (6, hashlib.sha256(b"fact 1").hexdigest())
    assert "payload" not in shown
    assert base64.b64decode(opened["payload"]) == b"fact 1"


async def test_a_letter_that_is_sent_again_is_handled_once_and_by_whom_it_was_not(
    scene: Scene,
) -> None:
    (letter,) = await poisoned(scene, 2)
    scene.broken.is_mended = True
    name = str(letter["id"])

    sent = (await scene.dlq("redrive", name)).json

    async def counted() -> bool:
        return await scene.total() == 1

    await eventually(counted, "the letter")

    assert sent["redriven"] == [
        {"id": name, "to": f"{scene.topic}/{sent['redriven'][0]['to'].split('/', 1)[1]}"}
    ]
    assert len(scene.broken.given) == 1
    (after,) = await scene.letters()
    assert [each["to"] for each in after["redrives"]] == [sent["redriven"][0]["to"]]
    assert await scene.letters("--waiting") == []

    left = (await scene.dlq("redrive", name)).json
    once_more = (await scene.dlq("redrive", name, "--again")).json
    await eventually(lambda: len(scene.broken.given) == 2, "the letter once more")

    assert (left["redriven"], left["skipped"]) == ([], [name])
    assert len(once_more["redriven"]) == 1
    assert await scene.total() == 1
    assert scene.other.given == []
    assert await scene.letters() != []


async def test_the_trace_of_a_letter_that_is_sent_again_is_new_and_linked_to_the_old_one(
    scene: Scene,
) -> None:
    (letter,) = await poisoned(scene, 3)
    scene.broken.is_mended = True

    await scene.dlq("redrive", str(letter["id"]))
    await eventually(lambda: len(scene.broken.handled()) == 1, "the span")

    (span,) = scene.broken.handled()
    assert span.context is not None
    assert f"{span.context.trace_id:032x}" != TRACE
    assert span.parent is None
    assert [f"{link.context.trace_id:032x}" for link in span.links] == [TRACE]
    assert (span.attributes or {})[semconv.REDRIVEN] == letter["id"]


async def test_all_letters_of_a_reason_and_a_service_are_sent_again_together(scene: Scene) -> None:
    letters = await poisoned(scene, 4, 5, 6)
    scene.broken.is_mended = True
    of_other = ("--reason", "UNDECODABLE", "--topic", scene.topic, "--service", "other")
    of_broken = (
        "--reason",
        "UNDECODABLE",
        "--topic",
        scene.topic,
        "--service",
        str(letters[0]["group"]),
    )

    nobody = (await scene.dlq("redrive", *of_other)).json
    dry = (await scene.dlq("redrive", *of_broken, "--dry-run")).json
    assert len(await scene.letters("--waiting")) == 3
    sent = (await scene.dlq("redrive", *of_broken)).json
    await eventually(lambda: len(scene.broken.given) == 3, "all three")

    assert nobody["redriven"] == []
    names = [letter["id"] for letter in letters]
    assert (
        [each["id"] for each in dry["redriven"]]
        == [each["id"] for each in sent["redriven"]]
        == names
    )
    assert scene.broken.given == [UUID(int=number) for number in (4, 5, 6)]

    async def total() -> bool:
        return await scene.total() == 3

    await eventually(total, "all three counted")


async def test_a_letter_that_fails_again_is_parked(scene: Scene) -> None:
    (letter,) = await poisoned(scene, 7)

    await scene.dlq("redrive", str(letter["id"]))
    await eventually(lambda: len(scene.broken.given) == 1, "the letter")

    async def parked() -> bool:
        reason = await scene.pool.fetchval(
            "select reason from parked where topic = $1", scene.topic
        )
        return bool(reason == "UNDECODABLE")

    await eventually(parked, "the parked event")
    assert len(await scene.letters()) == 1


async def test_what_is_not_there_or_not_said_ends_with_its_own_code(kafka: Kafka) -> None:
    environ = {"SAFECONDUCT_KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap}
    missing = await safeconduct(environ, "dlq", "show", "nowhere.dlq/0/9", "--json")
    both = await safeconduct(environ, "dlq", "redrive", "a/0/1", "--reason", "UNDECODABLE")
    nowhere = await safeconduct({}, "dlq", "list", "--json")

    assert (missing.code, '"reason": "NO_SUCH_LETTER"' in missing.err) == (2, True)
    assert both.code == 2
    assert (nowhere.code, '"reason": "NOT_CONFIGURED"' in nowhere.err) == (2, True)
