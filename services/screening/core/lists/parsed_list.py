"""Functions of all list formats: decode files, check that they are whole, bundle several files.

Knows bytes and entries, no format.
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
    """Defect of a list file."""

    EMPTY = "EMPTY"
    TRUNCATED = "TRUNCATED"
    MALFORMED = "MALFORMED"


class ListUnreadable(ValueError):  # noqa: N818 - named as the state of the list
    """The files are not a complete list in their format. No entry of them may be used."""

    def __init__(self, message: str, flaw: Flaw = Flaw.MALFORMED) -> None:
        super().__init__(message)
        self.flaw = flaw


class Part(StrEnum):
    """File of a list. A list that is published as one file has only PRIMARY."""

    PRIMARY = "PRIMARY"
    ALT = "ALT"
    ADD = "ADD"


def decoded(content: bytes) -> str:
    """Returns the text of a file, plain or gzip-compressed.

    Raises ListUnreadable (EMPTY, MALFORMED or TRUNCATED). A cut download ends in the middle of a
    line, while all publishers end the last line with a line break or an end-of-file mark.
    """
    text = unpacked(content)
    if not text.strip("\x1a\r\n\ufeff \t"):
        raise ListUnreadable("the file is empty", Flaw.EMPTY)
    if not text.endswith(("\n", "\x1a")):
        raise ListUnreadable("the file does not end with a complete line", Flaw.TRUNCATED)
    return text


def unpacked(content: bytes) -> str:
    """Returns the text of a file, plain or gzip-compressed.

    Does not check its end. Raises ListUnreadable.
    """
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
            f"the file is not UTF-8 text: {error.reason} at byte {error.start}"
        ) from error


def distinct(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Returns the entries; one that is published twice with the same content is returned once.

    Raises ListUnreadable if two parties have one id.
    """
    found: dict[str, Entry] = {}
    for entry in entries:
        known = found.setdefault(entry.entry_id, entry)
        if known.content_hash != entry.content_hash:
            raise ListUnreadable(f"two different parties have the id {entry.entry_id}")
    return tuple(found.values())


def content_hash(published: Mapping[str, str]) -> str:
    """Returns the SHA-256, hexadecimal, of the published fields of a party."""
    joined = "\x1f".join(f"{key}\x1e{published[key]}" for key in sorted(published))
    return hashlib.sha256(joined.encode()).hexdigest()


def bundled(parts: Mapping[Part, bytes]) -> bytes:
    """Returns the files of a list as one content: a single file as it is, several in an archive."""
    return parts[Part.PRIMARY] if set(parts) == {Part.PRIMARY} else archived(parts)


def archived(parts: Mapping[Part, bytes]) -> bytes:
    """Returns the files in a tar archive. It has no dates, so equal files give equal archives."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for part in Part:
            if part in parts:
                member = tarfile.TarInfo(part.value)
                member.size = len(parts[part])
                tar.addfile(member, io.BytesIO(parts[part]))
    return archive.getvalue()


def unbundled(content: bytes) -> Mapping[Part, bytes]:
    """Returns the files of an archive. Raises ListUnreadable if it is damaged."""
    found: dict[Part, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as tar:
            for member in tar:
                file = tar.extractfile(member)
                if file is not None and member.name in Part.__members__:
                    found[Part(member.name)] = file.read()
    except (tarfile.TarError, EOFError) as error:
        raise ListUnreadable(
            "the archive of the list's files is incomplete", Flaw.TRUNCATED
        ) from error
    return found
