"""The end of a command's help: examples and exit codes."""

from __future__ import annotations

from operations.error_messages import INVALID_MEANS, UNAVAILABLE_MEANS


def epilog(success: str, *examples: str, is_offline: bool = False) -> str:
    """Returns the epilog of a command.

    `success` describes the exit code 0, and 1 if the command uses it. `is_offline`: the command
    needs no other system, so it never exits with 6.
    """
    lines = "\n".join(f"  safeconduct {example}" for example in examples)
    codes = [success, INVALID_MEANS, *([] if is_offline else [UNAVAILABLE_MEANS])]
    # \b keeps click from joining the lines of the paragraph.
    return f"\b\nExamples:\n{lines}\n\nExit codes: {'; '.join(codes)}."
