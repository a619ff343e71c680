"""Collects a case file from the databases, the license service and the folder of conduct codes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import UUID

from safeconduct.applications.v1 import events_pb2 as applications
from safeconduct.cli.connection import environment
from safeconduct.client import Client

from operations.audit import acceptance, case_file
from operations.audit.case_file import (
    CaseFile,
    ConductPart,
    EventEntry,
    LicensePart,
    Statement,
    StreamEntry,
    TextPart,
)
from operations.audit.databases import database_of
from operations.audit.events import DECISION_EVENTS, SCREENING_EVENT, decode_event, to_json
from operations.audit.journal_reader import AuditedStream, open_snapshot
from operations.audit.texts import KeptText, Texts, named_by
from operations.error_messages import InputError

SERVICES: Final = ("applications", "screening", "enforcement")


async def collect(
    application_id: str, databases: Mapping[str, str], codes: Path | None
) -> CaseFile:
    """Returns the case file of an application.

    `databases` are DSNs by service, `codes` the folder with the texts of the code of conduct.
    Raises InputError, SafeconductError and asyncpg's errors.
    """
    try:
        wanted = UUID(application_id)
    except ValueError:
        raise InputError(
            "APPLICATION", f"{application_id!r} is not an application id; it must be a UUID"
        ) from None
    streams, texts = await _streams(wanted, databases)
    if not any(stream.service == "applications" for stream in streams):
        raise InputError("APPLICATION", f"there is no application {wanted}")
    issued = _issued(streams)
    license_id = UUID(issued.license.license_id) if issued is not None else None
    file = CaseFile(
        format=case_file.FORMAT,
        about=case_file.About(
            application_id=wanted, license_id=license_id, exported_at=datetime.now(UTC)
        ),
        streams=tuple(streams),
        decisions=_statements(streams, "applications", DECISION_EVENTS),
        screenings=_statements(streams, "screening", (SCREENING_EVENT,)),
        license=await _license(license_id) if license_id is not None else None,
        conduct=_conduct(str(wanted), streams, texts, codes),
        digests={},
        texts=_text_parts(streams, texts),
    )
    return case_file.with_digests(file)


async def _streams(
    application_id: UUID, databases: Mapping[str, str]
) -> tuple[list[StreamEntry], Texts]:
    """Returns the application's stream in each service, and all kept texts.

    In enforcement it is the stream of the license.
    """
    found: list[StreamEntry] = []
    texts: dict[bytes, KeptText] = {}
    async with AsyncExitStack() as undo:
        for service in SERVICES:
            journal = await undo.enter_async_context(open_snapshot(database_of(service, databases)))
            issued = _issued(found)
            is_about_license = service == "enforcement"
            if is_about_license and issued is None:
                continue
            stream_id = (
                UUID(issued.license.license_id)
                if is_about_license and issued is not None
                else application_id
            )
            texts.update(await journal.texts())
            stored = await journal.stream(stream_id)
            if stored is not None:
                found.append(_entry(service, stored))
    return found, texts


def _text_parts(streams: Iterable[StreamEntry], texts: Texts) -> tuple[TextPart, ...]:
    """Returns the kept texts that the application's events rest on, each once."""
    named = {
        digest
        for stream in streams
        if stream.service == "applications"
        for event in stream.events
        for _, digest in named_by(event.name, event.payload)
    }
    return tuple(
        TextPart(
            sha256=each.digest.hex(),
            kind=each.kind,
            version=each.version,
            file_name=each.file_name,
            content=each.content,
        )
        for digest, each in texts.items()
        if digest in named
    )


def _entry(service: str, stored: AuditedStream) -> StreamEntry:
    if stored.state_row is None:
        raise InputError(
            "BROKEN",
            f"the stream {stored.id} of {service} has no state row: run `safeconduct audit verify`",
        )
    return StreamEntry(
        service=service,
        stream_id=stored.id,
        version=stored.state_row.version,
        latest_hash=stored.state_row.latest_hash.hex(),
        state=stored.state_row.state,
        events=tuple(
            EventEntry(
                version=each.version,
                event_id=each.event_id,
                name=each.name,
                actor=each.actor,
                occurred_at=each.occurred_at,
                state=each.state,
                traceparent=each.traceparent,
                payload=each.payload,
                previous_hash=each.previous_hash.hex(),
                hash=each.hash.hex(),
                content=to_json(message)
                if (message := decode_event(service, each.name, each.payload)) is not None
                else None,
            )
            for each in stored.events
        ),
    )


def _statements(
    streams: Iterable[StreamEntry], service: str, names: tuple[str, ...]
) -> tuple[Statement, ...]:
    return tuple(
        Statement(event_id=event.event_id, event_hash=event.hash, content=event.content or {})
        for stream in streams
        if stream.service == service
        for event in stream.events
        if event.name in names
    )


def _issued(streams: Iterable[StreamEntry]) -> applications.LicenseIssued | None:
    payload = _newest(streams, "LicenseIssued")
    return applications.LicenseIssued.FromString(payload) if payload is not None else None


def _newest(streams: Iterable[StreamEntry], name: str) -> bytes | None:
    """Returns the payload of the application's newest event of this name, or None."""
    events = (
        event
        for stream in streams
        if stream.service == "applications"
        for event in reversed(stream.events)
    )
    return next((event.payload for event in events if event.name == name), None)


async def _license(license_id: UUID) -> LicensePart:
    async with Client.from_env(environment()) as client:
        document = await client.licenses.document(str(license_id))
        return LicensePart(
            document=document, signing_keys=dict(await client.licenses.signing_keys())
        )


def _conduct(
    application_id: str, streams: Iterable[StreamEntry], texts: Texts, codes: Path | None
) -> ConductPart | None:
    """Returns the code of conduct with its signature; None before the approval."""
    submitted, approved = (
        _newest(streams, "ApplicationSubmitted"),
        _newest(streams, "ApplicationApproved"),
    )
    if approved is None or submitted is None:
        return None
    details = applications.ApplicationSubmitted.FromString(submitted).details
    approval, issued = applications.ApplicationApproved.FromString(approved), _issued(streams)
    grant = issued.license if issued is not None else applications.LicenseGrant()
    accepted = grant.acceptance
    digest = accepted.code_digest or approval.code_digest
    version = accepted.code_version or approval.code_version
    signer = accepted.signatory_party_id or acceptance.signatory(details)
    decision_id = grant.decision_id or approval.decision.decision_id
    return ConductPart(
        code_version=version,
        text=_text_of(digest, texts, codes),
        sha256=digest.hex(),
        acceptance_text=acceptance.acceptance_text(
            application_id, details, decision_id, version, digest, signer
        ),
        signatory_party_id=signer,
        public_key=acceptance.signing_key(details, signer) or b"",
        signature=accepted.signature,
    )


def _text_of(digest: bytes, texts: Texts, codes: Path | None) -> str:
    """Returns the kept text, or that of the file with this SHA-256 in the folder.

    Applications that an earlier release approved may need the folder. Raises InputError.
    """
    if digest in texts:
        return texts[digest].content.decode(errors="replace")
    if codes is None:
        raise InputError(
            "NOT_CONFIGURED",
            "Set --codes or SAFECONDUCT_CONDUCT_CODES to the folder with the codes of conduct.",
        )
    for file in sorted(codes.rglob("*")) if codes.is_dir() else ():
        if file.is_file():
            content = file.read_bytes()
            if hashlib.sha256(content).digest() == digest:
                return content.decode()
    raise InputError("FILE", f"no file in {codes} has the SHA-256 {digest.hex()}")
