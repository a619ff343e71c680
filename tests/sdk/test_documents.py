"""License documents, verified offline."""

from __future__ import annotations

import base64
import json
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from safeconduct import conduct
from safeconduct.documents import LICENSE_TYPE, MAX_BYTES, InvalidDocumentError, verify

KEY: Final = conduct.generate_key()
KEYS: Final = {"one": conduct.public_bytes(KEY)}
HEADER: Final = {"alg": "Ed25519", "kid": "one", "typ": LICENSE_TYPE}
CLAIMS: Final = {"jti": "a", "items": [{"model_id": "m"}]}


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def raw_json(value: object) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value).encode()


def signed(header: object = HEADER, claims: object = CLAIMS, key: Any = KEY) -> str:
    """A document whose signature is right, with any header and any payload."""
    text = f"{encoded(raw_json(header))}.{encoded(raw_json(claims))}"
    return f"{text}.{encoded(key.sign(text.encode()))}"


def without(name: str) -> dict[str, str]:
    return {key: value for key, value in HEADER.items() if key != name}


def member(text: str) -> bytes:
    """A header with one more member, written as text: a mapping could not hold it twice."""
    return (json.dumps(HEADER)[:-1] + f", {text}}}").encode()


@pytest.mark.parametrize("algorithm", ["Ed25519", "EdDSA"])
def test_a_document_that_a_published_key_signed_verifies_under_both_names_of_its_algorithm(
    algorithm: str,
) -> None:
    found = verify(signed({**HEADER, "alg": algorithm}) + "\n", KEYS)

    assert (found.key_id, found.header["alg"], found.claims) == ("one", algorithm, CLAIMS)


FORGED_HEADERS: Final[dict[str, tuple[object, str]]] = {
    "an empty crit": ({**HEADER, "crit": []}, "'crit'"),
    "a crit with b64": ({**HEADER, "crit": ["b64"], "b64": False}, "'b64'"),
    "b64 false": ({**HEADER, "b64": False}, "'b64'"),
    "b64 true": ({**HEADER, "b64": True}, "'b64'"),
    "a key inside": ({**HEADER, "jwk": {"kty": "OKP"}}, "'jwk'"),
    "an address of keys": ({**HEADER, "jku": "https://keys.example"}, "'jku'"),
    "a certificate inside": ({**HEADER, "x5c": ["AA=="]}, "'x5c'"),
    "an unknown member": ({**HEADER, "level": 1}, "'level'"),
    "two kid": (member('"kid":"one"'), "'kid' twice"),
    "two alg": (member('"alg":"none"'), "'alg' twice"),
    "a member twice inside": (member('"jwk":{"x":1,"x":2}'), "'x' twice"),
    "no alg": (without("alg"), "no 'alg'"),
    "no kid": (without("kid"), "no 'kid'"),
    "no typ": (without("typ"), "no 'typ'"),
    "a kid that is a list": ({**HEADER, "kid": ["one"]}, "'kid' that is not text"),
    "a kid that is a number": ({**HEADER, "kid": 1}, "'kid' that is not text"),
    "an empty kid": ({**HEADER, "kid": ""}, "'kid' without"),
    "a long kid": ({**HEADER, "kid": "one" * 100}, "'kid' without"),
    "another kid": ({**HEADER, "kid": "two"}, "unknown key 'two'; known: one"),
    "the algorithm none": ({**HEADER, "alg": "none"}, "algorithm 'none'"),
    "a symmetric algorithm": ({**HEADER, "alg": "HS256"}, "algorithm 'HS256'"),
    "an algorithm of another curve": ({**HEADER, "alg": "Ed448"}, "algorithm 'Ed448'"),
    "an algorithm in other letters": ({**HEADER, "alg": "ed25519"}, "algorithm 'ed25519'"),
    "an algorithm that is a list": ({**HEADER, "alg": ["EdDSA"]}, "'alg' that is not text"),
    "another type": ({**HEADER, "typ": "JWT"}, "type 'JWT'"),
    "a type of another document": ({**HEADER, "typ": "safeconduct-report+jwt"}, "must be"),
    "a header that is a list": ([HEADER], "not a JSON object"),
    "a header that is no JSON": (b"{'alg': 1}", "not JSON"),
    "a header in another encoding": (json.dumps(HEADER).encode("utf-16"), "not JSON"),
}


@pytest.mark.parametrize(("header", "reason"), FORGED_HEADERS.values(), ids=list(FORGED_HEADERS))
def test_a_header_that_departs_from_the_one_form_is_refused_although_the_signature_is_right(
    header: object, reason: str
) -> None:
    with pytest.raises(InvalidDocumentError, match=reason):
        verify(signed(header), KEYS)


