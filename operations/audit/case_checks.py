"""Checks a case file without any other system.

The checks, in this order:

(1) every part has the digest that the file states;
(2) every stream is a whole hash chain, from the first event to the latest hash of the state row;
(3) the content of every event equals its payload and is about this application or its license;
(4) the decisions are those of the events;
(5) the screenings are those of the events, and each decision is based on one of them;
(6) the code of conduct is the text whose digest was approved and signed;
(7) the end user's signature verifies over the acceptance text, which is rebuilt from the events,
    with the key that the application named for an authorized signatory;
(8) the license document verifies with a key of the file; the key's id is its thumbprint; and the
    claims equal the event that issued the license, including that event's hash.

The file cannot prove that its keys are the published ones.
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
from safeconduct.cli.enum_names import short
from safeconduct.documents import InvalidDocumentError, LicenseDocument
from safeconduct.documents import verify as verify_document
from safeconduct.screening.v1 import events_pb2 as screening

from operations.audit import acceptance
from operations.audit.case_file import (
    PARTS,
    CaseFile,
    ConductPart,
    LicensePart,
    Statement,
    StreamEntry,
    digests_of,
)
from operations.audit.chain_faults import StateRow, find_faults
from operations.audit.events import DECISION_EVENTS, SCREENING_EVENT, decode_event, to_json

SERVICES: Final = ("applications", "screening", "enforcement")


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check."""

    part: str
    """The checked part, for instance decisions or chain of screening."""
    ok: bool
    detail: str
    """The faults, or what was checked."""


@dataclass(frozen=True, slots=True)
class DecodedEvent:
    """An event with its decoded payload."""

    service: str
    event_id: UUID
    hash: str
    name: str
    message: Message | None
    """None if the type is unknown or the payload malformed."""


def check(file: CaseFile) -> tuple[CheckResult, ...]:
    """Returns the results of all checks, in the order above. No content of a file makes it raise."""
    decoded, unreadable = _decode(file)
    return (
        _result("digests", _digests(file), f"{len(PARTS)} parts match their digests"),
        *_chains(file),
        _result(
            "events",
            [*unreadable, *_contents(file, decoded), *_subjects(file, decoded)],
            f"{len(decoded)} events match their payloads",
        ),
        _result(
            "decisions",
            _statements(file.decisions, decoded, "applications", DECISION_EVENTS),
            _count(file.decisions),
        ),
        _result(
            "screenings",
            [
                *_statements(file.screenings, decoded, "screening", (SCREENING_EVENT,)),
                *_decision_bases(decoded),
            ],
            f"{_count(file.screenings)}; every decision is based on one",
        ),
        *_signed(file, decoded),
    )


def _result(part: str, faults: Iterator[str] | list[str], fine: str) -> CheckResult:
    found = list(faults)
    return CheckResult(part, not found, "; ".join(found) if found else fine)


def _count(statements: tuple[Statement, ...]) -> str:
    return f"{len(statements)} as in the events"


def _digests(file: CaseFile) -> Iterator[str]:
    actual = digests_of(file)
    for name in sorted({*actual, *file.digests}):
        if actual.get(name) != file.digests.get(name):
            yield f"{name} does not match its digest"


def _chains(file: CaseFile) -> Iterator[CheckResult]:
    services = [stream.service for stream in file.streams]
    if (
        len(set(services)) != len(services)
        or not set(services) <= set(SERVICES)
        or "applications" not in services
    ):
        yield CheckResult(
            "streams",
            ok=False,
            detail="there must be one stream of applications and one at most of each other service",
        )
    for stream in file.streams:
        yield _result(
            f"chain of {stream.service}",
            _chain(stream),
            f"{len(stream.events)} events, latest hash {stream.latest_hash[:16]}",
        )


def _chain(stream: StreamEntry) -> Iterator[str]:
    try:
        state_row, rows = (
            StateRow(stream.version, bytes.fromhex(stream.latest_hash), stream.state),
            stream.stored_events(),
        )
    except ValueError:
        yield "a hash is not hexadecimal"
        return
    if [row.version for row in rows] != sorted({row.version for row in rows}):
        yield "the events are not in the order of their versions, each once"
        return
    for fault in find_faults(rows, state_row):
        yield f"version {fault.version} {fault.kind}: {fault.detail}"


