"""Verifies signed documents offline: compact JWS (RFC 7515) with one strict form.

Needs the extra `cli`. A license document shows what was granted. Its standing shows whether the
license is in force now.

The form follows the advice of RFC 8725: the algorithm comes from a list (3.1), the type of a
document is explicit (3.11), and whatever the form does not name is refused instead of ignored.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from joserfc import jws
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import OKPKey

from safeconduct.errors import InvalidDocumentError

__all__ = ["InvalidDocumentError", "LicenseDocument", "SignedDocument", "verify"]

ALGORITHMS: Final = ("Ed25519", "EdDSA")
"""Values of `alg`. RFC 9864 replaced the name EdDSA (RFC 8037) by Ed25519; both are the same here,
because the key fixes the curve. New documents have `Ed25519`."""

LICENSE_TYPE: Final = "safeconduct-license+jwt"
"""The header `typ` of a license document."""

HEADER_NAMES: Final = ("alg", "kid", "typ")
"""A header has these members and no other.

So `crit` (RFC 7515, 4.1.11), `b64` (RFC 7797) and keys inside the document (`jwk`, `jku`, `x5c`,
`x5u`) are refused.
"""

MAX_BYTES: Final = 1024 * 1024
MAX_KEY_ID_LENGTH: Final = 128
KEY_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64


@dataclass(frozen=True, slots=True)
class SignedDocument:
    """A document with a valid signature: key id, header and claims."""

    key_id: str
    header: Mapping[str, Any]
    claims: Mapping[str, Any]


LicenseDocument = SignedDocument
"""The earlier name, kept for callers."""


def verify(
    document: str | bytes, keys: Mapping[str, bytes], document_type: str = LICENSE_TYPE
) -> SignedDocument:
    """Returns the content of the document, after its signature was verified.

    `keys`: Ed25519 public keys, 32 bytes, by key id; the header's `kid` chooses one.
    `document_type` is the value that `typ` must have. Raises InvalidDocumentError with the reason:
    the document is larger than MAX_BYTES, another header than HEADER_NAMES, another algorithm or
    type, a member that occurs twice, a number that JSON does not have, claims that are no object,
    an unknown key, or a wrong signature.
    """
    encoded = _ascii(document)
    parts = encoded.split(".")
    if len(parts) != 3:
        raise InvalidDocumentError(
            "it is not a compact JWS: it must have three parts, separated by dots"
        )
    header = _object(_decoded(parts[0], "header"), "header")
    key_id = _checked_header(header, document_type)
    key = _key(key_id, keys)
    payload = _decoded(parts[1], "payload")
    if len(_decoded(parts[2], "signature")) != SIGNATURE_BYTES:
        message = f"its signature must have {SIGNATURE_BYTES} bytes"
        raise InvalidDocumentError(message)
    if _signed_payload(encoded, key) != payload:
        message = f"its signature was not made with key {key_id!r}"
        raise InvalidDocumentError(message)
    return SignedDocument(key_id=key_id, header=header, claims=_object(payload, "payload"))


def _ascii(document: str | bytes) -> str:
    if len(document) > MAX_BYTES:
        message = f"it is larger than {MAX_BYTES} bytes"
        raise InvalidDocumentError(message)
    try:
        raw = document.encode("ascii") if isinstance(document, str) else document
        return raw.decode("ascii").strip(" \t\r\n")
    except UnicodeError as error:
        raise InvalidDocumentError("it is not a compact JWS: it must be ASCII text") from error


def _decoded(part: str, name: str) -> bytes:
    """Returns the bytes of a part in base64url without padding (RFC 7515, 2), in its one form."""
    try:
        raw = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != part:
        message = f"it is not a compact JWS: its {name} is not base64url without padding"
        raise InvalidDocumentError(message)
    return raw


def _object(raw: bytes, name: str) -> dict[str, Any]:
    """Returns a JSON object in UTF-8 whose members occur once, at every level (RFC 8725, 2.4)."""

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                _refuse(name, f"has the member {key!r} twice")
            found[key] = value
        return found

    def number(text: str) -> float:
        value = float(text)
        return value if math.isfinite(value) else _refuse(name, f"has the number {text[:20]}")

    def constant(text: str) -> NoReturn:
        _refuse(name, f"has {text}, which is not JSON")

    try:
        found = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=members,
            parse_float=number,
            parse_constant=constant,
        )
        # A lone surrogate, which an escape can write, is no text (RFC 7493, 2.1).
        json.dumps(found, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        message = f"its {name} is not JSON in UTF-8"
        raise InvalidDocumentError(message) from error
    return found if isinstance(found, dict) else _refuse(name, "is not a JSON object")


def _refuse(name: str, reason: str) -> NoReturn:
    message = f"its {name} {reason}"
    raise InvalidDocumentError(message)


def _checked_header(header: Mapping[str, Any], document_type: str) -> str:
    """Returns the key id of a header that has the one form."""
    for name in sorted(header.keys() - set(HEADER_NAMES)):
        _refuse("header", f"has the member {name[:40]!r}; only {', '.join(HEADER_NAMES)} may occur")
    for name in HEADER_NAMES:
        if name not in header:
            _refuse("header", f"has no {name!r}")
        if not isinstance(header[name], str):
            _refuse("header", f"has a {name!r} that is not text")
    if header["alg"] not in ALGORITHMS:
        _refuse("header", f"names the algorithm {header['alg'][:40]!r}; it must be {ALGORITHMS[0]}")
    if header["typ"] != document_type:
        _refuse("header", f"has the type {header['typ'][:80]!r}; it must be {document_type!r}")
    key_id: str = header["kid"]
    if not 0 < len(key_id) <= MAX_KEY_ID_LENGTH:
        _refuse("header", f"has a 'kid' without 1 to {MAX_KEY_ID_LENGTH} characters")
    return key_id


def _key(key_id: str, keys: Mapping[str, bytes]) -> OKPKey:
    if key_id not in keys:
        known = ", ".join(sorted(keys)) or "none"
        message = f"it is signed with the unknown key {key_id!r}; known: {known}"
        raise InvalidDocumentError(message)
    if len(keys[key_id]) != KEY_BYTES:
        message = f"the key {key_id!r} is not an Ed25519 public key of {KEY_BYTES} bytes"
        raise InvalidDocumentError(message)
    encoded = base64.urlsafe_b64encode(keys[key_id]).rstrip(b"=").decode()
    return OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": encoded})


def _signed_payload(document: str, key: OKPKey) -> bytes | None:
    """Returns the payload as the library reads it; None if the signature is not the key's."""
    registry = jws.JWSRegistry(algorithms=ALGORITHMS)
    # The size was checked. The library's own limits are below those of a license document.
    registry.max_header_length = registry.max_payload_length = MAX_BYTES
    try:
        with warnings.catch_warnings():
            # The warning is about the older name of the algorithm.
            warnings.simplefilter("ignore", SecurityWarning)
            payload: bytes = jws.deserialize_compact(document, key, registry=registry).payload
    except (JoseError, ValueError):
        return None
    return payload
