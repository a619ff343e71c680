"""Error output of the command: the reason, the fields, the next step, and the exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from safeconduct.cli.terminal_text import json_text, printable

if TYPE_CHECKING:
    from safeconduct.errors import SafeconductError

BROKEN: Final = 1
INVALID: Final = 2
REFUSED: Final = 3
WRONG_STATE: Final = 4
NOT_FOUND: Final = 5
UNAVAILABLE: Final = 6
DENIED: Final = 7
INTERRUPTED: Final = 130

MEANINGS: Final[Mapping[int, str]] = {
    0: "ok",
    BROKEN: "internal error, or a check that failed (audit verify, audit check)",
    INVALID: "invalid input: arguments, file, fields",
    REFUSED: "refused: identity, role, four eyes; keys that are not trusted (audit check)",
    WRONG_STATE: "wrong state, or changed meanwhile",
    NOT_FOUND: "not found",
    UNAVAILABLE: "unavailable, or deadline exceeded",
    DENIED: "denied by the gate",
    INTERRUPTED: "interrupted, or not confirmed",
}
"""The meaning of every exit code."""

EXIT_CODES: Final[Mapping[str, int]] = {
    "INVALID_ARGUMENT": INVALID,
    "OUT_OF_RANGE": INVALID,
    "PERMISSION_DENIED": REFUSED,
    "UNAUTHENTICATED": REFUSED,
    "FAILED_PRECONDITION": WRONG_STATE,
    "ABORTED": WRONG_STATE,
    "ALREADY_EXISTS": WRONG_STATE,
    "NOT_FOUND": NOT_FOUND,
    "UNAVAILABLE": UNAVAILABLE,
    "DEADLINE_EXCEEDED": UNAVAILABLE,
    "RESOURCE_EXHAUSTED": UNAVAILABLE,
    "CANCELLED": UNAVAILABLE,
}
"""Exit code by gRPC status. Every other status is 1: the service broke its contract."""

_UNKNOWN_OUTCOME: Final = (
    "The command may have been carried out. Look, or repeat it with the same --request-id."
)
ADVICE: Final[Mapping[str, str]] = {
    # reasons of every service (safeconduct.options.v1.CommonReason)
    "UNAUTHENTICATED": "Use a certificate of this trust domain: --profile, --cert and --key.",
    "ROLE_MISSING": "Use the certificate of a caller that holds one of the roles named.",
    "VALIDATION_FAILED": "Correct the fields named and send the request again.",
    "MESSAGE_TOO_LARGE": "Make the request smaller.",
    "RECORD_TOO_LARGE": "Make the field named smaller.",
    "REQUEST_ID_REUSED": (
        "Omit --request-id, or repeat exactly the command that it was first used for."
    ),
    "STALE_ETAG": "It changed since you read it: read it again, then decide again.",
    "INVALID_TOKEN": "Start without the token.",
    "STORAGE_UNAVAILABLE": _UNKNOWN_OUTCOME,
    "DRAINING": "This server is shutting down. Try again; another one answers.",
    "SERVER_DEADLINE": _UNKNOWN_OUTCOME,
    "CONTENTION": "Many callers changed it at once. Try again.",
    "INTERNAL": "Give the errorRef to the operators.",
    "SLOW_CONSUMER": "Resume after the last token, and read faster.",
    "NOT_READY": "The service is starting or catching up. Try again in a few seconds.",
    "NEWER_STATE": "An upgrade is under way, and nothing was changed. Try again in a few seconds.",
    "RATE_LIMITED": "Make fewer calls a second, or ask the operators for a higher limit.",
    "TOO_MANY_CALLS": "Make fewer calls at the same time.",
    "TOO_MANY_STREAMS": "Close a watch that you no longer need.",
    "OVERLOADED": "The service has too many callers. Try again in a few seconds.",
    "FIRST_MESSAGE_LATE": "Send the first message as soon as the stream is open.",
    "DATABASE_BUSY": "Nothing was changed. Try again in a few seconds.",
    "PARTNER_UNKNOWN": "Ask the licensing authority to register the partner.",
    "PARTNER_SUSPENDED": "You can still read, report and withdraw. Ask the licensing authority.",
    # reasons of one service (its package's ErrorReason)
    "WRONG_STATE": "allowedCommands lists what is possible now.",
    "NOT_VISIBLE": "Check the id. The resource must belong to you, or your role must include it.",
    "INCONSISTENT_APPLICATION": "Correct the contradiction and submit the application again.",
    "SELF_COUNTERSIGNATURE": "Another officer must countersign.",
    "CONFLICT_OF_INTEREST": "An officer without ties to this partner must do it.",
    "CLEARANCE_TOO_LOW": "An officer of the tier named must do it.",
    "RECOMMENDATION_CHANGED": "Read the case again: another recommendation is pending now.",
    "OPEN_HITS": (
        "Judge the hits first: safeconduct hits list --application ID --state OPEN. Or recommend"
        " again with --override-open-hits and a reason."
    ),
    "REMEMBERED_VERDICT": (
        "Withdraw the verdict of the hit that rememberedHitId names:"
        " safeconduct hits withdraw-verdict ID."
    ),
    "SIGNATURE_INVALID": "Sign with the key that the application names for this signatory.",
    "SIGNATORY_NOT_AUTHORIZED": "A signatory whom the application names as authorized must sign.",
    "CODE_OUT_OF_DATE": "Read the application again and sign the text that it holds now.",
    "SIGNING_KEY_EXPIRED": "The key has expired: submit a new application with a valid key.",
    "SIGNING_TIME_OVER": "Submit a new application and sign it in time.",
    "NOT_FOUND": "Check the id.",
    "GATE_TOO_OLD": "Upgrade the gate: it does not know what a standing requires.",
    "SELF_CONFIRMATION": "Another officer must confirm.",
    "SUSPENDER_CANNOT_REINSTATE": "An officer who did not suspend the license must do it.",
    "PENDING_ACT_DIFFERS": "Read the case again, then confirm or reject what is pending now.",
    "VIOLATIONS_OPEN": "Close the open violations of this license first.",
    "LIST_MATCH_OPEN": (
        "Judge the hits of its application first: safeconduct hits list --application ID."
    ),
    "TOO_MANY_REPORTS": "Give further evidence to an enforcement officer.",
    "LIST_EMPTY": "Download the list again and check the file.",
    "LIST_TRUNCATED": "Download the list again: the file ends too early.",
    "LIST_MALFORMED": "Check that the file has the format named by --format.",
    "LIST_TOO_LARGE": "Import a smaller selection of the list.",
    "LIST_IMPLAUSIBLE": (
        "Compare the file with the publisher's announcement; the active version stays in force."
    ),
    "IMPORT_UNCLEAR": "Set list code, format and publication once, in the first message.",
    "REPORTER_KIND_NOT_ALLOWED": "Use a kind of reporter that your role allows.",
    # no service answered
    "UNAVAILABLE": (
        "Check that the service runs, and that its address and your certificates are right."
    ),
    "DEADLINE_EXCEEDED": _UNKNOWN_OUTCOME,
}
"""The next step, by reason."""


def exit_code(error: SafeconductError) -> int:
    """The exit code of a failed call."""
    if error.reason == "MESSAGE_TOO_LARGE":
        return INVALID
    return EXIT_CODES.get(error.code.name, BROKEN)


def print_refusal(
    error: SafeconductError,
    *,
    as_json: bool,
    findings: Sequence[str] = (),
    position: Callable[[str], str] = str,
) -> None:
    """Prints a failed call on standard error.

    `findings` are results of our own checks of the connection, if it failed. `position` returns the
    place of a field, for instance its line in a file.
    """
    advice = " ".join(findings) or ADVICE.get(error.reason, "")
    if as_json:
        _print_document(
            {
                "code": error.code.name,
                "reason": error.reason,
                "message": error.message,
                "metadata": dict(error.metadata),
                "violations": [
                    {
                        "path": one.path,
                        "position": position(one.path),
                        "reason": one.reason,
                        "description": one.description,
                    }
                    for one in error.violations
                ],
                "retryAfterSeconds": error.retry_after,
                "requestId": error.request_id,
                "advice": advice,
            }
        )
        return
    lines = [f"{error.reason}: {error.message}" if error.message else error.reason]
    lines += [
        f"  {position(one.path)}: {one.description or one.reason}" for one in error.violations
    ]
    lines += [f"  {name}: {value}" for name, value in sorted(error.metadata.items())]
    if error.retry_after is not None:
        lines.append(f"  try again in {error.retry_after:g} s")
    if advice == _UNKNOWN_OUTCOME and error.request_id:
        lines.append(f"  request id: {error.request_id}")
    if findings:
        lines += findings
    elif advice:
        lines.append(advice)
    print(printable("\n".join(lines)), file=sys.stderr)


def print_error(reason: str, lines: Sequence[str], *, as_json: bool) -> None:
    """Prints an error that was found before any service was called, on standard error."""
    if as_json:
        _print_document({"code": "", "reason": reason, "message": "\n".join(lines)})
    else:
        print(printable("\n".join(lines)), file=sys.stderr)


def _print_document(document: Mapping[str, object]) -> None:
    print(json_text({"error": document}), file=sys.stderr)
