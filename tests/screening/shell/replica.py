"""One replica of the service without its server and consumer, and what the tests do with it."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from safeconduct.screening.v1 import model_pb2, service_pb2

from chassis.rpc.authentication import Principal
from chassis.rpc.page_tokens import PageTokens
from chassis.store.journal import Journal
from chassis.store.stream import etag_of
from chassis.telemetry.tracing import Telemetry, setup
from services.screening.core.config import DEFAULT
from services.screening.core.evolve import ScreenedApplication
from services.screening.core.lists.parsed_list import decoded
from services.screening.shell.active_lists import ActiveLists
from services.screening.shell.adjudication_service import AdjudicationServicer
from services.screening.shell.dependencies import Dependencies
from services.screening.shell.event_handlers import EventHandlers
from services.screening.shell.hit_rules import read_hit_rules
from services.screening.shell.list_service import ListServicer
from services.screening.shell.list_sources import ListSource
from services.screening.shell.list_store import ListStore
from services.screening.shell.projections import ListStream, ScreeningStream
from services.screening.shell.rescreening import Rescreening
from services.screening.shell.screener import Screener
from services.screening.shell.screening_service import ScreeningServicer
from tests.chassis.callers import acting_as
from tests.screening.core.hits import RULES
from tests.screening.shell.submissions import envelope, party, submitted

MIGRATIONS = Path(__file__).parents[3] / "services/screening/migrations"
LIST_OFFICER = Principal("officer", "lists-1", None, frozenset({"LIST_OFFICER"}), 1)
OFFICERS = tuple(
    Principal("officer", f"licensing-{n}", None, frozenset({"LICENSING_OFFICER"}), 3)
    for n in (1, 2)
)
CODE = "US-CSL"
HIT_RULES = read_hit_rules(MIGRATIONS.parent / "rules/hits.yaml")
WHY = "another institute in another country"


@dataclass(frozen=True, slots=True)
class Replica:
    """What one process of the service has, without its server and its consumer."""

    telemetry: Telemetry
    spans: InMemorySpanExporter
    dependencies: Dependencies
    handlers: EventHandlers
    screening: ScreeningServicer
    list_officers: ListServicer
    hits: AdjudicationServicer

    @property
    def journal(self) -> Journal:  # type: ignore[type-arg]  # of applications
        return self.dependencies.journal

    @property
    def list_journal(self) -> Journal:  # type: ignore[type-arg]  # of lists
        return self.dependencies.list_journal

    @property
    def screener(self) -> Screener:
        return self.dependencies.screener

    @property
    def lists(self) -> ActiveLists:
        return self.dependencies.active_lists

    @property
    def rescreening(self) -> Rescreening:
        return self.dependencies.rescreening


NewReplica = Callable[[asyncpg.Pool], Replica]


def make_replica(pool: asyncpg.Pool, initial: ListSource) -> Replica:
    """Returns a replica that has not loaded its list yet."""
    spans = InMemorySpanExporter()
    telemetry = setup(
        "screening",
        "0.0.0",
        log_level="CRITICAL",
        span_processors=(SimpleSpanProcessor(spans),),
    )
    screener = Screener(DEFAULT, telemetry.registry)
    journal = Journal(pool, ScreeningStream(), telemetry, lambda: None)
    list_journal = Journal(pool, ListStream(), telemetry, lambda: None)
    store = ListStore(list_journal)
    lists = ActiveLists(list_journal, store, screener, initial, telemetry.registry)
    rescreening = Rescreening(
        journal, pool, screener, lists, store, DEFAULT, RULES, HIT_RULES, telemetry
    )
    tokens = PageTokens([b"k" * 32])
    dependencies = Dependencies(
        journal, list_journal, screener, store, lists, rescreening, RULES, HIT_RULES, tokens
    )
    return Replica(
        telemetry,
        spans,
        dependencies,
        EventHandlers(journal, screener, RULES, HIT_RULES),
        ScreeningServicer(dependencies),
        ListServicer(dependencies),
        AdjudicationServicer(dependencies),
    )


# Lists


def newer(source: ListSource, *names: str, without: str = "") -> bytes:
    """The list with an entry more for each name, and without the entries that hold a text."""
    published = csv.reader(io.StringIO(decoded(source.content), newline=""))
    rows = [row for row in published if not without or without not in row]
    columns = rows[0]
    for number, name in enumerate(names):
        added = dict.fromkeys(columns, "") | {
            "_id": f"new-{number}",
            "source": "Entity List (EL) - Bureau of Industry and Security",
            "name": name,
        }
        rows.append([added[column] for column in columns])
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


async def messages(content: bytes, **first: object) -> AsyncIterator[service_pb2.ImportListRequest]:
    request_id = str(first.pop("request_id", uuid4()))
    head = {
        "list_code": CODE,
        "format": model_pb2.LIST_FORMAT_CSL_CSV,
        "publication": "2026-11",
    } | first
    yield service_pb2.ImportListRequest(request_id=request_id, **head)  # type: ignore[arg-type]  # by name
    for start in range(0, len(content), 100_000):
        yield service_pb2.ImportListRequest(
            request_id=request_id, content=content[start : start + 100_000]
        )


async def imported(
    replica: Replica, content: bytes, **first: object
) -> service_pb2.ImportListResponse:
    with acting_as(LIST_OFFICER):
        return await replica.list_officers.ImportList(messages(content, **first), None)


async def activated(replica: Replica, version: str, code: str = CODE) -> None:
    request = service_pb2.ActivateListRequest(
        request_id=str(uuid4()), list_code=code, list_version=version
    )
    with acting_as(LIST_OFFICER):
        await replica.list_officers.ActivateList(request, None)
    await replica.lists.refresh()


async def changed(replica: Replica, source: ListSource, *names: str) -> None:
    """Imports and activates a version with an entry more for each name."""
    answer = await imported(replica, newer(source, *names))
    await activated(replica, answer.version.list_version)


# Applications


async def screened(replica: Replica, *names: str, country: str = "AT") -> UUID:
    event = submitted(
        *(party(f"party-{number}", name, country=country) for number, name in enumerate(names))
    )
    await replica.handlers.applications(envelope(event.SerializeToString()))
    return UUID(event.application_id)


async def kept(replica: Replica, application_id: UUID) -> ScreenedApplication:
    current = await replica.journal.read(application_id)
    assert current is not None
    state: ScreenedApplication = current.state
    return state


async def names_of(replica: Replica, application_id: UUID) -> Sequence[str]:
    return [event.name for event in await replica.journal.history(application_id)]


# Hits


async def judged(
    replica: Replica, hit_id: UUID, version: int, officer: Principal, verdict: int = 1
) -> model_pb2.HitCase:
    request = service_pb2.AdjudicateHitRequest(
        request_id=str(uuid4()),
        hit_id=str(hit_id),
        verdict=verdict,
        rationale=WHY,
        etag=etag_of(version),
    )
    with acting_as(officer):
        return (await replica.hits.AdjudicateHit(request, None)).hit


async def confirmed(
    replica: Replica, application_id: UUID, officer: Principal, proposed: model_pb2.HitCase
) -> model_pb2.HitCase:
    """The officer confirms a proposal to clear a hit of the application."""
    request = service_pb2.ConfirmClearingRequest(
        request_id=str(uuid4()),
        hit_id=proposed.hit_id,
        clearing_id=proposed.clearing_id,
        rationale=WHY,
        etag=etag_of((await kept(replica, application_id)).version),
    )
    with acting_as(officer):
        return (await replica.hits.ConfirmClearing(request, None)).hit


async def withdrawn(
    replica: Replica, hit_id: UUID, application_id: UUID, officer: Principal
) -> model_pb2.HitCase:
    """The officer withdraws the verdict on a hit of the application."""
    application = await kept(replica, application_id)
    hit = application.find(hit_id)
    assert hit is not None
    request = service_pb2.WithdrawVerdictRequest(
        request_id=str(uuid4()),
        hit_id=str(hit_id),
        verdict_id=str(hit.verdict_id),
        rationale=WHY,
        etag=etag_of(application.version),
    )
    with acting_as(officer):
        return (await replica.hits.WithdrawVerdict(request, None)).hit


async def cleared(replica: Replica, application_id: UUID) -> None:
    """One officer clears every hit; of a STRONG one, a second officer confirms the clearing."""
    for hit in (await kept(replica, application_id)).hits:
        application = await kept(replica, application_id)
        case = await judged(replica, hit.hit_id, application.version, OFFICERS[0])
        if case.clearing_id:
            case = await confirmed(replica, application_id, OFFICERS[1], case)
        assert case.state == model_pb2.HIT_STATE_FALSE_POSITIVE
