"""Which databases are meant: from the environment, or from options."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import urlsplit

from operations.complaints import Unusable

_VARIABLE: Final = re.compile(r"SAFECONDUCT_AUDIT_([A-Z][A-Z0-9_]*)_URL")
HINT: Final = (
    "Set SAFECONDUCT_AUDIT_<SERVICE>_URL for each service, or give --database SERVICE=DSN."
)


def databases(given: Iterable[str], environ: Mapping[str, str]) -> dict[str, str]:
    """DSN by service, in the order of the names. An option wins over the variable. Raises Unusable."""
    found = {
        match[1].lower(): value
        for name, value in environ.items()
        if (match := _VARIABLE.fullmatch(name)) and value
    }
    for pair in given:
        name, equals, dsn = pair.partition("=")
        if not name or not equals:
            # The text may hold a password: it is not repeated.
            raise Unusable("DATABASE", "--database takes SERVICE=DSN.")
        found[name] = dsn
    if not found:
        raise Unusable("NOT_CONFIGURED", "No database is named.", HINT)
    for name, dsn in found.items():
        if urlsplit(dsn).scheme not in {"postgresql", "postgres"}:
            raise Unusable(
                "DATABASE",
                f"The DSN of {name} is not postgresql://user:password@host:port/database.",
            )
    return dict(sorted(found.items()))


def database_of(name: str, found: Mapping[str, str]) -> str:
    """The DSN of one service. Raises Unusable."""
    if name not in found:
        raise Unusable("NOT_CONFIGURED", f"The database of {name} is not named.", HINT)
    return found[name]
