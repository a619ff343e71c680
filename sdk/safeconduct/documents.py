"""Checks a license document offline: a compact JWS (RFC 7515) signed with EdDSA over Ed25519 (RFC 8037).

Needs the extra `cli`. A document says what was granted; whether it holds right now is the license's standing.
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

# RFC 9864 names the same signature Ed25519; both names are taken, the key decides the curve.
ALGORITHMS: Final = ("EdDSA", "Ed25519")


class InvalidDocumentError(Exception):
    """The document is not one that these keys signed. The message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class LicenseDocument:
    """A document whose signature held: the key that signed it, and what it says."""

    key_id: str
    header: Mapping[str, Any]
    claims: Mapping[str, Any]


def verify(document: str, keys: Mapping[str, bytes]) -> LicenseDocument:
    """The document, once its signature held. `keys`: Ed25519 public keys, 32 bytes, by key id.

    Raises InvalidDocumentError. Looks the key up by the header's `kid` and takes no algorithm but Ed25519's.
    """
    try:
        header = jws.extract_compact(document.strip().encode()).headers()
    except (JoseError, ValueError) as error:
        message = "not a compact JWS"
        raise InvalidDocumentError(message) from error
    key_id = header.get("kid", "")
    if key_id not in keys:
        message = (
            f"signed with the unknown key {key_id!r}; known: {', '.join(sorted(keys)) or 'none'}"
        )
        raise InvalidDocumentError(message)
    try:
        claims = json.loads(_payload(document.strip(), _public_key(keys[key_id])))
    except (JoseError, ValueError) as error:
        message = f"the signature of key {key_id!r} does not hold"
        raise InvalidDocumentError(message) from error
    return LicenseDocument(key_id=key_id, header=header, claims=claims)


def _payload(document: str, key: OKPKey) -> bytes:
    registry = jws.JWSRegistry(
        algorithms=ALGORITHMS, strict_check_header=False
    )  # RFC 7515: ignore unknown parameters
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", SecurityWarning
        )  # about the older name of the algorithm only
        payload: bytes = jws.deserialize_compact(document, key, registry=registry).payload
    return payload


def _public_key(raw: bytes) -> OKPKey:
    encoded = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    return OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": encoded})
