"""Verifies a license document offline: compact JWS (RFC 7515), EdDSA (RFC 8037).

Needs the extra `cli`. A document shows what was granted. Its standing shows whether the license is
in force now.
"""

from __future__ import annotations

import base64
import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from joserfc import jws
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import OKPKey

from safeconduct.errors import InvalidDocumentError

__all__ = ["InvalidDocumentError", "LicenseDocument", "verify"]

# RFC 9864 renamed the signature to Ed25519. Both names are accepted, because the key fixes the
# curve.
ALGORITHMS: Final = ("EdDSA", "Ed25519")


@dataclass(frozen=True, slots=True)
class LicenseDocument:
    """A document with a valid signature: key id, header and claims."""

    key_id: str
    header: Mapping[str, Any]
    claims: Mapping[str, Any]


def verify(document: str, keys: Mapping[str, bytes]) -> LicenseDocument:
    """The content of the document, after its signature was verified.

    `keys`: Ed25519 public keys, 32 bytes, by key id; the header's `kid` chooses one. Any other
    algorithm is refused. Raises InvalidDocumentError.
    """
    try:
        header = jws.extract_compact(document.strip().encode()).headers()
    except (JoseError, ValueError) as error:
        message = "it is not a compact JWS"
        raise InvalidDocumentError(message) from error
    key_id = header.get("kid", "")
    if key_id not in keys:
        known = ", ".join(sorted(keys)) or "none"
        message = f"it is signed with the unknown key {key_id!r}; known: {known}"
        raise InvalidDocumentError(message)
    try:
        claims = json.loads(_payload(document.strip(), _public_key(keys[key_id])))
    except (JoseError, ValueError) as error:
        message = f"its signature was not made with key {key_id!r}"
        raise InvalidDocumentError(message) from error
    return LicenseDocument(key_id=key_id, header=header, claims=claims)


def _payload(document: str, key: OKPKey) -> bytes:
    # RFC 7515: unknown header parameters are ignored.
    registry = jws.JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
    with warnings.catch_warnings():
        # The warning is about the older name of the algorithm.
        warnings.simplefilter("ignore", SecurityWarning)
        payload: bytes = jws.deserialize_compact(document, key, registry=registry).payload
    return payload


def _public_key(raw: bytes) -> OKPKey:
    encoded = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    return OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": encoded})
