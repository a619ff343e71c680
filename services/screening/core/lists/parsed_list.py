"""What is read of a list's files before their format matters, and what every format must keep: whole, readable, unique.

Knows bytes and entries, no format and no matching.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import zlib
from collections.abc import Iterable, Mapping
from enum import StrEnum

from services.screening.core.model import Entry


class Flaw(StrEnum):
    """What is wrong with a file."""

    EMPTY = "EMPTY"
    TRUNCATED = "TRUNCATED"
    MALFORMED = "MALFORMED"


class ListUnreadable(ValueError):  # noqa: N818  what happened, in the words of the domain
    """The files are not a complete list in their format. Nothing of them may be activated."""

    def __init__(self, message: str, flaw: Flaw = Flaw.MALFORMED) -> None:
        super().__init__(message)
        self.flaw = flaw


class Part(StrEnum):
    """Which file of a list; a list of one file has only the first."""

    PRIMARY = "PRIMARY"
    ALT = "ALT"
    ADD = "ADD"


def decoded(content: bytes) -> str:
    """The text of a file, plain or gzip-compressed. Raises ListUnreadable: EMPTY, MALFORMED or TRUNCATED.

    A cut download ends in the middle of a line; every publisher ends the last one with a line break or a closing mark.
    """
    text = unpacked(content)
    if not text.strip("\x1a\r\n\ufeff \t"):
        raise ListUnreadable("the file is empty", Flaw.EMPTY)
    if not text.endswith(("\n", "\x1a")):
        raise ListUnreadable("the file does not end with a complete line", Flaw.TRUNCATED)
    return text


def unpacked(content: bytes) -> str:
    """The text of a file, plain or gzip-compressed, whatever it ends with. Raises ListUnreadable."""
    try:
        plain = gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
    except EOFError as error:
        raise ListUnreadable("the compressed file ends too early", Flaw.TRUNCATED) from error
    except (OSError, zlib.error) as error:
        raise ListUnreadable(f"the compressed file is damaged: {error}") from error
    try:
        return plain.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ListUnreadable(
            f"not readable as UTF-8 text: {error.reason} at byte {error.start}"
        ) from error


def distinct(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """The entries, one published twice with the same content once. Raises ListUnreadable when one id means two."""
    found: dict[str, Entry] = {}
    for entry in entries:
        known = found.setdefault(entry.entry_id, entry)
        if known.content_hash != entry.content_hash:
            raise ListUnreadable(f"the id {entry.entry_id} stands for two different parties")
    return tuple(found.values())


def content_hash(published: Mapping[str, str]) -> str:
    """SHA-256 over what is published of a party, hexadecimal: another one once anything of it changes."""
    said = "\x1f".join(f"{key}\x1e{published[key]}" for key in sorted(published))
    return hashlib.sha256(said.encode()).hexdigest()


def bundled(parts: Mapping[Part, bytes]) -> bytes:
    """The files of a list as the one that is kept: the file itself, or all of them in a tar archive without dates."""
    return parts[Part.PRIMARY] if set(parts) == {Part.PRIMARY} else archived(parts)


def archived(parts: Mapping[Part, bytes]) -> bytes:
    """The files in a tar archive without dates."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for part in Part:
            if part in parts:
                member = tarfile.TarInfo(part.value)
                member.size = len(parts[part])
                tar.addfile(member, io.BytesIO(parts[part]))
    return archive.getvalue()


def unbundled(content: bytes) -> Mapping[Part, bytes]:
    """The files again. Raises ListUnreadable when it is no archive of them."""
    found: dict[Part, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as tar:
            for member in tar:
                file = tar.extractfile(member)
                if file is not None and member.name in Part.__members__:
                    found[Part(member.name)] = file.read()
    except (tarfile.TarError, EOFError) as error:
        raise ListUnreadable("the files of the list are not all there", Flaw.TRUNCATED) from error
    return found
