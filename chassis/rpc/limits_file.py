"""Limits of calls from a YAML file, which is read again when it changes."""

from __future__ import annotations

import time
from collections.abc import Hashable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final, cast

import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from chassis.rpc.authentication import Kind
from chassis.rpc.limits import DEFAULTS, Limit, Limits
from chassis.rpc.principal_ids import SEGMENT
from chassis.yaml_files import YamlFileError, load_yaml

_RELOAD_SECONDS: Final = 1.0
_NAME: Final = rf"^(?:(?:partner|officer|service)/{SEGMENT}|gate/{SEGMENT}/{SEGMENT})$"
_Name = Annotated[str, Field(pattern=_NAME)]

log = structlog.get_logger()


class LimitsFileError(ValueError):
    """The limits file is invalid. The message names every fault and its place."""


class _Entry(BaseModel):
    """What differs from the limits beneath: of a kind the defaults, of a principal its kind's."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    calls_per_second: Annotated[float, Field(gt=0, le=1_000_000)] | None = None
    burst: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    concurrent_calls: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    streams: Annotated[int, Field(ge=0, le=1_000_000)] | None = None

    def over(self, beneath: Limit) -> Limit:
        """Returns `beneath` with the values that this entry gives."""
        own = {name: value for name, value in self if value is not None}
        return replace(beneath, **own)


class _LimitsFile(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    kinds: dict[Kind, _Entry] = Field(default_factory=dict)
    principals: dict[_Name, _Entry] = Field(default_factory=dict)


class LimitsFile:
    """The limits of one file, or the defaults without one. A change is noticed within a second.

    If a new file is invalid or missing, that is logged and the limits of the last valid one stay.
    Raises LimitsFileError if the first file is invalid.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._signature = None if path is None else _signature(path)
        self._limits = Limits() if path is None else read_limits(path)
        self._checked_at = time.monotonic()

    def current(self) -> Limits:
        """Returns the limits that the file gives now."""
        if self._path is not None and time.monotonic() - self._checked_at >= _RELOAD_SECONDS:
            self._refresh(self._path)
        return self._limits

    def _refresh(self, path: Path) -> None:
        self._checked_at = time.monotonic()
        signature = _signature(path)
        if signature == self._signature:
            return
        # The signature of an invalid file is kept, too: one log line a file, not one a second.
        self._signature = signature
        try:
            self._limits = read_limits(path)
        except LimitsFileError as error:
            log.error("limits_file_rejected", faults=str(error))  # noqa: TRY400 - the text names all
        else:
            log.info("limits_file_read", principals=len(self._limits.by_name))


def read_limits(path: Path) -> Limits:
    """Returns the limits of a file. Raises LimitsFileError."""
    try:
        file = _LimitsFile.model_validate(load_yaml(path) or {})
    except YamlFileError as error:
        raise LimitsFileError(str(error)) from error
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()
        )
        raise LimitsFileError(f"{path}: {faults}") from error
    unchanged = _Entry()
    kinds: Mapping[Kind, Limit] = {
        kind: file.kinds.get(kind, unchanged).over(limit) for kind, limit in DEFAULTS.items()
    }
    names = {
        name: entry.over(kinds[cast("Kind", name.partition("/")[0])])
        for name, entry in file.principals.items()
    }
    return Limits(kinds, names)


def _signature(path: Path) -> Hashable:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
