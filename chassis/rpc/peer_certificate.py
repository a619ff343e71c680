"""Reads the URI of a caller's certificate from the certificate itself.

gRPC also offers the URI as text, but hands it through C strings: the text ends at the first NUL, so
that a longer URI arrives as the one of another principal.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from cryptography import x509

_KEPT: Final = 4096
_UNUSABLE: Final = (
    x509.DuplicateExtension,
    x509.ExtensionNotFound,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)


def find_uri(pem: bytes) -> str | None:
    """Returns the one URI among the subject alternative names of a certificate.

    Returns None if the certificate cannot be read, belongs to an authority, or has no URI or
    several. A name of another type (DNS, IP address) says nothing about the caller.
    """
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        extensions = certificate.extensions
        names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        uris = names.get_values_for_type(x509.UniformResourceIdentifier)
        is_authority = _is_authority(extensions)
    except (ValueError, *_UNUSABLE):
        return None
    return uris[0] if len(uris) == 1 and not is_authority else None


def _is_authority(extensions: x509.Extensions) -> bool:
    try:
        return extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


class PeerUris:
    """The URIs of the latest certificates, by the digest of the whole certificate.

    A lookup costs some microseconds, reading a certificate twenty times as much.
    """

    def __init__(self, find: Callable[[bytes], str | None] = find_uri) -> None:
        self._find = find
        self._by_digest: OrderedDict[bytes, str | None] = OrderedDict()

    def of(self, pem: bytes) -> str | None:
        """Returns what `find_uri` returns for the certificate."""
        digest = hashlib.sha256(pem).digest()
        if digest in self._by_digest:
            self._by_digest.move_to_end(digest)
            return self._by_digest[digest]
        uri = self._by_digest[digest] = self._find(pem)
        if len(self._by_digest) > _KEPT:
            self._by_digest.popitem(last=False)
        return uri
