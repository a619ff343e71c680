"""Checks a case file without any other system.

The checks, in this order:

(1) every part has the digest that the file states;
(2) every stream is a whole hash chain, from the first event to the latest hash of the state row;
(3) the content of every event equals its payload and is about this application or its license;
(4) the decisions are those of the events, and an approval in spite of open hits names them and was
    countersigned by enough officers;
(5) the screenings are those of the events, and each decision is based on one of them;
(6) the three services have recorded the same parties, license and standing;
(7) the code of conduct is the text whose digest was approved and signed;
(8) the end user's signature verifies over the acceptance text, which is rebuilt from the events,
    with the key that the application named for an authorized signatory;
(9) every text has its digest, and every text that an event rests on is in the file;
(10) the license document verifies with a key of the file; the key's id is its thumbprint; and the
    claims equal the event that issued the license, including that event's hash.

The file cannot prove that its keys are the published ones. `case_trust` can.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from safeconduct.applications.v1 import events_pb2 as applications

from operations.audit import case_decisions, case_signatures
from operations.audit.case_file import PARTS, CaseFile, Statement, StreamEntry, digests_of
from operations.audit.chain_faults import StateRow, find_faults
from operations.audit.decoded_events import DecodedEvent, decode_events, issued_grant, newest
from operations.audit.events import DECISION_EVENTS, SCREENING_EVENT, to_json
from operations.audit.scopes import scope_faults
from operations.audit.texts import KeptText, changed_texts, missing_texts, named_texts

SERVICES: Final = ("applications", "screening", "enforcement")


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check."""

    part: str
    """The checked part, for instance decisions or chain of screening."""
    ok: bool
    detail: str
    """The faults, or what was checked."""


def check(file: CaseFile) -> tuple[CheckResult, ...]:
    """Returns the results of all checks, in the order above. It raises for no content of a file."""
    events, malformed = decode_events(file)
    return (
        _result("digests", _digests(file), f"{len(PARTS)} parts match their digests"),
        *_chains(file),
        _result(
            "events",
            [*malformed, *_contents(file, events), *_subjects(file, events)],
            f"{len(events)} events match their payloads",
        ),
        _result(
            "decisions",
            [
                *case_decisions.statement_faults(
                    file.decisions, events, "applications", DECISION_EVENTS
                ),
                *case_decisions.override_faults(events),
            ],
            f"{_count(file.decisions)}{case_decisions.overrides(events)}",
        ),
        _result(
            "screenings",
            [
                *case_decisions.statement_faults(
                    file.screenings, events, "screening", (SCREENING_EVENT,)
                ),
                *case_decisions.basis_faults(events),
            ],
            f"{_count(file.screenings)}; every decision is based on one",
        ),
        _result(
            "scopes", scope_faults(events), "the services agree on parties, license and standing"
        ),
        *_conduct(file, events),
        _result("texts", _texts(file, events), f"{len(file.texts)} texts have their digests"),
        _license(file, events),
    )


def _result(part: str, faults: Iterator[str] | list[str], success: str) -> CheckResult:
    found = list(faults)
    return CheckResult(part, not found, "; ".join(found) if found else success)


def _count(statements: Sequence[Statement]) -> str:
    return f"{len(statements)} as in the events"


def _digests(file: CaseFile) -> Iterator[str]:
    actual = digests_of(file)
    for name in sorted({*actual, *file.digests}):
        if actual.get(name) != file.digests.get(name):
            yield f"{name} does not match its digest"


def _chains(file: CaseFile) -> Iterator[CheckResult]:
    services = [stream.service for stream in file.streams]
    is_complete = (
        len(set(services)) == len(services)
        and set(services) <= set(SERVICES)
        and "applications" in services
    )
    if not is_complete:
        detail = "there must be one stream of applications, and at most one of each other service"
        yield CheckResult("streams", ok=False, detail=detail)
    for stream in file.streams:
        yield _result(
            f"chain of {stream.service}",
            _chain(stream),
            f"{len(stream.events)} events, latest hash {stream.latest_hash[:16]}",
        )


