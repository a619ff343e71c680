"""The case file: everything about one application in one JSON document, each part with its digest.

Bytes are base64, times ISO 8601 in UTC, digests and hashes hexadecimal. The digests tell which part was damaged; that
nobody made the whole anew, the chains, the signatures and the published keys tell.
"""

from __future__ import annotations

import hashlib
import os
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import msgspec

from chassis.store.hash_chain import StoredEvent
from operations.complaints import Unusable

FORMAT: Final = "safeconduct.case.v1"
LARGEST_BYTES: Final = 256 * 1024 * 1024


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A mapping of the file; what is not named here is no part of a case file."""


class About(_Part, frozen=True):
    """What the file is about."""

    application_id: UUID
    license_id: UUID | None
    exported_at: datetime


class EventEntry(_Part, frozen=True):
    """An event as it is stored, and what its payload says in proto JSON (null: unknown to the exporter)."""

    version: int
    event_id: UUID
    name: str
    actor: str
    occurred_at: datetime
    state: str
    traceparent: str
    payload: bytes
    prev_hash: str
    hash: str
    says: dict[str, Any] | None


class StreamEntry(_Part, frozen=True):
    """One service's stream: all its events, and what the state row said of the newest."""

    service: str
    stream_id: UUID
    version: int
    head: str
    state: str
    events: tuple[EventEntry, ...]

    def recorded(self) -> tuple[StoredEvent, ...]:
        """The events as the journal knows them. Raises ValueError when a hash is not hexadecimal."""
        return tuple(
            StoredEvent(
                self.stream_id, each.version, each.event_id, each.name, each.actor, each.occurred_at, each.state,
                each.payload, each.traceparent, bytes.fromhex(each.prev_hash), bytes.fromhex(each.hash),
            )
            for each in self.events
        )  # fmt: skip


class Statement(_Part, frozen=True):
    """What one event said, and which event it was."""

    event_id: UUID
    event_hash: str
    says: dict[str, Any]


class LicensePart(_Part, frozen=True):
    """The signed license document, and the keys that were published when it was exported (32 bytes, by key id)."""

    document: str
    signing_keys: dict[str, bytes]


class ConductPart(_Part, frozen=True):
    """The code of conduct that was to be signed, and once it was, by whom and how."""

    code_version: str
    text: str
    sha256: str
    acceptance_text: str
    signatory_party_id: str
    public_key: bytes
    signature: bytes


class CaseFile(_Part, frozen=True):
    """The file. `digests`: SHA-256 by part, over the part's JSON without spaces, in the order of these fields."""

    format: str
    about: About
    streams: tuple[StreamEntry, ...]
    decisions: tuple[Statement, ...]
    screenings: tuple[Statement, ...]
    license: LicensePart | None
    conduct: ConductPart | None
    digests: dict[str, str]


PARTS: Final = ("about", "streams", "decisions", "screenings", "license", "conduct")
_ENCODE: Final = msgspec.json.Encoder(order="deterministic").encode


def digests_of(file: CaseFile) -> dict[str, str]:
    """The digest of each part as it is."""
    return {name: hashlib.sha256(_ENCODE(getattr(file, name))).hexdigest() for name in PARTS}


def sealed(file: CaseFile) -> CaseFile:
    """The file with the digests of its parts."""
    return msgspec.structs.replace(file, digests=digests_of(file))


def write(file: CaseFile, out: Path) -> str:
    """Writes the file, readable by its owner only, and gives its SHA-256. Never replaces one: raises Unusable."""
    content = msgspec.json.format(_ENCODE(file), indent=1) + b"\n"
    try:
        with os.fdopen(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as handle:
            handle.write(content)
    except FileExistsError:
        raise Unusable("FILE", f"{out} exists; a case file is never replaced") from None
    except OSError as error:
        raise Unusable("FILE", f"cannot write {out}: {error.strerror}") from None
    return hashlib.sha256(content).hexdigest()


def read(file: Path) -> CaseFile:
    """The file, unjudged. Raises Unusable when it is none."""
    try:
        if file.stat().st_size > LARGEST_BYTES:
            raise Unusable("FILE", f"{file} is larger than {LARGEST_BYTES} bytes")
        content = file.read_bytes()
    except OSError as error:
        raise Unusable("FILE", f"cannot read {file}: {error.strerror}") from None
    return parse(content, str(file))


def parse(content: bytes, name: str) -> CaseFile:
    """The content of a file. Raises Unusable naming the place that is not as it should be."""
    try:
        found = msgspec.json.decode(content, type=CaseFile)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unusable("FILE", f"{name} is no case file: {error}") from None
    if found.format != FORMAT:
        raise Unusable(
            "FILE", f"{name} has the format {found.format!r}; this command knows {FORMAT}"
        )
    return found