FORGED_CLAIMS: Final[dict[str, tuple[bytes, str]]] = {
    "a claim twice": (b'{"exp":1,"exp":9}', "'exp' twice"),
    "a claim twice, once escaped": (b'{"exp":1,"\\u0065xp":9}', "'exp' twice"),
    "a claim twice deep inside": (b'{"items":[{"m":{"a":1,"a":2}}]}', "'a' twice"),
    "NaN": (b'{"exp":NaN}', "NaN"),
    "Infinity": (b'{"exp":Infinity}', "Infinity"),
    "minus Infinity": (b'{"exp":[-Infinity]}', "Infinity"),
    "a number beyond all bounds": (b'{"exp":1e999}', "1e999"),
    "a number of ten thousand digits": (b'{"exp":' + b"9" * 10_000 + b"}", "not JSON"),
    "a list": (b"[1]", "not a JSON object"),
    "a text": (b'"a"', "not a JSON object"),
    "null": (b"null", "not a JSON object"),
    "nothing": (b"", "not JSON"),
    "two objects": (b"{}{}", "not JSON"),
    "bytes that are not UTF-8": (b'{"a":"\xff"}', "not JSON"),
    "a byte order mark": (b"\xef\xbb\xbf{}", "not JSON"),
    "half a character": (b'{"a":"\\ud800"}', "not JSON"),
    "a hundred thousand levels": (b'{"a":' + b"[" * 100_000, "not JSON"),
}


@pytest.mark.parametrize(("claims", "reason"), FORGED_CLAIMS.values(), ids=list(FORGED_CLAIMS))
def test_claims_that_are_not_one_plain_object_are_refused_although_the_signature_is_right(
    claims: bytes, reason: str
) -> None:
    with pytest.raises(InvalidDocumentError, match=reason):
        verify(signed(claims=claims), KEYS)


def _forged_texts() -> dict[str, str | bytes]:
    document = signed()
    header, payload, signature = document.split(".")
    other = conduct.generate_key()
    return {
        "claims of another document": f"{header}.{encoded(b'{}')}.{signature}",
        "a header of another document": f"{signed({**HEADER, 'alg': 'EdDSA'}).split('.')[0]}"
        f".{payload}.{signature}",
        "the signature of another key": signed(key=other),
        "a cut signature": document[:-6],
        "a signature with zeros behind": f"{header}.{payload}.{signature}AAAA",
        "no signature": f"{header}.{payload}.",
        "two parts": f"{header}.{payload}",
        "four parts": f"{document}.{signature}",
        "detached claims": f"{header}..{signature}",
        "padding": f"{header}.{payload}.{signature}==",
        "a line feed inside": f"{header}.\n{payload}.{signature}",
        "the other base64": document.replace("-", "+").replace("_", "/") + "+",
        "letters that are not ASCII": document + "é",
        "bytes that are not UTF-8": b"\xff\xfe" + document.encode(),
        "NUL": document + "\0",
        "JSON serialization": json.dumps({"payload": payload, "signatures": []}),
        "no JWS": "no jws",
        "nothing": "",
        "more than the bound": document + " " * MAX_BYTES,
    }


@pytest.mark.parametrize("text", _forged_texts().values(), ids=list(_forged_texts()))
def test_a_text_that_is_not_exactly_what_the_key_signed_is_refused(text: str | bytes) -> None:
    with pytest.raises(InvalidDocumentError):
        verify(text, KEYS)


def test_a_document_of_one_kind_does_not_pass_as_another_kind() -> None:
    with pytest.raises(InvalidDocumentError, match="it must be 'safeconduct-other\\+jwt'"):
        verify(signed(), KEYS, "safeconduct-other+jwt")


def test_a_key_that_has_no_32_bytes_verifies_nothing() -> None:
    with pytest.raises(InvalidDocumentError, match="32 bytes"):
        verify(signed(), {"one": KEYS["one"][:31]})


def test_a_license_of_many_names_and_conditions_verifies() -> None:
    claims = {"end_users": ["名" * 400] * 50, "conditions": ["é" * 500] * 60}

    assert verify(signed(claims=json.dumps(claims, ensure_ascii=False).encode()), KEYS)


@given(st.text() | st.binary())
def test_no_text_makes_verification_fail_otherwise_than_by_its_own_error(
    document: str | bytes,
) -> None:
    with pytest.raises(InvalidDocumentError):
        verify(document, KEYS)


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_document_with_any_one_changed_byte_is_refused(place: int, change: int) -> None:
    raw = bytearray(DOCUMENT)
    raw[place % len(raw)] ^= change

    with pytest.raises(InvalidDocumentError):
        verify(bytes(raw), KEYS)


DOCUMENT: Final = signed().encode()

VALUES: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), VALUES, max_size=4))
def test_all_claims_that_json_can_say_once_come_back_as_they_were_signed(
    claims: dict[str, Any],
) -> None:
    assert verify(signed(claims=claims), KEYS).claims == claims


@given(st.dictionaries(st.text(min_size=1), VALUES, min_size=1, max_size=3))
def test_no_header_with_a_further_member_is_accepted(more: dict[str, Any]) -> None:
    header = {**more, **HEADER}

    if header == HEADER:
        verify(signed(header), KEYS)
    else:
        with pytest.raises(InvalidDocumentError):
            verify(signed(header), KEYS)
