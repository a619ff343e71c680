"""The texts that decisions rest on: policy, reference data and code of conduct, by digest.

The events of applications name the digests. The service stores a text before an event names it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from google.protobuf.message import Message
from safeconduct.applications.v1 import events_pb2 as applications

from operations.audit.events import decode_event


class TextKind(StrEnum):
    """The sort of a text, as table `stored_text` names it."""

    CODE_OF_CONDUCT = "CODE_OF_CONDUCT"
    POLICY = "POLICY"
    REFERENCE_DATA = "REFERENCE_DATA"


@dataclass(frozen=True, slots=True)
class KeptText:
    """A row of table `stored_text`. Its digest is the name of the text: nothing vouches for it."""

    digest: bytes
    kind: str
    version: str
    file_name: str
    content: bytes
    is_in_use: bool

    @property
    def is_whole(self) -> bool:
        """Whether the content has the digest."""
        return hashlib.sha256(self.content).digest() == self.digest


@dataclass(frozen=True, slots=True)
class TextFault:
    """A text that is changed or missing. `digest` is hexadecimal."""

    digest: str
    detail: str


Texts = Mapping[bytes, KeptText]
EVENTS_WITH_TEXTS: Final = frozenset(
    {
        "ApplicationSubmitted",
        "ApplicationReferred",
        "DenialIntended",
        "ScreeningRevised",
        "ApplicationApproved",
        "ApplicationDenied",
    }
)
"""The names of the events that may name digests of texts."""


def named_texts(message: Message | None) -> Iterator[tuple[TextKind, bytes]]:
    """Yields kind and digest of every text that the event rests on.

    An event of an earlier release names none: its policy and its code of conduct may not be kept.
    """
    if isinstance(message, applications.ApplicationSubmitted) and message.reference_data_digest:
        yield TextKind.REFERENCE_DATA, message.reference_data_digest
    described: Any = message
    if message is None or "basis" not in message.DESCRIPTOR.fields_by_name:
        return
    if not message.HasField("basis"):
        return
    yield TextKind.POLICY, described.basis.policy_digest
    yield TextKind.REFERENCE_DATA, described.basis.reference_data_digest
    if isinstance(message, applications.ApplicationApproved):
        yield TextKind.CODE_OF_CONDUCT, message.code_digest


def named_by(name: str, payload: bytes) -> set[tuple[TextKind, bytes]]:
    """Returns the texts that a stored event of applications names; none if it is malformed."""
    if name not in EVENTS_WITH_TEXTS:
        return set()
    try:
        return set(named_texts(decode_event("applications", name, payload)))
    except ValueError:
        return set()  # the hash chain names the event


def changed_texts(texts: Texts) -> Iterator[TextFault]:
    """Yields the texts whose content does not have their digest."""
    for each in texts.values():
        if not each.is_whole:
            what = f"{each.kind} {each.version} ({each.file_name})"
            yield TextFault(each.digest.hex(), f"the content of {what} was changed")


def missing_texts(texts: Texts, named: Iterable[tuple[TextKind, bytes]]) -> Iterator[TextFault]:
    """Yields the texts that events name and that are not kept under this kind."""
    for kind, digest in sorted(named):
        found = texts.get(digest)
        if found is None:
            yield TextFault(digest.hex(), f"events rest on this {kind}, which is not kept")
        elif found.kind != kind:
            detail = f"events rest on this {kind}, which is kept as {found.kind}"
            yield TextFault(digest.hex(), detail)
