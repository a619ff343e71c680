"""A case file made up as a whole: consistent, with keys of its maker's own and all hashes anew."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf.message import Message
from safeconduct.applications.v1 import events_pb2 as applications
from safeconduct.enforcement.v1 import events_pb2 as enforcement
from safeconduct.enforcement.v1 import model_pb2 as enforcement_model
from safeconduct.screening.v1 import events_pb2 as screening
from safeconduct.screening.v1 import model_pb2 as screening_model

from chassis.store.hash_chain import GENESIS_HASH, chain_hash, event_id_of
from operations.audit import acceptance, case_file
from operations.audit.case_file import (
    About,
    CaseFile,
    ConductPart,
    EventEntry,
    LicensePart,
    Statement,
    StreamEntry,
    TextPart,
)
from operations.audit.events import DECISION_EVENTS, to_json
from services.applications.core.commands import SigningTerms, Submit
from services.applications.core.decide import decide
from services.applications.core.evolve import evolve
from services.applications.core.model import Application, RuleEffect
from services.applications.shell import codec
from services.applications.shell.data_files import SourceText, TextKind
from services.applications.shell.license_documents import LicenseSigner
from tests.applications import builders as b

CODE: Final = "# A code of conduct\n"
AT: Final = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def made_case(key: Ed25519PrivateKey) -> CaseFile:
    """A case file with a license whose document this key signed. It passes all checks."""
    application, events = _issued()
    issued = events[-1]
    assert isinstance(issued, applications.LicenseIssued)
    submitted = events[0]
    assert isinstance(submitted, applications.ApplicationSubmitted)
    license_ = application.license
    assert license_ is not None
    own = stream("applications", b.APPLICATION_ID, events)
    screened = stream("screening", b.APPLICATION_ID, [_screened(submitted)])
    standing = stream("enforcement", b.LICENSE_ID, _registered(issued))
    signer = LicenseSigner(key, "safeconduct.example")
    grant = issued.license
    details = submitted.details
    signer_id = grant.acceptance.signatory_party_id
    return case_file.with_digests(
        CaseFile(
            format=case_file.FORMAT,
            about=About(application_id=b.APPLICATION_ID, license_id=b.LICENSE_ID, exported_at=AT),
            streams=(own, screened, standing),
            decisions=_statements(own, DECISION_EVENTS),
            screenings=_statements(screened, ("ScreeningCompleted",)),
            license=LicensePart(
                document=signer.sign(license_, bytes.fromhex(own.events[-1].hash)),
                signing_keys={signer.key_id: signer.public_key},
            ),
            conduct=ConductPart(
                code_version=grant.acceptance.code_version,
                text=CODE,
                sha256=grant.acceptance.code_digest.hex(),
                acceptance_text=acceptance.acceptance_text(
                    str(b.APPLICATION_ID),
                    details,
                    grant.decision_id,
                    grant.acceptance.code_version,
                    grant.acceptance.code_digest,
                    signer_id,
                ),
                signatory_party_id=signer_id,
                public_key=acceptance.signing_key(details, signer_id) or b"",
                signature=grant.acceptance.signature,
            ),
            digests={},
            texts=_texts(),
        )
    )


def stream(service: str, stream_id: UUID, messages: Iterable[Message]) -> StreamEntry:
    """A whole chain of these events."""
    entries: list[EventEntry] = []
    previous = GENESIS_HASH
    for version, message in enumerate(messages, 1):
        name = type(message).__name__
        payload = message.SerializeToString(deterministic=True)
        hash_ = chain_hash(previous, stream_id, version, AT, name, "service/made-up", payload)
        entries.append(
            EventEntry(
                version=version,
                event_id=event_id_of(hash_),
                name=name,
                actor="service/made-up",
                occurred_at=AT,
                state="STATE",
                traceparent="",
                payload=payload,
                previous_hash=previous.hex(),
                hash=hash_.hex(),
                content=to_json(message),
            )
        )
        previous = hash_
    return StreamEntry(
        service=service,
        stream_id=stream_id,
        version=len(entries),
        latest_hash=previous.hex(),
        state="STATE",
        events=tuple(entries),
    )


def with_stream(file: CaseFile, changed: StreamEntry) -> CaseFile:
    """The file with another stream of the same service, its statements and digests made anew."""
    streams = tuple(changed if each.service == changed.service else each for each in file.streams)
    screened = next(each for each in streams if each.service == "screening")
    return case_file.with_digests(
        _replaced(file, streams=streams, screenings=_statements(screened, ("ScreeningCompleted",)))
    )


def messages_of(file: CaseFile, service: str) -> list[Message]:
    """The events of one service, decoded."""
    contracts = {"screening": screening, "enforcement": enforcement, "applications": applications}
    return [
        getattr(contracts[service], event.name).FromString(event.payload)
        for each in file.streams
        if each.service == service
        for event in each.events
    ]


def _replaced(file: CaseFile, **changes: object) -> CaseFile:
    from msgspec.structs import replace as replace_struct

    return replace_struct(file, **changes)


def _texts() -> tuple[TextPart, ...]:
    """The texts that the events rest on."""
    code = SourceText(TextKind.CODE_OF_CONDUCT, "1.0", "code.md", CODE.encode())
    return tuple(
        TextPart(
            sha256=each.digest.hex(),
            kind=each.kind,
            version=each.version,
            file_name=each.file_name,
            content=each.content,
        )
        for each in (b.POLICY.text, b.REFERENCE_FILE.texts[0], code)
    )


def _issued() -> tuple[Application, list[Message]]:
    """The application with its license, and its events as messages."""
    terms = SigningTerms("1.0", hashlib.sha256(CODE.encode()).digest(), 30)
    messages: list[Message] = []
    application: Application | None = None
    commands = (
        lambda _: Submit(b.APPLICATION_ID, b.PARTNER, b.details(), b.REFERENCE_DATA),
        lambda _: replace(b.conclude(RuleEffect.APPROVE), terms=terms),
        b.accept,
    )
    for command in commands:
        decided = decide(application, command(application), b.NOW)
        assert isinstance(decided, tuple), decided
        for event in decided:
            application = evolve(application, event)
            name, payload = codec.encode_event(event)
            messages.append(getattr(applications, name).FromString(payload))
    assert application is not None
    return application, messages


def _screened(submitted: applications.ApplicationSubmitted) -> screening.ScreeningCompleted:
    found = screening.ScreeningCompleted(
        screening_id=str(b.SCREENING_ID),
        application_id=str(b.APPLICATION_ID),
        partner_id=b.PARTNER,
    )
    for party in submitted.details.parties:
        found.parties.add(party_id=party.party_id)
        found.subjects.add(
            party_id=party.party_id,
            names=[party.name, *party.aliases],
            kind=party.kind,
            birth_date=party.birth_date,
            countries=[party.country],
            identifiers=[
                screening_model.Identifier(type=each.type, value=each.value)
                for each in party.identifiers
            ],
            addresses=[party.address] if party.address else [],
        )
    return found


def _registered(issued: applications.LicenseIssued) -> list[Message]:
    grant = issued.license
    standing = enforcement_model.Standing(
        license_id=grant.license_id,
        partner_id=grant.partner_id,
        version=1,
        state=enforcement_model.STANDING_STATE_ACTIVE,
        destinations=grant.destinations,
        not_before=grant.not_before,
        not_after=grant.not_after,
        lease_seconds=grant.lease_seconds,
        license_number=grant.license_number,
        granted_end_uses=grant.end_uses,
        grants=[
            enforcement_model.Grant(model_id=each.model_id, access_mode=each.access_mode)
            for each in grant.items
        ],
    )
    return [
        enforcement.LicenseRegistered(
            license_id=grant.license_id,
            application_id=issued.application_id,
            partner_id=grant.partner_id,
        ),
        enforcement.StandingChanged(standing=standing),
    ]


def _statements(entry: StreamEntry, names: tuple[str, ...]) -> tuple[Statement, ...]:
    return tuple(
        Statement(event_id=each.event_id, event_hash=each.hash, content=each.content or {})
        for each in entry.events
        if each.name in names
    )
