"""Composes the applications service: `python -m services.applications serve`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, FilePath
from safeconduct.applications.v1 import service_pb2_grpc

from chassis.service import Runtime, Service, main
from chassis.settings import ServiceSettings
from chassis.store.change_feed import ChangeFeed
from chassis.store.timers import Timers
from chassis.streams.relay import Address, Outbound
from services.applications.shell.application_service import ApplicationServicer
from services.applications.shell.dependencies import Dependencies
from services.applications.shell.event_handlers import EventHandlers
from services.applications.shell.license_documents import LicenseSigner, load_signing_key
from services.applications.shell.license_service import LicenseServicer
from services.applications.shell.policy import load_policy
from services.applications.shell.projections import ApplicationStream
from services.applications.shell.reference_data import load_reference_data
from services.applications.shell.review_service import ReviewServicer

HERE = Path(__file__).parent
PACKAGE = "safeconduct.applications.v1"


class Settings(ServiceSettings):
    """What applications needs besides what every service needs."""

    license_key_file: Annotated[
        FilePath, Field(examples=["/etc/safeconduct/license.key"], repr=False)
    ]
    policy_file: Annotated[FilePath, Field(examples=["/etc/safeconduct/policy.yaml"])] = (
        HERE / "policy" / "policy.yaml"
    )
    reference_file: Annotated[FilePath, Field(examples=["/etc/safeconduct/reference.yaml"])] = (
        HERE / "policy" / "reference.yaml"
    )


def route(record: Outbound) -> tuple[Address, bytes]:
    """All facts go to one topic, in order per application."""
    return Address(PACKAGE), str(record.stream_id).encode()


def build(runtime: Runtime[Settings]) -> Service:
    """The service, wired."""
    settings = runtime.settings
    journal = runtime.journal(ApplicationStream())
    tail = ChangeFeed(journal, "partner_id")
    runtime.wakes.append(tail.wake)
    office = Dependencies(
        journal=journal,
        tail=tail,
        tokens=runtime.tokens,
        shelf=load_reference_data(settings.reference_file),
        policy=load_policy(settings.policy_file),
        signer=LicenseSigner(
            load_signing_key(settings.license_key_file.read_bytes()), settings.trust_domain
        ),
        trace_url_template=settings.trace_url_template or "",
    )
    hearing = EventHandlers(office)
    timers = Timers(journal, hearing.due)
    grpc = service_pb2_grpc
    return Service(
        registrations=(
            (
                grpc.add_ApplicationServiceServicer_to_server,
                ApplicationServicer(office),
                f"{PACKAGE}.ApplicationService",
            ),
            (
                grpc.add_ReviewServiceServicer_to_server,
                ReviewServicer(office),
                f"{PACKAGE}.ReviewService",
            ),
            (
                grpc.add_LicenseServiceServicer_to_server,
                LicenseServicer(office),
                f"{PACKAGE}.LicenseService",
            ),
        ),
        handlers={
            "safeconduct.screening.v1": hearing.screening,
            "safeconduct.enforcement.v1": hearing.enforcement,
        },
        route=route,
        package=PACKAGE,
        runs=(tail.run, timers.run),
    )


if __name__ == "__main__":
    main("applications", Settings, build, HERE / "migrations")
