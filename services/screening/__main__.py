"""Composes the screening service: `python -m services.screening serve`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, FilePath
from safeconduct.screening.v1 import service_pb2_grpc

from chassis.service import Runtime, Service, main
from chassis.settings import ServiceSettings
from chassis.streams.relay import Address, Outbound
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
    """What screening needs besides what every service needs."""

    first_list_file: Annotated[FilePath, Field(examples=["/etc/safeconduct/list.yaml"])] = (
        HERE / "lists/shipped.yaml"
    )
    """Describes the list that an empty installation starts with; never read again once a list is active."""
    screening_workers: Annotated[
        int, Field(ge=1, le=64, default_factory=default_workers, examples=["2"])
    ]
    """Processes that screen; they share one index, and each adds its own working memory."""
    ownership_rules_file: Annotated[
        FilePath, Field(examples=["/etc/safeconduct/ownership.yaml"])
    ] = HERE / "rules/ownership.yaml"
    """When owners that are listed make a party count as listed; read once, at the start."""


def route(record: Outbound) -> tuple[Address, bytes]:
    """All facts go to one topic, in order per application and per list."""
    return Address(PACKAGE), str(record.stream_id).encode()


def build(runtime: Runtime[Settings]) -> Service:
    """The service, wired."""
    registry = runtime.telemetry.registry
    rules = ownership_rules(runtime.settings.ownership_rules_file)
    engine = WorkerPool(DEFAULT, runtime.settings.screening_workers, registry)
    engine.start()
    desk = Screener(DEFAULT, registry, engine)
    screenings = runtime.journal(ScreeningStream())
    registers = runtime.journal(ListStream())
    lists = Lists(registers, desk, shipped(runtime.settings.first_list_file), registry)
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
                AdjudicationServicer(screenings, runtime.tokens, rules),
                f"{PACKAGE}.AdjudicationService",
            ),
        ),
        handlers={
            "safeconduct.applications.v1": hearing.applications,
            "safeconduct.enforcement.v1": hearing.enforcement,
        },
        route=route,
        package=PACKAGE,
        runs=(lists.run, rescreening.run),
        ready=lists.ready,
        before_hearing=lists.loaded,
    )


if __name__ == "__main__":
    main("screening", Settings, build, HERE / "migrations")
