"""A checkpoint: the latest hash of every chain at one time, signed with an auditor's key.

A chain that was rewritten as a whole is consistent. It does not contain the hash that an earlier
checkpoint has of it.

The file is text. Each line but the last is a head: service, stream, version, hash. The last line is
a signed document (compact JWS, see `safeconduct.documents`) with the number and the SHA-256 of the
heads of each service. It holds no personal data.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final
from uuid import UUID

from safeconduct import conduct
from safeconduct.bounded_file import open_regular
from safeconduct.documents import InvalidDocumentError, verify

from operations.audit.trusted_keys import TrustedKeys, base64url, thumbprint
from operations.error_messages import InputError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

DOCUMENT_TYPE: Final = "safeconduct-checkpoint+jwt"
FORMAT: Final = "safeconduct.checkpoint.v1"
SIGNATURE: Final = "signature"
"""First word of the last line."""
MAX_LINE: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Head:
    """The newest event of one stream: its version and its hash."""

    service: str
    stream_id: UUID
    version: int
    hash: bytes

    def line(self) -> bytes:
        """Returns the head as a line of the file."""
        return f"{self.service} {self.stream_id} {self.version} {self.hash.hex()}\n".encode()


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint whose signature was verified with a trusted key."""

    file: Path
    key_id: str
    taken_at: datetime
    streams: Mapping[str, int]
    """Number of heads by service."""

    def heads(self) -> Iterator[Head]:
        """Yields the heads in the order of the file. Raises InputError if the file has changed."""
        with open_regular(self.file) as lines:
            for line in _lines(lines, self.file):
                if line.startswith(SIGNATURE.encode()):
                    return
                yield _head(line, self.file)


class _Digests:
    """Number and digest of the heads of each service."""

    def __init__(self) -> None:
        self._digests: dict[str, hashlib._Hash] = {}
        self.streams: dict[str, int] = {}

    def add(self, head: Head) -> None:
        self._digests.setdefault(head.service, hashlib.sha256()).update(head.line())
        self.streams[head.service] = self.streams.get(head.service, 0) + 1

    def claims(self) -> dict[str, dict[str, object]]:
        return {
            name: {"streams": self.streams[name], "sha256": digest.hexdigest()}
            for name, digest in sorted(self._digests.items())
        }


async def write(
    heads: AsyncIterator[Head], out: Path, key: Ed25519PrivateKey, now: datetime
) -> Mapping[str, int]:
    """Writes a new checkpoint and returns the number of streams by service.

    Raises InputError if the file exists already or cannot be written. A file that was begun is
    removed.
    """
    digests = _Digests()
    try:
        handle = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except OSError as error:
        raise InputError("FILE", f"cannot write {out}: {error.strerror}") from None
    try:
        with os.fdopen(handle, "wb") as file:
            async for head in heads:
                digests.add(head)
                file.write(head.line())
            claims = {
                "format": FORMAT,
                "iat": int(now.timestamp()),
                "services": digests.claims(),
            }
            file.write(f"{SIGNATURE} {_signed(claims, key)}\n".encode())
    except BaseException:
        out.unlink()  # noqa: ASYNC240 - one call to the local disk, as are the writes above
        raise
    return digests.streams


def read(file: Path, trusted: TrustedKeys) -> Checkpoint:
    """Returns the checkpoint after its signature and its digests were verified.

    The key must be in `trusted` as a whole: the file does not hold it. Raises InputError.
    """
    digests, document = _Digests(), b""
    try:
        with open_regular(file) as lines:
            for line in _lines(lines, file):
                if document:
                    raise InputError("CHECKPOINT", f"{file} goes on behind its signature")
                if line.startswith(f"{SIGNATURE} ".encode()):
                    document = line.removeprefix(f"{SIGNATURE} ".encode())
                else:
                    digests.add(_head(line, file))
    except OSError as error:
        raise InputError("CHECKPOINT", f"cannot read {file}: {error.strerror}") from None
    try:
        signed = verify(document, trusted.keys, DOCUMENT_TYPE)
    except InvalidDocumentError as error:
        raise InputError(
            "CHECKPOINT",
            f"the signature of {file} does not verify: {error}",
            "Give the auditor's key with --keys FILE.",
        ) from None
    taken_at = signed.claims.get("iat")
    if signed.claims.get("format") != FORMAT or not isinstance(taken_at, int):
        raise InputError("CHECKPOINT", f"{file} is not of the format {FORMAT}")
    if signed.claims.get("services") != digests.claims():
        raise InputError("CHECKPOINT", f"the heads in {file} are not those that were signed")
    return Checkpoint(file, signed.key_id, datetime.fromtimestamp(taken_at, UTC), digests.streams)


def _lines(lines: IO[bytes], file: Path) -> Iterator[bytes]:
    while line := lines.readline(MAX_LINE + 1):
        if len(line) > MAX_LINE:
            raise InputError("CHECKPOINT", f"{file} has a line of more than {MAX_LINE} bytes")
        yield line


def _head(line: bytes, file: Path) -> Head:
    try:
        service, stream_id, version, hash_ = line.decode("ascii").removesuffix("\n").split(" ")
        head = Head(service, UUID(stream_id), int(version), bytes.fromhex(hash_))
    except ValueError:
        raise InputError("CHECKPOINT", f"{file} has a line that is no head of a chain") from None
    if head.line() != line:
        raise InputError("CHECKPOINT", f"{file} has a head in another spelling")
    return head


def _signed(claims: Mapping[str, object], key: Ed25519PrivateKey) -> str:
    key_id = thumbprint(conduct.public_bytes(key))
    header = {"alg": "Ed25519", "kid": key_id, "typ": DOCUMENT_TYPE}
    text = ".".join(base64url(json.dumps(each).encode()) for each in (header, claims))
    return f"{text}.{base64url(key.sign(text.encode()))}"
