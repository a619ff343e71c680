"""Keys, signatures and signed documents."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from safeconduct import conduct


def test_a_signature_holds_for_its_text_and_key_only() -> None:
    key, other = conduct.generate_key(), conduct.generate_key()
    signature = conduct.sign(b"the text", key)

    assert len(signature) == 64
    assert conduct.verify(b"the text", signature, conduct.public_bytes(key))
    assert not conduct.verify(b"another text", signature, conduct.public_bytes(key))
    assert not conduct.verify(b"the text", signature, conduct.public_bytes(other))
    assert not conduct.verify(b"the text", b"short", b"short")


def test_a_saved_key_is_its_owners_alone_and_reads_back(tmp_path: Path) -> None:
    key, file = conduct.generate_key(), tmp_path / "new" / "signatory.pem"
    conduct.save_key(key, file)

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert conduct.load_key(file).private_bytes_raw() == key.private_bytes_raw()
    assert conduct.load_public_key(file) == conduct.public_bytes(key)


def test_a_key_is_never_replaced(tmp_path: Path) -> None:
    file = tmp_path / "signatory.pem"
    conduct.save_key(conduct.generate_key(), file)
    before = file.read_bytes()

    with pytest.raises(conduct.KeyFileError, match="never replaced"):
        conduct.save_key(conduct.generate_key(), file)

    assert file.read_bytes() == before


def test_a_public_key_file_serves_an_application(tmp_path: Path) -> None:
    key, file = conduct.generate_key(), tmp_path / "public.pem"
    file.write_bytes(
        key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )

    assert conduct.load_public_key(file) == conduct.public_bytes(key)
    with pytest.raises(conduct.KeyFileError):
        conduct.load_key(file)


def test_files_without_an_ed25519_key_are_refused(tmp_path: Path) -> None:
    curve, nothing = tmp_path / "curve.pem", tmp_path / "nothing.pem"
    nothing.write_text("nothing")
    curve.write_bytes(
        ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )

    for file in (curve, nothing, tmp_path / "nowhere.pem"):
        with pytest.raises(conduct.KeyFileError, match=file.name):
            conduct.load_key(file)
        with pytest.raises(conduct.KeyFileError, match=file.name):
            conduct.load_public_key(file)
