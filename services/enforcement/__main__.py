"""Builds the enforcement service: `python -m services.enforcement serve`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Final

from prometheus_client import Gauge
from safeconduct.enforcement.v1 import service_pb2_grpc as grpc
from safeconduct.standing import NANOSECONDS

from chassis.service import Runtime, Service, main
from chassis.streams.outbox_record import Address, OutboxRecord
from chassis.streams.tombstones import send_tombstones
from services.enforcement.shell import heartbeats, knowledge
from services.enforcement.shell.conduct_service import ConductServicer
from services.enforcement.shell.dependencies import Dependencies
from services.enforcement.shell.event_handlers import EventHandlers
from services.enforcement.shell.heartbeats import Heartbeats
from services.enforcement.shell.projections import STANDING_OUTBOX, LicenseStream
from services.enforcement.shell.settings import EnforcementSettings
from services.enforcement.shell.standing_cache import TOPIC, StandingCache
from services.enforcement.shell.standing_recall import StandingRecall
from services.enforcement.shell.standing_removal import StandingRemoval
from services.enforcement.shell.standing_service import StandingServicer
from services.enforcement.shell.violation_service import ViolationServicer

PACKAGE: Final = "safeconduct.enforcement.v1"


def route(record: OutboxRecord) -> tuple[Address, bytes]:
    """Returns topic, partition and key of a record.

    Standings and heartbeats go to the compacted topic, each shard to the partition of its number,
    so that a heartbeat follows every standing that was committed before it. All other events go to
    the service's topic, in order for each license.
    """
    if record.name in heartbeats.NAMES:
        return Address(TOPIC, record.shard), heartbeats.KEY
    key = str(record.stream_id).encode()
    if record.name == "StandingChanged":
        return Address(TOPIC, record.shard), key
    return Address(PACKAGE), key


def build(runtime: Runtime[EnforcementSettings]) -> Service:
    """Returns the service with all its parts."""
    settings = runtime.settings
    journal = runtime.journal(LicenseStream())
    own_heartbeats = Heartbeats(journal)
    standing_cache = StandingCache(own_heartbeats, runtime.telemetry)
    recall = StandingRecall(standing_cache, journal)
    bootstrap = settings.kafka
    removal = StandingRemoval(journal, partial(send_tombstones, bootstrap, TOPIC, "/enforcement"))
    _register_metrics(standing_cache, runtime)
    dependencies = Dependencies(journal, standing_cache, runtime.page_tokens)
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
        separate_outboxes=(STANDING_OUTBOX,),
        background_tasks=(
            own_heartbeats.run,
            lambda: recall.run(bootstrap),
            removal.run,
        ),
        not_ready_reason=lambda: knowledge.not_ready_reason(standing_cache, settings),
        not_live_reason=lambda: knowledge.not_live_reason(standing_cache, settings),
    )


def _register_metrics(standing_cache: StandingCache, runtime: Runtime[EnforcementSettings]) -> None:
    registry = runtime.telemetry.registry
    age = Gauge(
        "safeconduct_standing_cache_age_seconds",
        "Seconds since this replica last knew every committed standing.",
        registry=registry,
    )
    age.set_function(lambda: _age_seconds(standing_cache))
    licenses = Gauge(
        "safeconduct_standing_cache_licenses",
        "Number of licenses whose standing this replica knows.",
        registry=registry,
    )
    licenses.set_function(lambda: standing_cache.license_count)
    streams = Gauge(
        "safeconduct_standing_open_streams",
        "Number of open streams of gates and partners.",
        registry=registry,
    )
    streams.set_function(lambda: standing_cache.subscriber_count)


def _age_seconds(standing_cache: StandingCache) -> float:
    age_ns = standing_cache.heartbeats.age_ns()
    return float("inf") if age_ns is None else age_ns / NANOSECONDS


if __name__ == "__main__":
    main(
        "enforcement",
        EnforcementSettings,
        build,
        Path(__file__).parent / "migrations",
        [LicenseStream()],
    )