def _decode(file: CaseFile) -> tuple[list[DecodedEvent], list[str]]:
    """Returns all events, and the faults of payloads that cannot be decoded."""
    decoded: list[DecodedEvent] = []
    unreadable: list[str] = []
    for stream in file.streams:
        for event in stream.events:
            try:
                message = decode_event(stream.service, event.name, event.payload)
            except ValueError as fault:
                unreadable.append(f"{stream.service} version {event.version}: {fault}")
                message = None
            decoded.append(
                DecodedEvent(stream.service, event.event_id, event.hash, event.name, message)
            )
    return decoded, unreadable


def _contents(file: CaseFile, decoded: list[DecodedEvent]) -> Iterator[str]:
    events = [(stream.service, event) for stream in file.streams for event in stream.events]
    for (service, event), each in zip(events, decoded, strict=True):
        if each.message is not None and event.content != to_json(each.message):
            yield f"{service} version {event.version}: the content of {event.name} differs from its payload"
        elif each.message is None and event.content is not None:
            yield f"{service} version {event.version}: the payload of {event.name} cannot be decoded to compare it"


def _subjects(file: CaseFile, decoded: list[DecodedEvent]) -> Iterator[str]:
    """Yields streams and events that are about another application or license."""
    application_id, license_id = str(file.about.application_id), str(file.about.license_id or "")
    for stream in file.streams:
        if str(stream.stream_id) != (
            license_id if stream.service == "enforcement" else application_id
        ):
            yield f"the stream of {stream.service} belongs to another application or license"
    grant = _grant(decoded)
    if (grant.license_id if grant is not None else "") != license_id:
        yield "license_id is not the id of the issued license"
    for each in decoded:
        for name, expected in (("application_id", application_id), ("license_id", license_id)):
            said = getattr(each.message, name, "")
            if said and said != expected:
                yield f"{each.name} of {each.service} is about another {name.removesuffix('_id')}"


def _statements(
    statements: tuple[Statement, ...],
    decoded: list[DecodedEvent],
    service: str,
    names: tuple[str, ...],
) -> Iterator[str]:
    expected = {
        each.event_id: (each.hash, to_json(each.message))
        for each in decoded
        if each.service == service and each.name in names and each.message is not None
    }
    found = {each.event_id: (each.event_hash, each.content) for each in statements}
    if len(found) != len(statements):
        yield "an event occurs twice"
    for event_id in sorted({*expected, *found}):
        if event_id not in found:
            yield f"the event {event_id} of the chain is missing"
        elif event_id not in expected:
            yield f"the event {event_id} is not in the chain"
        elif found[event_id] != expected[event_id]:
            yield f"the event {event_id} differs from the one in the chain"


def _decision_bases(decoded: list[DecodedEvent]) -> Iterator[str]:
    """Yields the differences between the decisions and the screenings that they are based on.

    A decision must name exactly the list entries that the screening found for a party. If later
    events, by an officer or a newer list, named entries for the party, the decision may name any of
    the screening's and the later ones.
    """
    messages = [
        each.message for each in decoded if each.service == "screening" and each.message is not None
    ]
    screenings = {
        str(getattr(each, "screening_id", "")): each
        for each in messages
        if hasattr(each, "screening_id")
    }
    revisions = [each for each in messages if hasattr(each, "party_id")]
    for each in decoded:
        if not isinstance(
            each.message, applications.ApplicationApproved | applications.ApplicationDenied
        ):
            continue
        summary = each.message.decision.screening
        found = screenings.get(summary.screening_id)
        if found is None:
            yield f"the screening {summary.screening_id or '(none)'} of a decision is missing"
        elif isinstance(found, screening.ScreeningCompleted):
            yield from _disagreements(summary, found, revisions)


def _disagreements(
    summary: model.ScreeningSummary, found: screening.ScreeningCompleted, revisions: list[Message]
) -> Iterator[str]:
    hits = {party.party_id: [hit.entry_id for hit in party.hits] for party in found.parties}
    later: dict[str, set[str]] = {}
    for each in revisions:
        named = later.setdefault(getattr(each, "party_id", ""), set())
        named.update(getattr(each, "entry_ids", ()), getattr(each, "party_entry_ids", ()))
    if {finding.party_id for finding in summary.findings} != set(hits):
        yield f"a decision has other parties than screening {found.screening_id}"
    for finding in summary.findings:
        entries, party = list(finding.entry_ids), finding.party_id
        known = set(hits.get(party, ())) | later.get(party, set())
        is_exact = party not in later
        if entries != hits.get(party, []) if is_exact else not set(entries) <= known:
            yield f"a decision has entries for {party} that screening {found.screening_id} did not find"
    found_ownership = {one for each in (found, *revisions) for one in _ownership(each)}
    if not _ownership(summary) <= found_ownership:
        yield f"a decision has ownership findings that screening {found.screening_id} did not make"


