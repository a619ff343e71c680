"""The names in the certificates of a local stack."""

from __future__ import annotations

import re
from typing import Final

TRUST_DOMAIN: Final = "safeconduct.example"
_PRINCIPAL: Final = re.compile(r"(partner|officer|service)/[a-z0-9-]+|gate/[a-z0-9-]+/[a-z0-9-]+")


def spiffe_uri(principal: str) -> str:
    """Returns the SPIFFE URI of a principal such as `partner/example-1` or `officer/licensing-1`.

    Raises ValueError if `principal` has none of the four forms.
    """
    if not _PRINCIPAL.fullmatch(principal):
        raise ValueError(
            f"{principal!r} is not of the form partner/<id>, gate/<partner>/<id>, officer/<id>"
            " or service/<name>"
        )
    return f"spiffe://{TRUST_DOMAIN}/{principal}"
