"""The license as a signed document (JWS, RFC 7515, with EdDSA, RFC 8037), and the check of an end user's signature.

The same license and key give the same bytes: Ed25519 is deterministic and the claims are written in one fixed way.
Whether a license holds right now is not in it; that is its standing.
"""

from __future__ import annotations

import json
import warnings
from datetime import datetime
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)
from joserfc import jws
from joserfc.errors import SecurityWarning
from joserfc.jwk import OKPKey

from services.applications.core.model import License

ALGORITHM: Final = "EdDSA"
TYPE: Final = "safeconduct-license+jwt"
"""Media type of the document, in its header (`typ`), so that it cannot stand for another kind of token (RFC 8725)."""


class LicenseSigner:
    """Signs license documents with one Ed25519 key. `key_id` is the key's RFC 7638 thumbprint."""

    def __init__(self, private_key: Ed25519PrivateKey, issuer: str) -> None:
        self._key = OKPKey.import_key(private_key)
        self._issuer = issuer
        self.public_key = private_key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.key_id: str = self._key.thumbprint()
        self._registry = jws.JWSRegistry(algorithms=[ALGORITHM])

    def sign(self, license_: License, event_hash: bytes = b"") -> str:
        """The document, compact. `event_hash` is the hash of the event that issued it, which ties it to the record."""
        header = {"alg": ALGORITHM, "kid": self.key_id, "typ": TYPE}
        claims = _claims(license_, self._issuer, event_hash)
        payload = json.dumps(
            claims, sort_keys=True, separators=(",", ":"), ensure_ascii=False
        ).encode()
        with warnings.catch_warnings():
            # The library prefers RFC 9864's name `Ed25519`; the contract says `EdDSA`, which every verifier knows.
            warnings.simplefilter("ignore", SecurityWarning)
            return jws.serialize_compact(header, payload, self._key, registry=self._registry)


def load_signing_key(pem: bytes) -> Ed25519PrivateKey:
    """The Ed25519 key of a PEM file. Raises ValueError for anything else."""
    key = load_pem_private_key(pem, password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("the license key is not an Ed25519 private key")  # noqa: TRY004 - the file's content is wrong
    return key


def verify_signature(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """True: `signature` is that of the Ed25519 `public_key` (32 bytes) over `message`. Never raises."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _claims(license_: License, issuer: str, event_hash: bytes) -> dict[str, object]:
    """Registered claims of RFC 7519 where they exist; times in seconds since 1970."""
    acceptance = license_.acceptance
    claims: dict[str, object] = {
        "iss": issuer,
        "sub": license_.partner_id,
        "jti": str(license_.license_id),
        "iat": _seconds(acceptance.accepted_at),
        "nbf": _seconds(license_.not_before),
        "exp": _seconds(license_.not_after),
        "license_number": license_.license_number,
        "application_id": str(license_.application_id),
        "decision_id": str(license_.decision_id),
        "holder": license_.holder_name,
        "end_users": list(license_.end_user_names),
        "items": [
            {"model_id": item.model_id, "access_mode": str(item.access_mode)}
            for item in license_.items
        ],
        "destinations": list(license_.destinations),
        "end_uses": [str(use) for use in license_.end_uses],
        "conditions": list(license_.conditions),
        "monthly_million_tokens": license_.monthly_million_tokens,
        "lease_seconds": license_.lease_seconds,
        "code_of_conduct": {
            "version": acceptance.code_version,
            "sha256": acceptance.code_digest.hex(),
            "signatory": acceptance.signatory_party_id,
            "signature": acceptance.signature.hex(),
        },
    }
    return {**claims, "event_sha256": event_hash.hex()} if event_hash else claims


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