def _chain(stream: StreamEntry) -> Iterator[str]:
    try:
        latest_hash, rows = bytes.fromhex(stream.latest_hash), stream.stored_events()
    except ValueError:
        yield "a hash is not hexadecimal"
        return
    if [row.version for row in rows] != sorted({row.version for row in rows}):
        yield "the events are not in the order of their versions, each once"
        return
    for fault in find_faults(rows, StateRow(stream.version, latest_hash, stream.state)):
        yield f"version {fault.version} {fault.kind}: {fault.detail}"


def _contents(file: CaseFile, events: Sequence[DecodedEvent]) -> Iterator[str]:
    entries = [(stream.service, event) for stream in file.streams for event in stream.events]
    for (service, entry), event in zip(entries, events, strict=True):
        where = f"{service} version {entry.version}"
        if event.message is not None and entry.content != to_json(event.message):
            yield f"{where}: the content of {entry.name} differs from its payload"
        elif event.message is None and entry.content is not None:
            yield f"{where}: the payload of {entry.name} cannot be decoded to compare its content"


def _subjects(file: CaseFile, events: Sequence[DecodedEvent]) -> Iterator[str]:
    """Yields streams and events that are about another application or license."""
    application_id, license_id = str(file.about.application_id), str(file.about.license_id or "")
    for stream in file.streams:
        expected_id = license_id if stream.service == "enforcement" else application_id
        if str(stream.stream_id) != expected_id:
            yield f"the stream of {stream.service} belongs to another application or license"
    grant = issued_grant(events)
    if (grant.license_id if grant is not None else "") != license_id:
        yield "license_id is not the id of the issued license"
    for event in events:
        for name, expected in (("application_id", application_id), ("license_id", license_id)):
            actual = getattr(event.message, name, "")
            if actual and actual != expected:
                yield f"{event.name} of {event.service} is about another {name.removesuffix('_id')}"


def _texts(file: CaseFile, events: Sequence[DecodedEvent]) -> Iterator[str]:
    try:
        texts = {
            (digest := bytes.fromhex(each.sha256)): KeptText(
                digest, each.kind, each.version, each.file_name, each.content, is_in_use=False
            )
            for each in file.texts
        }
    except ValueError:
        yield "a digest is not hexadecimal"
        return
    if len(texts) != len(file.texts):
        yield "a text occurs twice"
    named = {
        found
        for each in events
        if each.service == "applications"
        for found in named_texts(each.message)
    }
    for fault in (*changed_texts(texts), *missing_texts(texts, named)):
        yield f"{fault.digest[:16]}: {fault.detail}"


def _conduct(file: CaseFile, events: Sequence[DecodedEvent]) -> Iterator[CheckResult]:
    approval, part = newest(events, applications.ApplicationApproved), file.conduct
    if approval is None or part is None:
        is_consistent = approval is None and part is None
        faults = [] if is_consistent else ["it exists without an approval, or is missing after one"]
        yield _result("conduct", faults, "there is no approval, so there is nothing to sign")
        return
    grant = issued_grant(events)
    signer = "not signed yet"
    if grant is not None:
        signer = f"{part.signatory_party_id} signed with {part.public_key.hex()[:16]}"
    yield _result(
        "code of conduct",
        case_signatures.code_faults(part, approval, grant),
        f"version {part.code_version}, SHA-256 {part.sha256[:16]}",
    )
    yield _result(
        "signature", case_signatures.signature_faults(file, part, events, approval), signer
    )


def _license(file: CaseFile, events: Sequence[DecodedEvent]) -> CheckResult:
    grant, part = issued_grant(events), file.license
    if grant is None or part is None:
        is_consistent = grant is None and part is None
        missing = ["it exists without an issued license, or is missing after one"]
        return _result("license", [] if is_consistent else missing, "no license was issued")
    return _result(
        "license",
        case_signatures.license_faults(part, grant, events),
        f"signed with {', '.join(part.signing_keys)}",
    )
