"""A published list as files: what is imported, and the list that a new installation starts with."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from chassis.yaml_files import load_yaml
from services.screening.core.lists.versions import ListFormat, ListVersion


@dataclass(frozen=True, slots=True)
class ListSource:
    """A list as it was published.

    published: the publisher's date, YYYY[-MM[-DD]]. content: the list's file; several files are
    bundled by `parsed_list.bundled`.
    """

    code: str
    published: str
    content: bytes
    kind: ListFormat = ListFormat.CSL_CSV

    @property
    def digest(self) -> bytes:
        """SHA-256 of the content."""
        return hashlib.sha256(self.content).digest()

    def version(self, entry_count: int, imported_at: datetime) -> ListVersion:
        """Returns the version of this source, named by code, date and digest."""
        name = f"{self.code}/{self.published}/{self.digest.hex()[:12]}"
        return ListVersion(name, self.digest.hex(), entry_count, imported_at, self.kind, self.code)


class _Manifest(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    code: Annotated[str, Field(pattern="^[A-Z][A-Z0-9-]{1,30}$")]
    published: Annotated[str, Field(pattern="^[0-9]{4}-[0-9]{2}(-[0-9]{2})?$")]
    file: str


def read_manifest(path: Path) -> ListSource:
    """Returns the list that a YAML manifest describes. Its CSV file is in the same folder.

    Raises ValueError if the manifest is invalid, OSError if a file cannot be read.
    """
    manifest = _Manifest.model_validate(load_yaml(path))
    content = (path.parent / manifest.file).read_bytes()
    return ListSource(manifest.code, manifest.published, content)
