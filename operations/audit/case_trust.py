"""Tells what vouches for a case file besides the file itself.

A file that was made up as a whole, with new keys and all hashes anew, is consistent in itself. Only
what the auditor has from elsewhere can tell it from a genuine one: the published keys, or a
checkpoint that was signed before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from safeconduct.documents import InvalidDocumentError, verify

from operations.audit.case_file import CaseFile
from operations.audit.checkpoint import Checkpoint, Head
from operations.audit.trusted_keys import TrustedKeys, thumbprint

UNTRUSTED: Final = "consistent in itself, keys not trusted"


@dataclass(frozen=True, slots=True)
class Trust:
    """The grounds on which the file is trusted, as sentences; empty if there are none."""

    grounds: tuple[str, ...]
    faults: tuple[str, ...]
    """Contradictions between the file and what is trusted. They prove that the file is forged."""

    @property
    def is_given(self) -> bool:
        """Whether something that does not come from the file vouches for it."""
        return bool(self.grounds) and not self.faults

    @property
    def summary(self) -> str:
        """One sentence for a person."""
        return "; ".join(self.faults or self.grounds) or UNTRUSTED


def find_trust(file: CaseFile, trusted: TrustedKeys, checkpoint: Checkpoint | None) -> Trust:
    """Returns what vouches for the file. The file must have passed the checks of `case_checks`."""
    grounds = list(_document_grounds(file, trusted))
    if checkpoint is None:
        return Trust(tuple(grounds), ())
    found, faults = _compare(file, checkpoint)
    return Trust((*grounds, *found), tuple(faults))


def _document_grounds(file: CaseFile, trusted: TrustedKeys) -> Iterator[str]:
    if file.license is None:
        return
    keys = {
        key_id: key
        for key_id, key in (file.license.signing_keys | dict(trusted.keys)).items()
        if trusted.trusts(key_id) and thumbprint(key) == key_id
    }
    try:
        document = verify(file.license.document, keys)
    except InvalidDocumentError:
        return
    yield (
        f"the trusted key {document.key_id} signed the license document, which proves the"
        " application's events up to the issue of the license"
    )


def _compare(file: CaseFile, checkpoint: Checkpoint) -> tuple[list[str], list[str]]:
    """Returns the grounds and the faults that follow from the heads of the checkpoint."""
    streams = {(stream.service, stream.stream_id): stream for stream in file.streams}
    about = {file.about.application_id, file.about.license_id}
    proved: list[str] = []
    faults: list[str] = []
    for head in checkpoint.heads():
        stream = streams.get((head.service, head.stream_id))
        if stream is None:
            if head.stream_id in about:
                faults.append(f"the file lacks the stream of {head.service}")
            continue
        hashes = {event.version: event.hash for event in stream.events}
        if hashes.get(head.version) != head.hash.hex():
            faults.append(_contradiction(head))
        else:
            proved.append(f"{head.service} up to version {head.version}")
    taken_at = checkpoint.taken_at.isoformat()
    by = f"the checkpoint of {taken_at}, signed with {checkpoint.key_id}, proves the chains of"
    # The application's chain names the screening and the license; without it, nothing is proved.
    is_about_it = any(each.startswith("applications ") for each in proved)
    return ([f"{by} {', '.join(sorted(proved))}"] if is_about_it else []), faults


def _contradiction(head: Head) -> str:
    return (
        f"the checkpoint has another event as version {head.version} of {head.service}: the file"
        " is not what was recorded"
    )
