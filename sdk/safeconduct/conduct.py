"""The end user's signature under the code of conduct: Ed25519 over the acceptance text.

Needs the extra `sign`. The key belongs to the end user's signatory; the application names its
public half only.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from safeconduct.bounded_file import KEY_BYTES, read_bounded
from safeconduct.errors import KeyFileError

if TYPE_CHECKING:
    from safeconduct.applications.v1.model_pb2 import Application

__all__ = [
    "KeyFileError",
    "generate_key",
    "load_key",
    "load_public_key",
    "public_bytes",
    "save_key",
    "sign",
    "text_of",
    "verify",
]


def generate_key() -> Ed25519PrivateKey:
    """A new signing key for a signatory."""
    return Ed25519PrivateKey.generate()


def text_of(application: Application, party_id: str) -> bytes:
    """The text that this party of the application signs. Raises LookupError with the others' ids.

    A service of an earlier release has one text, for the first party that may sign.
    """
    texts = {each.party_id: each.acceptance_text for each in application.signatory_texts}
    if not texts:
        return application.acceptance_text
    if party_id not in texts:
        raise LookupError(", ".join(texts))
    return texts[party_id]


def sign(acceptance_text: bytes, key: Ed25519PrivateKey) -> bytes:
    """The signature, 64 bytes, over exactly these bytes: the text of the signatory."""
    return key.sign(acceptance_text)


def verify(acceptance_text: bytes, signature: bytes, public_key: bytes) -> bool:
    """Returns whether this public key (32 bytes) verifies the signature over these bytes."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, acceptance_text)
    except (InvalidSignature, ValueError):
        return False
    return True


def public_bytes(key: Ed25519PrivateKey | Ed25519PublicKey) -> bytes:
    """The public half, 32 bytes, as `SigningAuthority.public_key` takes it."""
    public = key.public_key() if isinstance(key, Ed25519PrivateKey) else key
    return public.public_bytes_raw()


def save_key(key: Ed25519PrivateKey, file: str | Path) -> None:
    """Writes the key into a new file as PKCS #8 PEM that only its owner can read.

    Raises KeyFileError if the file exists or cannot be written: replacing a key would end
    signatures under it.
    """
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    try:
        Path(file).parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        message = f"{file} exists; a key is never replaced"
        raise KeyFileError(message) from error
    except OSError as error:
        message = f"cannot write {file}: {error.strerror}"
        raise KeyFileError(message) from error
    with os.fdopen(handle, "wb") as out:
        out.write(pem)


def load_key(file: str | Path) -> Ed25519PrivateKey:
    """The private key in a PEM file. Raises KeyFileError."""
    try:
        key = serialization.load_pem_private_key(_content(file), password=None)
    except (ValueError, TypeError) as error:
        message = f"{file} holds no unencrypted private key in PEM"
        raise KeyFileError(message) from error
    if not isinstance(key, Ed25519PrivateKey):
        message = f"{file} holds another kind of key; an Ed25519 key is needed"
        raise KeyFileError(message)
    return key


def load_public_key(file: str | Path) -> bytes:
    """The public key, 32 bytes, in a PEM file with the public or the private half.

    Raises KeyFileError.
    """
    content = _content(file)
    if b"PRIVATE KEY" in content:
        return public_bytes(load_key(file))
    try:
        key = serialization.load_pem_public_key(content)
    except ValueError as error:
        message = f"{file} holds no key in PEM"
        raise KeyFileError(message) from error
    if not isinstance(key, Ed25519PublicKey):
        message = f"{file} holds another kind of key; an Ed25519 key is needed"
        raise KeyFileError(message)
    return public_bytes(key)


def _content(file: str | Path) -> bytes:
    try:
        return read_bounded(file, KEY_BYTES)
    except OSError as error:
        message = f"cannot read {file}: {error.strerror}"
        raise KeyFileError(message) from error
