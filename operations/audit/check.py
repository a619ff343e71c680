"""Verifies a case file with nothing but the file. Pure but for cryptography.

What has to hold, in this order:

(1) every part has the digest that the file says;
(2) every stream is a whole chain, from its beginning to the head that the state row had;
(3) every event says what its payload says, about this application or its license;
(4) the decisions are those of events in the chain;
(5) the screenings are those of events in the chain, and each decision rests on one of them;
(6) the code of conduct is the text whose digest was approved and signed;
(7) the end user's signature holds over the acceptance text, built again from the events, with the key that the
    application named for a person who may sign;
(8) the license document is signed with a key of the file, is named for it, and says what the event of its issue says,
    that event's hash among it.

Whether the keys are those that were published, the file cannot tell.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from google.protobuf.message import Message
from safeconduct import conduct as signatures
from safeconduct.applications.v1 import events_pb2 as applications
from safeconduct.applications.v1 import model_pb2 as model
from safeconduct.cli.names import short
from safeconduct.documents import InvalidDocumentError, LicenseDocument
from safeconduct.documents import verify as verify_document
from safeconduct.screening.v1 import events_pb2 as screening

from operations.audit import acceptance
from operations.audit.casefile import (
    PARTS,
    CaseFile,
    ConductPart,
    LicensePart,
    Statement,
    StreamEntry,
    digests_of,
)
from operations.audit.chain import Head, faults_of
from operations.audit.events import DECISIONS, SCREENED, decoded, says

SERVICES: Final = ("applications", "screening", "enforcement")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether one thing holds, and what was found."""

    part: str
    holds: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Told:
    """An event as its payload says it."""

    service: str
    event_id: UUID
    hash: str
    name: str
    message: Message | None


def check(file: CaseFile) -> tuple[Verdict, ...]:
    """Every check in the order of the list above, each with what was found; never raises for what a file holds."""
    told, unreadable = _told(file)
    return (
        _verdict("digests", _digests(file), f"{len(PARTS)} parts are as they were sealed"),
        *_chains(file),
        _verdict(
            "events",
            [*unreadable, *_says(file, told), *_subjects(file, told)],
            f"{len(told)} events say so",
        ),
        _verdict(
            "decisions",
            _statements(file.decisions, told, "applications", DECISIONS),
            _count(file.decisions),
        ),
        _verdict(
            "screenings",
            [*_statements(file.screenings, told, "screening", (SCREENED,)), *_rests(told)],
            f"{_count(file.screenings)}; every decision rests on one",
        ),
        *_signed(file, told),
    )


def _verdict(part: str, faults: Iterator[str] | list[str], fine: str) -> Verdict:
    found = list(faults)
    return Verdict(part, not found, "; ".join(found) if found else fine)


def _count(statements: tuple[Statement, ...]) -> str:
    return f"{len(statements)} as in the chain"


def _digests(file: CaseFile) -> Iterator[str]:
    actual = digests_of(file)
    for name in sorted({*actual, *file.digests}):
        if actual.get(name) != file.digests.get(name):
            yield f"{name} is not what was sealed"


def _chains(file: CaseFile) -> Iterator[Verdict]:
    services = [stream.service for stream in file.streams]
    if (
        len(set(services)) != len(services)
        or not set(services) <= set(SERVICES)
        or "applications" not in services
    ):
        yield Verdict(
            "streams", holds=False, detail="not one stream for each service that took part"
        )
    for stream in file.streams:
        yield _verdict(
            f"chain of {stream.service}",
            _chain(stream),
            f"{len(stream.events)} events, head {stream.head[:16]}",
        )


def _chain(stream: StreamEntry) -> Iterator[str]:
    try:
        head, rows = (
            Head(stream.version, bytes.fromhex(stream.head), stream.state),
            stream.recorded(),
        )
    except ValueError:
        yield "a hash is no hexadecimal number"
        return
    if [row.version for row in rows] != sorted({row.version for row in rows}):
        yield "the events are not in order, each once"
        return
    for fault in faults_of(rows, head):
        yield f"version {fault.version} {fault.kind}: {fault.detail}"


def _told(file: CaseFile) -> tuple[list[Told], list[str]]:
    """The events as their payloads say them, and those whose payload cannot be read."""
    told: list[Told] = []
    unreadable: list[str] = []
    for stream in file.streams:
        for event in stream.events:
            try:
                message = decoded(stream.service, event.name, event.payload)
            except ValueError as fault:
                unreadable.append(f"{stream.service} version {event.version}: {fault}")
                message = None
            told.append(Told(stream.service, event.event_id, event.hash, event.name, message))
    return told, unreadable


def _says(file: CaseFile, told: list[Told]) -> Iterator[str]:
    events = [(stream.service, event) for stream in file.streams for event in stream.events]
    for (service, event), each in zip(events, told, strict=True):
        if each.message is not None and event.says != says(each.message):
            yield f"{service} version {event.version}: {event.name} says something else than its payload"
        elif each.message is None and event.says is not None:
            yield f"{service} version {event.version}: what {event.name} says cannot be compared with its payload"


