"""Tables of restricted-party lists and their versions."""

from __future__ import annotations

from rich.console import RenderableType

from safeconduct.cli.enum_names import short
from safeconduct.cli.output import time_text
from safeconduct.cli.tables import Column, Pairs, coloured, pairs, rows, show
from safeconduct.screening.v1 import model_pb2 as model
from safeconduct.screening.v1 import service_pb2 as service


def show_import(answer: service.ImportListResponse) -> None:
    """Prints the imported version and its difference from the active one."""
    lines: Pairs = [
        ("version", answer.version.list_version),
        ("parties", str(answer.version.entry_count)),
        ("added", str(answer.delta.added)),
        ("changed", str(answer.delta.changed)),
        ("removed", str(answer.delta.removed)),
    ]
    show(pairs(lines), "Not in use before it is activated.")


def show_status(answer: service.GetListStatusResponse) -> None:
    """Prints the state of screening and every version of every list."""
    lines: Pairs = [
        ("screened against", answer.loaded_version or "nothing yet"),
        ("parties", str(answer.entry_count)),
        ("up to date", "yes" if answer.is_current else "not yet"),
        ("applications waiting", str(answer.waiting_applications)),
    ]
    columns = (
        Column("LIST"),
        Column("VERSION", whole=True),
        Column("STATE", rank=1),
        Column("PARTIES", rank=2),
        Column("FORMAT", rank=4, whole=True),
        Column("IMPORTED", rank=3, whole=True),
    )
    versions = [line for each in answer.lists for line in _versions(each)]
    show(pairs(lines), rows(columns, versions))


def _versions(found: model.ListStatus) -> list[tuple[RenderableType, ...]]:
    return [
        (
            found.list_code,
            version.list_version,
            coloured("ACTIVE") if version.list_version == found.active_version else "",
            str(version.entry_count),
            short(model.ListFormat, version.format),
            time_text(version.imported_at),
        )
        for version in reversed(found.versions)
    ]
