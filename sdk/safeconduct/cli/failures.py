"""What a failed command prints and exits with: the reason, the fields, and what to do about it."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Final

import grpc

from safeconduct.cli.plain import plain
from safeconduct.errors import SafeconductError

INVALID, REFUSED, WRONG_STATE, NOT_FOUND, UNAVAILABLE, DENIED, BROKEN, INTERRUPTED = (
    2,
    3,
    4,
    5,
    6,
    7,
    1,
    130,
)

EXIT_CODES: Final[Mapping[grpc.StatusCode, int]] = {
    grpc.StatusCode.INVALID_ARGUMENT: INVALID,
    grpc.StatusCode.OUT_OF_RANGE: INVALID,
    grpc.StatusCode.PERMISSION_DENIED: REFUSED,
    grpc.StatusCode.UNAUTHENTICATED: REFUSED,
    grpc.StatusCode.FAILED_PRECONDITION: WRONG_STATE,
    grpc.StatusCode.ABORTED: WRONG_STATE,
    grpc.StatusCode.ALREADY_EXISTS: WRONG_STATE,
    grpc.StatusCode.NOT_FOUND: NOT_FOUND,
    grpc.StatusCode.UNAVAILABLE: UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED: UNAVAILABLE,
    grpc.StatusCode.RESOURCE_EXHAUSTED: UNAVAILABLE,
    grpc.StatusCode.CANCELLED: UNAVAILABLE,
}
"""Anything else is 1: a broken promise of the service."""

ADVICE: Final[Mapping[str, str]] = {
    # the plumbing of all services
    "UNAUTHENTICATED": "Use a certificate of this trust domain: SAFECONDUCT_CERT and SAFECONDUCT_KEY, or --cert.",
    "ROLE_MISSING": "Use the certificate of somebody who holds one of the roles named.",
    "VALIDATION_FAILED": "Correct the fields named and send it again.",
    "MESSAGE_TOO_LARGE": "Make the request smaller.",
    "REQUEST_ID_REUSED": "Leave the request id out, or repeat exactly the command that it was first used for.",
    "STALE_ETAG": "Somebody changed it meanwhile: read it again, then decide again.",
    "INVALID_TOKEN": "Start without the token.",
    "STORAGE_UNAVAILABLE": "Nothing was changed. Try again in a moment.",
    "DRAINING": "The server is ending. Try again; another one answers.",
    "SERVER_DEADLINE": "It may or may not have happened. Look, or repeat with the same --request-id.",
    "CONTENTION": "Many changed it at once. Try again.",
    "INTERNAL": "Give the errorRef to the operators.",
    "SLOW_CONSUMER": "Resume from the last token, and read faster.",
    "NOT_READY": "The service is starting or catching up. Try again in a moment.",
    # the services
    "WRONG_STATE": "See allowedCommands for what can be done now.",
    "NOT_VISIBLE": "Check the id, and that it belongs to you.",
    "INCONSISTENT_APPLICATION": "Correct what contradicts and submit it again.",
    "SELF_COUNTERSIGNATURE": "Another officer must countersign.",
    "CONFLICT_OF_INTEREST": "An officer who does not belong to this partner must do it.",
    "CLEARANCE_TOO_LOW": "An officer of the tier named must do it.",
    "RECOMMENDATION_CHANGED": "Read the case again: the recommendation is another one now.",
    "SIGNATURE_INVALID": "Sign with the key that the application named for this signatory.",
    "SIGNATORY_NOT_AUTHORIZED": "Somebody whom the application names as authorized must sign.",
    "CODE_OUT_OF_DATE": "Read the application again and sign the text that it holds now.",
    "SIGNING_KEY_EXPIRED": "The key may not be used any more: submit a new application with a valid key.",
    "SIGNING_TIME_OVER": "Submit a new application and sign in time.",
    "NOT_FOUND": "Check the id.",
    "SELF_CONFIRMATION": "Another officer must confirm.",
    "SUSPENDER_CANNOT_REINSTATE": "An officer who did not suspend it must do it.",
    "PENDING_ACT_DIFFERS": "Read the case again: confirm exactly what is pending, or reject it.",
    "VIOLATIONS_OPEN": "Close the open cases of this license first.",
    "LIST_MATCH_OPEN": "Judge the hits of its application first: safeconduct review hits --application ID.",
    "TOO_MANY_REPORTS": "Give an enforcement officer what you have beyond that.",
    "LIST_EMPTY": "Download the list again and check what arrived.",
    "LIST_TRUNCATED": "Download the list again: it ends too early.",
    "LIST_MALFORMED": "Check that the file is what --format says.",
    "LIST_TOO_LARGE": "Import a smaller selection of the list.",
    "LIST_IMPLAUSIBLE": "Compare it with the publisher's announcement; the active version stays.",
    "IMPORT_UNCLEAR": "Say list code, format and publication once, in the first message.",
    "REPORTER_KIND_NOT_ALLOWED": "Name a kind of reporter that you are.",
    # no service answered
    "UNAVAILABLE": "Check that the service runs and that its address and your certificates are right.",
    "DEADLINE_EXCEEDED": "It may or may not have happened. Look, or repeat with the same --request-id.",
}
"""What to do, by reason."""


def exit_code(error: SafeconductError) -> int:
    """The exit code of a failed call."""
    if error.reason == "MESSAGE_TOO_LARGE":
        return INVALID
    return EXIT_CODES.get(error.code, BROKEN)


def print_refusal(error: SafeconductError, *, as_json: bool) -> None:
    """A failed call on standard error."""
    advice = ADVICE.get(error.reason, "")
    if as_json:
        print_error(
            {
                "code": error.code.name,
                "reason": error.reason,
                "message": error.message,
                "metadata": dict(error.metadata),
                "violations": [
                    {"path": one.path, "reason": one.reason, "description": one.description}
                    for one in error.violations
                ],
                "retryAfterSeconds": error.retry_after,
                "advice": advice,
            }
        )
        return
    lines = [f"{error.reason}: {error.message}" if error.message else error.reason]
    lines += [f"  {one.path}: {one.description or one.reason}" for one in error.violations]
    lines += [f"  {name}: {value}" for name, value in sorted(error.metadata.items())]
    if error.retry_after is not None:
        lines.append(f"  try again in {error.retry_after:g} s")
    print(plain("\n".join([*lines, advice] if advice else lines)), file=sys.stderr)


def print_complaint(reason: str, lines: list[str], *, as_json: bool) -> None:
    """Something wrong on this side, before any service was asked."""
    if as_json:
        print_error({"code": "", "reason": reason, "message": "\n".join(lines)})
    else:
        print(plain("\n".join(lines)), file=sys.stderr)


def print_error(document: Mapping[str, object]) -> None:
    """One JSON document on standard error."""
    print(json.dumps({"error": document}, ensure_ascii=False), file=sys.stderr)
