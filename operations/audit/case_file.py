"""The case file: everything about one application in one JSON document, with a digest of each part.

Bytes are base64, times ISO 8601 in UTC, digests and hashes hexadecimal. The digests show which part
was damaged. They do not show that the whole file was forged; the chains, the signatures and the
published keys do.

The names in the file are the format's and stay as they are. Where they differ from the names here,
`field(name=...)` states them.
"""

from __future__ import annotations

import hashlib
import os
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import field
from safeconduct.bounded_file import read_bounded

from chassis.store.hash_chain import StoredEvent
from operations.error_messages import InputError

FORMAT: Final = "safeconduct.case.v1"
MAX_BYTES: Final = 256 * 1024 * 1024


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of the objects in the file. Unknown fields are an error."""


class About(_Part, frozen=True):
    """The application of the file, and its license, if one was issued."""

    application_id: UUID
    license_id: UUID | None
    exported_at: datetime


class EventEntry(_Part, frozen=True):
    """A stored event and its decoded payload."""

    version: int
    event_id: UUID
    name: str
    actor: str
    occurred_at: datetime
    state: str
    traceparent: str
    payload: bytes
    previous_hash: str = field(name="prev_hash")
    hash: str
    content: dict[str, Any] | None = field(name="says")
    """The payload as proto3 JSON; null if the exporter did not know the type."""


class StreamEntry(_Part, frozen=True):
    """One service's stream: its state row and all its events."""

    service: str
    stream_id: UUID
    version: int
    latest_hash: str = field(name="head")
    state: str
    events: tuple[EventEntry, ...]

    def stored_events(self) -> tuple[StoredEvent, ...]:
        """Returns the events as journal rows. Raises ValueError if a hash is not hexadecimal."""
        return tuple(
            StoredEvent(
                self.stream_id, each.version, each.event_id, each.name, each.actor,
                each.occurred_at, each.state, each.payload, each.traceparent,
                bytes.fromhex(each.previous_hash), bytes.fromhex(each.hash),
            )
            for each in self.events
        )  # fmt: skip


class Statement(_Part, frozen=True):
    """A copy of one event's content, with the id and hash of the event."""

    event_id: UUID
    event_hash: str
    content: dict[str, Any] = field(name="says")


class LicensePart(_Part, frozen=True):
    """The signed license document, and the signing keys that were published at the export."""

    document: str
    signing_keys: dict[str, bytes]
    """Ed25519 public keys (32 bytes) by key id."""


class ConductPart(_Part, frozen=True):
    """The code of conduct and its signature; the signature is empty before it was signed."""

    code_version: str
    text: str
    sha256: str
    acceptance_text: str
    signatory_party_id: str
    public_key: bytes
    signature: bytes


class TextPart(_Part, frozen=True):
    """A text that the decisions rest on, byte for byte, with its SHA-256."""

    sha256: str
    kind: str
    version: str
    file_name: str
    content: bytes


class CaseFile(_Part, frozen=True):
    """The file. `digests` holds the SHA-256 of each part's JSON, encoded without spaces.

    Files of earlier releases have no `texts`.
    """

    format: str
    about: About
    streams: tuple[StreamEntry, ...]
    decisions: tuple[Statement, ...]
    screenings: tuple[Statement, ...]
    license: LicensePart | None
    conduct: ConductPart | None
    digests: dict[str, str]
    texts: tuple[TextPart, ...] = ()


PARTS: Final = ("about", "streams", "decisions", "screenings", "license", "conduct")
_ENCODE: Final = msgspec.json.Encoder(order="deterministic").encode


def digests_of(file: CaseFile) -> dict[str, str]:
    """Returns the digest of each part, computed from its present content."""
    parts = (*PARTS, "texts") if file.texts else PARTS
    return {name: hashlib.sha256(_ENCODE(getattr(file, name))).hexdigest() for name in parts}


def with_digests(file: CaseFile) -> CaseFile:
    """Returns the file with the digests of its present content."""
    return msgspec.structs.replace(file, digests=digests_of(file))


def write(file: CaseFile, out: Path) -> str:
    """Writes the file, readable by its owner only, and returns its SHA-256.

    Raises InputError if the path exists already or cannot be written.
    """
    content = msgspec.json.format(_ENCODE(file), indent=1) + b"\n"
    try:
        with os.fdopen(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as handle:
            handle.write(content)
    except FileExistsError:
        raise InputError(
            "FILE", f"{out} exists already, and a case file is never overwritten"
        ) from None
    except OSError as error:
        raise InputError("FILE", f"cannot write {out}: {error.strerror}") from None
    return hashlib.sha256(content).hexdigest()


def read(file: Path) -> CaseFile:
    """Returns the file without checking it. Raises InputError if it is not a case file."""
    try:
        content = read_bounded(file, MAX_BYTES)
    except OSError as error:
        raise InputError("FILE", f"cannot read {file}: {error.strerror}") from None
    return parse(content, str(file))


def parse(content: bytes, name: str) -> CaseFile:
    """Returns the parsed content. Raises InputError that names the file and the wrong field."""
    try:
        found = msgspec.json.decode(content, type=CaseFile)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError("FILE", f"{name} is not a case file: {error}") from None
    if found.format != FORMAT:
        raise InputError(
            "FILE", f"{name} has the format {found.format!r}; this command reads {FORMAT}"
        )
    return found
