"""Composes the screening service: `python -m services.screening serve`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, FilePath
from safeconduct.screening.v1 import service_pb2_grpc

from chassis.service import Runtime, Service, main
from chassis.settings import ServiceSettings, variable
from chassis.streams.outbox_record import Address, OutboxRecord
from services.screening.core.config import DEFAULT
from services.screening.shell.active_lists import ActiveLists
from services.screening.shell.adjudication_service import AdjudicationServicer
from services.screening.shell.dependencies import Dependencies
from services.screening.shell.event_handlers import EventHandlers
from services.screening.shell.hit_rules import read_hit_rules
from services.screening.shell.list_service import ListServicer
from services.screening.shell.list_sources import read_manifest
from services.screening.shell.list_store import ListStore
from services.screening.shell.ownership_rules import read_ownership_rules
from services.screening.shell.projections import ListStream, ScreeningStream
from services.screening.shell.rescreening import Rescreening
from services.screening.shell.screener import Screener
from services.screening.shell.screening_service import ScreeningServicer
from services.screening.shell.worker_pool import WorkerPool, default_workers

HERE = Path(__file__).parent
PACKAGE = "safeconduct.screening.v1"


class Settings(ServiceSettings):
    """Settings of the screening service."""

    initial_list_file: FilePath = variable(
        "/etc/safeconduct/list.yaml",
        default=HERE / "lists/shipped.yaml",
        old_name="FIRST_LIST_FILE",
    )
    """Describes the list of an empty installation. It is not read again once a list is active."""
    screening_worker_processes: Annotated[int, Field(ge=1, le=64)] = variable(
        "2", default=default_workers(), old_name="SCREENING_WORKERS"
    )
    """Number of worker processes. They share one index, and each adds its own working memory."""
    ownership_rules_file: FilePath = variable(
        "/etc/safeconduct/ownership.yaml", default=HERE / "rules/ownership.yaml"
    )
    """Rules for when listed owners make a party count as listed. Read once, at the start."""
    hit_rules_file: FilePath = variable(
        "/etc/safeconduct/hits.yaml", default=HERE / "rules/hits.yaml"
    )
    """Which hits two officers must clear, and how long that is remembered. Read at the start."""


def route(record: OutboxRecord) -> tuple[Address, bytes]:
    """Returns topic and key of an event: one topic, ordered for each application and each list."""
    return Address(PACKAGE), str(record.stream_id).encode()


def build(runtime: Runtime[Settings]) -> Service:
    """Builds the service from its settings. Starts the index server."""
    settings, registry = runtime.settings, runtime.telemetry.registry
    rules = read_ownership_rules(settings.ownership_rules_file)
    hit_rules = read_hit_rules(settings.hit_rules_file)
    pool = WorkerPool(DEFAULT, settings.screening_worker_processes, registry)
    pool.start()
    screener = Screener(DEFAULT, registry, pool)
    journal, list_journal = runtime.journal(ScreeningStream()), runtime.journal(ListStream())
    store = ListStore(list_journal)
    lists = ActiveLists(
        list_journal, store, screener, read_manifest(settings.initial_list_file), registry
    )
    rescreening = Rescreening(
        journal, runtime.pool, screener, lists, store, DEFAULT, rules, hit_rules, runtime.telemetry
    )
    lists.when_loaded.append(rescreening.wake)
    dependencies = Dependencies(
        journal,
        list_journal,
        screener,
        store,
        lists,
        rescreening,
        rules,
        hit_rules,
        runtime.page_tokens,
    )
    handlers = EventHandlers(journal, screener, rules, hit_rules)
    return Service(
        registrations=(
            (
                service_pb2_grpc.add_ScreeningServiceServicer_to_server,
                ScreeningServicer(dependencies),
                f"{PACKAGE}.ScreeningService",
            ),
            (
                service_pb2_grpc.add_ListServiceServicer_to_server,
                ListServicer(dependencies),
                f"{PACKAGE}.ListService",
            ),
            (
                service_pb2_grpc.add_AdjudicationServiceServicer_to_server,
                AdjudicationServicer(dependencies),
                f"{PACKAGE}.AdjudicationService",
            ),
        ),
        handlers={
            "safeconduct.applications.v1": handlers.applications,
            "safeconduct.enforcement.v1": handlers.enforcement,
        },
        route=route,
        package=PACKAGE,
        background_tasks=(lists.run, rescreening.run),
        not_ready_reason=lists.ready,
        before_consuming=lists.loaded,
    )


if __name__ == "__main__":
    main("screening", Settings, build, HERE / "migrations", [ScreeningStream(), ListStream()])
