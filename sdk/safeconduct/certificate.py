"""Reads the end of a certificate's validity, without a library for certificates."""

from __future__ import annotations

import ssl
from datetime import datetime, timezone
from typing import Final

_SEQUENCE: Final = 0x30
_VERSION: Final = 0xA0
_UTC_TIME: Final = 0x17


def expires_at(pem: bytes) -> datetime | None:
    """Returns the time at which the first certificate of the document is no longer valid.

    None if the document begins with no certificate that can be read.
    """
    try:
        text = pem[pem.index(b"-----BEGIN CERTIFICATE-----") :].decode("ascii")
        end = text.index("-----END CERTIFICATE-----") + len("-----END CERTIFICATE-----")
        _, certificate, _ = _element(ssl.PEM_cert_to_DER_cert(text[:end]))
        return _not_after(certificate)
    except (ValueError, IndexError):
        return None


def _not_after(certificate: bytes) -> datetime:
    """RFC 5280, section 4.1: version, serial number, signature, issuer, validity, and others."""
    _, rest, _ = _element(certificate)
    tag, _, behind_version = _element(rest)
    rest = behind_version if tag == _VERSION else rest
    for _ in ("serial number", "signature", "issuer"):
        _, _, rest = _element(rest)
    tag, validity, _ = _element(rest)
    if tag != _SEQUENCE:
        message = "no validity where RFC 5280 has it"
        raise ValueError(message)
    _, _, behind_not_before = _element(validity)
    tag, time, _ = _element(behind_not_before)
    form = "%y%m%d%H%M%SZ" if tag == _UTC_TIME else "%Y%m%d%H%M%SZ"
    return datetime.strptime(time.decode("ascii"), form).replace(tzinfo=timezone.utc)


def _element(der: bytes) -> tuple[int, bytes, bytes]:
    """Returns tag and content of the first element, and what follows it."""
    length, start = der[1], 2
    if length & 0x80:
        start += length & 0x7F
        length = int.from_bytes(der[2:start], "big")
    return der[0], der[start : start + length], der[start + length :]