def _subjects(file: CaseFile, told: list[Told]) -> Iterator[str]:
    """What is not about this application and this license."""
    application_id, license_id = str(file.about.application_id), str(file.about.license_id or "")
    for stream in file.streams:
        if str(stream.stream_id) != (
            license_id if stream.service == "enforcement" else application_id
        ):
            yield f"the stream of {stream.service} is another one's"
    grant = _grant(told)
    if (grant.license_id if grant is not None else "") != license_id:
        yield "the license is not the one that was issued"
    for each in told:
        for name, expected in (("application_id", application_id), ("license_id", license_id)):
            said = getattr(each.message, name, "")
            if said and said != expected:
                yield f"{each.name} of {each.service} is about another {name.removesuffix('_id')}"


def _statements(
    statements: tuple[Statement, ...], told: list[Told], service: str, names: tuple[str, ...]
) -> Iterator[str]:
    expected = {
        each.event_id: (each.hash, says(each.message))
        for each in told
        if each.service == service and each.name in names and each.message is not None
    }
    found = {each.event_id: (each.event_hash, each.says) for each in statements}
    if len(found) != len(statements):
        yield "one stands twice"
    for event_id in sorted({*expected, *found}):
        if event_id not in found:
            yield f"the event {event_id} is in the chain only"
        elif event_id not in expected:
            yield f"the event {event_id} is not in the chain"
        elif found[event_id] != expected[event_id]:
            yield f"the event {event_id} says something else in the chain"


def _rests(told: list[Told]) -> Iterator[str]:
    """What a decision says that screening found, and screening never said.

    Where an officer or a newer list had something to say about a party, its entries are some of those named; else they
    are exactly those of the screening.
    """
    heard = [
        each.message for each in told if each.service == "screening" and each.message is not None
    ]
    screenings = {
        str(getattr(each, "screening_id", "")): each
        for each in heard
        if hasattr(each, "screening_id")
    }
    revised = [each for each in heard if hasattr(each, "party_id")]
    for each in told:
        if not isinstance(
            each.message, applications.ApplicationApproved | applications.ApplicationDenied
        ):
            continue
        summary = each.message.decision.screening
        found = screenings.get(summary.screening_id)
        if found is None:
            yield f"the screening {summary.screening_id or '(none)'} that a decision rests on is missing"
        elif isinstance(found, screening.ScreeningCompleted):
            yield from _disagreements(summary, found, revised)


def _disagreements(
    summary: model.ScreeningSummary, found: screening.ScreeningCompleted, revised: list[Message]
) -> Iterator[str]:
    hits = {party.party_id: [hit.entry_id for hit in party.hits] for party in found.parties}
    later: dict[str, set[str]] = {}
    for each in revised:
        named = later.setdefault(getattr(each, "party_id", ""), set())
        named.update(getattr(each, "entry_ids", ()), getattr(each, "party_entry_ids", ()))
    if {finding.party_id for finding in summary.findings} != set(hits):
        yield f"a decision names other parties than screening {found.screening_id}"
    for finding in summary.findings:
        said, party = list(finding.entry_ids), finding.party_id
        known = set(hits.get(party, ())) | later.get(party, set())
        if said != hits.get(party, []) if party not in later else not set(said) <= known:
            yield f"a decision says of {party} what screening {found.screening_id} did not find"
    if not _of_owners(summary) <= {said for each in (found, *revised) for said in _of_owners(each)}:
        yield f"a decision says of owners what screening {found.screening_id} did not find"


def _of_owners(said: Message) -> set[tuple[str, str, str]]:
    """What is said of the owners of which party, by which rule."""
    ownership: Any = getattr(said, "ownership", None)
    found = ownership.findings if ownership is not None else ()
    return {(each.party_id, each.rule_id, each.explanation) for each in found}


def _grant(told: list[Told]) -> applications.LicenseGrant | None:
    return next(
        (
            each.message.license
            for each in reversed(told)
            if isinstance(each.message, applications.LicenseIssued)
        ),
        None,
    )


def _signed(file: CaseFile, told: list[Told]) -> Iterator[Verdict]:
    """The code of conduct, the end user's signature, the document: as far as the case has come."""
    approval = next(
        (
            each.message
            for each in reversed(told)
            if isinstance(each.message, applications.ApplicationApproved)
        ),
        None,
    )
    if approval is None or file.conduct is None:
        faults = (
            []
            if approval is None and file.conduct is None
            else ["it is there without an approval, or missing"]
        )
        yield _verdict("conduct", faults, "nothing was approved, so nothing was to be signed")
    else:
        yield _verdict(
            "code of conduct", _code(file.conduct, approval, _grant(told)), _named(file.conduct)
        )
        yield _verdict(
            "signature",
            _signature(file, file.conduct, told, approval),
            _signer(file.conduct, _grant(told)),
        )
    grant = _grant(told)
    if grant is None or file.license is None:
        faults = (
            []
            if grant is None and file.license is None
            else ["it is there without an issue, or missing"]
        )
        yield _verdict("license", faults, "no license was issued")
    else:
        yield _verdict(
            "license",
            _license(file.license, grant, told),
            f"signed with {', '.join(file.license.signing_keys)}",
        )


