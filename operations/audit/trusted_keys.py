"""The keys that an auditor trusts, from files and by id. A file under audit cannot name them."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec
from safeconduct import conduct
from safeconduct.bounded_file import read_bounded
from safeconduct.errors import KeyFileError

from operations.error_messages import InputError

MAX_BYTES: Final = 1024 * 1024


class _Key(msgspec.Struct, frozen=True, rename="camel"):
    key_id: str
    public_key: bytes


class _Keys(msgspec.Struct, frozen=True):
    keys: tuple[_Key, ...]


@dataclass(frozen=True, slots=True)
class TrustedKeys:
    """Trusted keys: whole ones by id, and ids alone.

    An id is the thumbprint of its key (RFC 7638), so it is enough to trust a key that came from
    elsewhere.
    """

    keys: Mapping[str, bytes] = field(default_factory=dict)
    ids: frozenset[str] = frozenset()

    def trusts(self, key_id: str) -> bool:
        """Returns whether the key with this id is trusted."""
        return key_id in self.keys or key_id in self.ids


def read_trusted_keys(files: Iterable[Path], ids: Iterable[str]) -> TrustedKeys:
    """Returns the keys of all files, and the ids.

    A file is the output of `safeconduct licenses keys --json`, or a PEM file with one Ed25519 key.
    Raises InputError.
    """
    keys: dict[str, bytes] = {}
    for file in files:
        keys |= _read(file)
    return TrustedKeys(keys, frozenset(ids))


def thumbprint(key: bytes) -> str:
    """Returns the RFC 7638 thumbprint of an Ed25519 key (RFC 8037).

    It is the digest of the key as JSON with sorted members and without spaces.
    """
    public = base64url(key)
    return base64url(
        hashlib.sha256(f'{{"crv":"Ed25519","kty":"OKP","x":"{public}"}}'.encode()).digest()
    )


def base64url(raw: bytes) -> str:
    """Returns the bytes in base64url without padding (RFC 7515)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _read(file: Path) -> dict[str, bytes]:
    try:
        content = read_bounded(file, MAX_BYTES)
        if b"-----BEGIN" in content:
            key = conduct.load_public_key(file)
            return {thumbprint(key): key}
        found = msgspec.json.decode(content, type=_Keys).keys
    except OSError as error:
        raise InputError("KEYS", f"cannot read {file}: {error.strerror}") from None
    except KeyFileError as error:
        raise InputError("KEYS", str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(
            "KEYS",
            f"{file} holds no keys: {error}",
            "Write it with: safeconduct licenses keys --json",
        ) from None
    for each in found:
        if thumbprint(each.public_key) != each.key_id:
            raise InputError(
                "KEYS", f"{file}: the id {each.key_id!r} is not the thumbprint of its key"
            )
    return {each.key_id: each.public_key for each in found}
