"""Limits of calls from a YAML file, which is read again when it changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from chassis.rpc.authentication import Kind
from chassis.rpc.limits import DEFAULTS, Limit, Limits
from chassis.rpc.principal_ids import SEGMENT
from chassis.rpc.reread_file import RereadFile
from chassis.yaml_files import YamlFileError, load_yaml

_NAME: Final = rf"^(?:(?:partner|officer|service)/{SEGMENT}|gate/{SEGMENT}/{SEGMENT})$"
_Name = Annotated[str, Field(pattern=_NAME)]


class LimitsFileError(ValueError):
    """The limits file is invalid. The message names every fault and its place."""


class _Entry(BaseModel):
    """The limits of a kind that differ from the defaults, or of a principal from its kind's."""

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
        self._defaults = Limits()
        self._file = None if path is None else RereadFile(path, "limits", read_limits)

    def current(self) -> Limits:
        """Returns the limits that the file gives now."""
        return self._defaults if self._file is None else self._file.current()


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
