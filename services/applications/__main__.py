"""Builds the applications service: `python -m services.applications serve`."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from pydantic import FilePath
from safeconduct.applications.v1 import service_pb2_grpc

from chassis.rpc.validation import Sentences
from chassis.service import Runtime, Service, main
from chassis.settings import ServiceSettings, variable
from chassis.store.change_feed import ChangeFeed
from chassis.store.timers import Timers
from chassis.streams.outbox_record import Address, OutboxRecord
from services.applications.core.countries import country_sentence
from services.applications.core.reference_data import ReferenceData
from services.applications.shell.application_service import ApplicationServicer
from services.applications.shell.dependencies import Dependencies
from services.applications.shell.event_handlers import EventHandlers
from services.applications.shell.license_documents import LicenseSigner, load_signing_key
from services.applications.shell.license_service import LicenseServicer
from services.applications.shell.policy_file import load_policy
from services.applications.shell.projections import ApplicationStream
from services.applications.shell.reference_data import load_reference_file
from services.applications.shell.review_service import ReviewServicer
from services.applications.shell.signing_keys import SigningKeys
from services.applications.shell.startup import run_at_start
from services.applications.shell.stored_documents import StoredDocuments, document_table
from services.applications.shell.stored_texts import StoredTexts

HERE = Path(__file__).parent
PACKAGE = "safeconduct.applications.v1"


class Settings(ServiceSettings):
    """The settings of applications, besides those of every service."""

    license_signing_key_file: FilePath = variable(
        "/etc/safeconduct/license.key", old_name="LICENSE_KEY_FILE"
    )
    policy_file: FilePath = variable(
        "/etc/safeconduct/policy.yaml", default=HERE / "policy" / "policy.yaml"
    )
    reference_data_file: FilePath = variable(
        "/etc/safeconduct/reference.yaml",
        default=HERE / "policy" / "reference.yaml",
        old_name="REFERENCE_FILE",
    )


def route(record: OutboxRecord) -> tuple[Address, bytes]:
    """Returns the topic of all events, and as key the application id, which keeps them in order."""
    return Address(PACKAGE), str(record.stream_id).encode()


def sentences(reference_data: ReferenceData) -> Sentences:
    """Returns the sentences that answer a value which is no country code, by field."""

    def explain(value: str) -> str:
        return country_sentence(value, reference_data.countries)

    fields = ("Party.country", "Identifier.country", "ApplicationDetails.destinations")
    return {f"{PACKAGE}.{field}": explain for field in fields}


def build(runtime: Runtime[Settings]) -> Service:
    """Returns the service with its servicers, event handlers and timers."""
    settings = runtime.settings
    signer = LicenseSigner(
        load_signing_key(settings.license_signing_key_file.read_bytes()),
        settings.spiffe_trust_domain,
    )
    journal = runtime.journal(ApplicationStream(), document_table(signer))
    signing_keys = SigningKeys(journal, signer)
    change_feed = ChangeFeed(journal, "partner_id")
    runtime.commit_listeners.append(change_feed.wake)
    reference_file = load_reference_file(settings.reference_data_file)
    policy = load_policy(settings.policy_file)
    texts = StoredTexts(journal, (policy.text, *reference_file.texts))
    dependencies = Dependencies(
        journal=journal,
        change_feed=change_feed,
        page_tokens=runtime.page_tokens,
        reference_data=reference_file.reference_data,
        signing_terms=reference_file.signing_terms,
        policy=policy,
        documents=StoredDocuments(journal, signer, lambda: datetime.now(UTC)),
        signing_keys=signing_keys,
        texts=texts,
        trace_url_template=settings.trace_url_template or "",
    )
    event_handlers = EventHandlers(dependencies)
    timers = Timers(journal, event_handlers.due)
    grpc = service_pb2_grpc
    return Service(
        registrations=(
            (
                grpc.add_ApplicationServiceServicer_to_server,
                ApplicationServicer(dependencies),
                f"{PACKAGE}.ApplicationService",
            ),
            (
                grpc.add_ReviewServiceServicer_to_server,
                ReviewServicer(dependencies),
                f"{PACKAGE}.ReviewService",
            ),
            (
                grpc.add_LicenseServiceServicer_to_server,
                LicenseServicer(dependencies),
                f"{PACKAGE}.LicenseService",
            ),
        ),
        handlers={
            "safeconduct.screening.v1": event_handlers.screening,
            "safeconduct.enforcement.v1": event_handlers.enforcement,
        },
        route=route,
        package=PACKAGE,
        sentences=sentences(dependencies.reference_data),
        background_tasks=(change_feed.run, timers.run),
        before_consuming=partial(run_at_start, signing_keys.register, texts.ensure_stored),
    )


if __name__ == "__main__":
    main("applications", Settings, build, HERE / "migrations", [ApplicationStream()])