def _named(part: ConductPart) -> str:
    return f"version {part.code_version}, SHA-256 {part.sha256[:16]}"


def _signer(part: ConductPart, grant: applications.LicenseGrant | None) -> str:
    if grant is None:
        return "not signed yet"
    return f"{part.signatory_party_id} signed with {part.public_key.hex()[:16]}"


def _code(
    part: ConductPart,
    approval: applications.ApplicationApproved,
    grant: applications.LicenseGrant | None,
) -> Iterator[str]:
    signed = grant.acceptance if grant is not None else approval
    if hashlib.sha256(part.text.encode()).digest() != signed.code_digest:
        yield "the text is not the one whose digest was approved"
    if part.sha256 != signed.code_digest.hex() or part.code_version != signed.code_version:
        yield "version or digest is not the one that was approved"


def _signature(
    file: CaseFile, part: ConductPart, told: list[Told], approval: applications.ApplicationApproved
) -> Iterator[str]:
    submitted = next(
        (
            each.message
            for each in reversed(told)
            if isinstance(each.message, applications.ApplicationSubmitted)
        ),
        None,
    )
    if submitted is None:
        yield "there is no submission that names the signatory"
        return
    grant = _grant(told)
    signed = grant.acceptance if grant is not None else None
    code = signed if signed is not None else approval
    decision_id = grant.decision_id if grant is not None else approval.decision.decision_id
    try:
        text = acceptance.acceptance_text(
            str(file.about.application_id), submitted.details, decision_id, code.code_version, code.code_digest,
            part.signatory_party_id,
        )  # fmt: skip
    except LookupError as fault:
        yield str(fault)
        return
    if text != part.acceptance_text:
        yield "the acceptance text is not that of this application, decision, code, holder and signatory"
    key = acceptance.signing_key(submitted.details, part.signatory_party_id)
    if key is None or part.public_key != key:
        yield "the key is not that of a party that may sign for an end user"
    if signed is None:
        if part.signature:
            yield "there is a signature, though no license was issued"
        return
    if (part.signature, part.signatory_party_id) != (signed.signature, signed.signatory_party_id):
        yield "the signature is not the one that was accepted"
    if not signatures.verify(text.encode(), part.signature, key or b""):
        yield "the signature does not hold over the acceptance text"


def _license(
    part: LicensePart, grant: applications.LicenseGrant, told: list[Told]
) -> Iterator[str]:
    for key_id, key in part.signing_keys.items():
        if _thumbprint(key) != key_id:
            yield f"the key {key_id} is not the one of this name (RFC 7638)"
    try:
        document = verify_document(part.document, part.signing_keys)
    except (InvalidDocumentError, ValueError) as fault:
        yield f"the document does not verify: {fault}"
        return
    for name, expected in _claims(grant, told).items():
        if _claimed(document, name) != expected:
            yield f"the document says another {name} than the event that issued it"


def _thumbprint(key: bytes) -> str:
    """RFC 7638, of an Ed25519 key (RFC 8037): the digest of the key as JSON, members in order, no spaces."""
    public = _base64url(key)
    return _base64url(
        hashlib.sha256(f'{{"crv":"Ed25519","kty":"OKP","x":"{public}"}}'.encode()).digest()
    )


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _claimed(document: LicenseDocument, name: str) -> Any:
    at: Any = document.claims
    for step in name.split("."):
        at = at.get(step) if isinstance(at, dict) else None
    return at


def _claims(grant: applications.LicenseGrant, told: list[Told]) -> Mapping[str, object]:
    issued = next(
        each for each in reversed(told) if isinstance(each.message, applications.LicenseIssued)
    )
    assert isinstance(issued.message, applications.LicenseIssued)
    return {
        "jti": grant.license_id,
        "sub": grant.partner_id,
        "license_number": grant.license_number,
        "application_id": issued.message.application_id,
        "decision_id": grant.decision_id,
        "nbf": grant.not_before.seconds,
        "exp": grant.not_after.seconds,
        "items": [
            {"model_id": item.model_id, "access_mode": short(model.AccessMode, item.access_mode)}
            for item in grant.items
        ],
        "end_uses": [short(model.EndUse, use) for use in grant.end_uses],
        "destinations": list(grant.destinations),
        "conditions": list(grant.conditions),
        "monthly_million_tokens": grant.monthly_million_tokens,
        "lease_seconds": grant.lease_seconds,
        "code_of_conduct.sha256": grant.acceptance.code_digest.hex(),
        "code_of_conduct.signature": grant.acceptance.signature.hex(),
        "event_sha256": issued.hash,
    }
