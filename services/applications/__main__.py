"""Composes the applications service: `python -m services.applications serve`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, FilePath
from safeconduct.applications.v1 import service_pb2_grpc

from chassis.relay import Address, Outbound
from chassis.service import Runtime, Service, main
from chassis.settings import ServiceSettings
from chassis.tail import Tail
from chassis.timers import Timers
from services.applications.shell.applications import Applications
from services.applications.shell.documents import LicenseSigner, load_signing_key
from services.applications.shell.hearing import Hearing
from services.applications.shell.licenses import Licenses
from services.applications.shell.office import Office
from services.applications.shell.policy import load_policy
from services.applications.shell.reference import load_shelf
from services.applications.shell.review import Review
from services.applications.shell.stream import ApplicationStream

HERE = Path(__file__).parent
PACKAGE = "safeconduct.applications.v1"


class Settings(ServiceSettings):
    """What applications needs besides what every service needs."""

    license_key_file: Annotated[FilePath, Field(examples=["/etc/safeconduct/license.key"], repr=False)]
    policy_file: Annotated[FilePath, Field(examples=["/etc/safeconduct/policy.yaml"])] = HERE / "policy" / "policy.yaml"
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
    tail = Tail(journal, "partner_id")
    runtime.wakes.append(tail.wake)
    office = Office(
        journal=journal,
        tail=tail,
        tokens=runtime.tokens,
        shelf=load_shelf(settings.reference_file),
        policy=load_policy(settings.policy_file),
        signer=LicenseSigner(load_signing_key(settings.license_key_file.read_bytes()), settings.trust_domain),
        trace_url_template=settings.trace_url_template or "",
    )
    hearing = Hearing(office)
    timers = Timers(journal, hearing.due)
    grpc = service_pb2_grpc
    return Service(
        registrations=(
            (grpc.add_ApplicationServiceServicer_to_server, Applications(office), f"{PACKAGE}.ApplicationService"),
            (grpc.add_ReviewServiceServicer_to_server, Review(office), f"{PACKAGE}.ReviewService"),
            (grpc.add_LicenseServiceServicer_to_server, Licenses(office), f"{PACKAGE}.LicenseService"),
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
