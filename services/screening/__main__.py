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
from services.screening.shell.active_lists import Lists, shipped
from services.screening.shell.adjudication_service import AdjudicationServicer
from services.screening.shell.event_handlers import EventHandlers
from services.screening.shell.list_service import ListServicer
from services.screening.shell.ownership_rules import ownership_rules
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


def route(record: OutboxRecord) -> tuple[Address, bytes]:
    """All facts go to one topic, in order per application and per list."""
    return Address(PACKAGE), str(record.stream_id).encode()


def build(runtime: Runtime[Settings]) -> Service:
    """The service, wired."""
    registry = runtime.telemetry.registry
    rules = ownership_rules(runtime.settings.ownership_rules_file)
    engine = WorkerPool(DEFAULT, runtime.settings.screening_worker_processes, registry)
    engine.start()
    desk = Screener(DEFAULT, registry, engine)
    screenings = runtime.journal(ScreeningStream())
    registers = runtime.journal(ListStream())
    lists = Lists(registers, desk, shipped(runtime.settings.initial_list_file), registry)
    rescreening = Rescreening(
        screenings, runtime.pool, desk, lists, DEFAULT, rules, runtime.telemetry
    )
    lists.when_loaded.append(rescreening.wake)
    hearing = EventHandlers(screenings, desk, rules)
    return Service(
        registrations=(
            (
                service_pb2_grpc.add_ScreeningServiceServicer_to_server,
                ScreeningServicer(screenings, desk),
                f"{PACKAGE}.ScreeningService",
            ),
            (
                service_pb2_grpc.add_ListServiceServicer_to_server,
                ListServicer(registers, lists, desk, rescreening),
                f"{PACKAGE}.ListService",
            ),
            (
                service_pb2_grpc.add_AdjudicationServiceServicer_to_server,
                AdjudicationServicer(screenings, runtime.page_tokens, rules),
                f"{PACKAGE}.AdjudicationService",
            ),
        ),
        handlers={
            "safeconduct.applications.v1": hearing.applications,
            "safeconduct.enforcement.v1": hearing.enforcement,
        },
        route=route,
        package=PACKAGE,
        background_tasks=(lists.run, rescreening.run),
        not_ready_reason=lists.ready,
        before_consuming=lists.loaded,
    )


if __name__ == "__main__":
    main("screening", Settings, build, HERE / "migrations")
