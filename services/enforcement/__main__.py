"""Composes the enforcement service: `python -m services.enforcement serve`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from prometheus_client import Gauge
from safeconduct.enforcement.v1 import service_pb2_grpc as grpc

from chassis.service import Runtime, Service, main
from chassis.settings import ServiceSettings
from chassis.streams.outbox_record import Address, OutboxRecord
from services.enforcement.shell import heartbeats
from services.enforcement.shell.conduct_service import ConductServicer
from services.enforcement.shell.dependencies import Dependencies
from services.enforcement.shell.event_handlers import EventHandlers
from services.enforcement.shell.heartbeats import Heartbeats
from services.enforcement.shell.projections import LicenseStream
from services.enforcement.shell.standing_cache import TOPIC, StandingCache
from services.enforcement.shell.standing_service import StandingServicer
from services.enforcement.shell.violation_service import ViolationServicer

PACKAGE: Final = "safeconduct.enforcement.v1"


def route(record: OutboxRecord) -> tuple[Address, bytes]:
    """Standings and ticks go to the compacted topic, shard by shard in order; all else in order per license."""
    if record.name == heartbeats.NAME:
        return Address(TOPIC, record.shard), heartbeats.KEY
    key = str(record.stream_id).encode()
    return (
        (Address(TOPIC, record.shard), key)
        if record.name == "StandingChanged"
        else (Address(PACKAGE), key)
    )


def build(runtime: Runtime[ServiceSettings]) -> Service:
    """The service, wired."""
    journal = runtime.journal(LicenseStream())
    ticking = Heartbeats(journal)
    board = StandingCache(ticking, runtime.telemetry)
    _show(board, runtime)
    dependencies = Dependencies(journal, board, runtime.page_tokens)
    handlers = EventHandlers(dependencies)
    return Service(
        registrations=(
            (
                grpc.add_StandingServiceServicer_to_server,
                StandingServicer(dependencies),
                f"{PACKAGE}.StandingService",
            ),
            (
                grpc.add_ConductServiceServicer_to_server,
                ConductServicer(dependencies),
                f"{PACKAGE}.ConductService",
            ),
            (
                grpc.add_ViolationServiceServicer_to_server,
                ViolationServicer(dependencies),
                f"{PACKAGE}.ViolationService",
            ),
        ),
        handlers={
            "safeconduct.applications.v1": handlers.applications,
            "safeconduct.screening.v1": handlers.screening,
        },
        route=route,
        package=PACKAGE,
        background_tasks=(
            ticking.run,
            lambda: board.read(runtime.settings.kafka_bootstrap_servers, journal),
        ),
        not_ready_reason=lambda: (
            None if ticking.moment is not None else "not every standing is known yet"
        ),
    )


def _show(board: StandingCache, runtime: Runtime[ServiceSettings]) -> None:
    """What operators see of the standings."""
    registry = runtime.telemetry.registry
    age = Gauge(
        "safeconduct_standing_cache_age_seconds",
        "Age of what this replica knows of all standings.",
        registry=registry,
    )
    age.set_function(
        lambda: float("inf") if (known := board.ticks.age_ns()) is None else known / 1e9
    )
    licenses = Gauge(
        "safeconduct_standing_cache_licenses",
        "Licenses whose standing this replica knows.",
        registry=registry,
    )
    licenses.set_function(lambda: board.size)
    streams = Gauge(
        "safeconduct_standing_open_streams",
        "Open streams of gates and partners.",
        registry=registry,
    )
    streams.set_function(lambda: board.followers)


if __name__ == "__main__":
    main("enforcement", ServiceSettings, build, Path(__file__).parent / "migrations")