def _ownership(message: Message) -> set[tuple[str, str, str]]:
    """Returns the ownership findings as (party, rule, explanation)."""
    ownership: Any = getattr(message, "ownership", None)
    found = ownership.findings if ownership is not None else ()
    return {(each.party_id, each.rule_id, each.explanation) for each in found}


def _grant(decoded: list[DecodedEvent]) -> applications.LicenseGrant | None:
    return next(
        (
            each.message.license
            for each in reversed(decoded)
            if isinstance(each.message, applications.LicenseIssued)
        ),
        None,
    )


def _signed(file: CaseFile, decoded: list[DecodedEvent]) -> Iterator[CheckResult]:
    """Checks code of conduct, signature and license document, as far as the case has come."""
    approval = next(
        (
            each.message
            for each in reversed(decoded)
            if isinstance(each.message, applications.ApplicationApproved)
        ),
        None,
    )
    if approval is None or file.conduct is None:
        faults = (
            []
            if approval is None and file.conduct is None
            else ["it exists without an approval, or is missing after one"]
        )
        yield _result("conduct", faults, "there is no approval, so there is nothing to sign")
    else:
        yield _result(
            "code of conduct",
            _code(file.conduct, approval, _grant(decoded)),
            _code_version(file.conduct),
        )
        yield _result(
            "signature",
            _signature(file, file.conduct, decoded, approval),
            _signer(file.conduct, _grant(decoded)),
        )
    grant = _grant(decoded)
    if grant is None or file.license is None:
        faults = (
            []
            if grant is None and file.license is None
            else ["it exists without an issued license, or is missing after one"]
        )
        yield _result("license", faults, "no license was issued")
    else:
        yield _result(
            "license",
            _license(file.license, grant, decoded),
            f"signed with {', '.join(file.license.signing_keys)}",
        )


def _code_version(part: ConductPart) -> str:
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
        yield "the text does not have the approved digest"
    if part.sha256 != signed.code_digest.hex() or part.code_version != signed.code_version:
        yield "the version or the digest is not the approved one"


def _signature(
    file: CaseFile,
    part: ConductPart,
    decoded: list[DecodedEvent],
    approval: applications.ApplicationApproved,
) -> Iterator[str]:
    submitted = next(
        (
            each.message
            for each in reversed(decoded)
            if isinstance(each.message, applications.ApplicationSubmitted)
        ),
        None,
    )
    if submitted is None:
        yield "there is no ApplicationSubmitted event, which names the signatory"
        return
    grant = _grant(decoded)
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
        yield "the acceptance text does not match the application, decision, code, holder and signatory"
    key = acceptance.signing_key(submitted.details, part.signatory_party_id)
    if key is None or part.public_key != key:
        yield "the key does not belong to a party that may sign for an end user"
    if signed is None:
        if part.signature:
            yield "there is a signature, though no license was issued"
        return
    if (part.signature, part.signatory_party_id) != (signed.signature, signed.signatory_party_id):
        yield "the signature or its signatory is not the accepted one"
    if not signatures.verify(text.encode(), part.signature, key or b""):
        yield "the signature does not verify over the acceptance text"


def _license(
    part: LicensePart, grant: applications.LicenseGrant, decoded: list[DecodedEvent]
) -> Iterator[str]:
    for key_id, key in part.signing_keys.items():
        if _thumbprint(key) != key_id:
            yield f"the id of the key {key_id} is not its thumbprint (RFC 7638)"
    try:
        document = verify_document(part.document, part.signing_keys)
    except (InvalidDocumentError, ValueError) as fault:
        yield f"the document does not verify: {fault}"
        return
    for name, expected in _claims(grant, decoded).items():
        if _claim(document, name) != expected:
            yield f"the document has another {name} than the event that issued it"


def _thumbprint(key: bytes) -> str:
    """Returns the RFC 7638 thumbprint of an Ed25519 key (RFC 8037).

    It is the digest of the key as JSON with sorted members and without spaces.
    """
    public = _base64url(key)
    return _base64url(
        hashlib.sha256(f'{{"crv":"Ed25519","kty":"OKP","x":"{public}"}}'.encode()).digest()
    )


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _claim(document: LicenseDocument, name: str) -> Any:
    at: Any = document.claims
    for step in name.split("."):
        at = at.get(step) if isinstance(at, dict) else None
    return at


def _claims(grant: applications.LicenseGrant, decoded: list[DecodedEvent]) -> Mapping[str, object]:
    issued = next(
        each for each in reversed(decoded) if isinstance(each.message, applications.LicenseIssued)
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
