"""Certificates of callers with names that no authority should sign, and as gRPC shows them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_URI_TAG = 0x86
_DNS_TAG = 0x82
_SEQUENCE_TAG = 0x30
_SHORT = 0x80


@cache
def _key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _element(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < _SHORT:
        return bytes([tag, size]) + content
    digits = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, _SHORT | len(digits)]) + digits + content


def alternative_names(*uris: bytes, dns: Sequence[bytes] = ()) -> x509.UnrecognizedExtension:
    """Returns the extension with these names, which may hold any byte."""
    names = [_element(_DNS_TAG, name) for name in dns] + [_element(_URI_TAG, uri) for uri in uris]
    return x509.UnrecognizedExtension(
        x509.SubjectAlternativeName.oid, _element(_SEQUENCE_TAG, b"".join(names))
    )


def certificate(
    *extensions: x509.ExtensionType, authority: tuple[x509.Name, ec.EllipticCurvePrivateKey] | None
) -> bytes:
    """Returns a client's certificate (PEM) for the key of `private_key`."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "officer/licensing-1")])
    issuer, issuer_key = authority or (subject, _key())
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(_key().public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
    )
    for each in extensions:
        builder = builder.add_extension(each, critical=False)
    return builder.sign(issuer_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def private_key() -> bytes:
    """Returns the private key (PEM) of all these certificates."""
    return _key().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


class Peer:
    """The certificate's part of a servicer context."""

    def __init__(self, *pems: bytes) -> None:
        self._pems = list(pems)

    def auth_context(self) -> dict[str, list[bytes]]:
        """Returns what gRPC does; the URI as text ends at its first NUL and must not be used."""
        return {
            "x509_pem_cert": self._pems,
            "peer_spiffe_id": [b"spiffe://safeconduct.example/officer/licensing-1"],
            "x509_common_name": [b"officer/licensing-1"],
        }
