"""Output of a command: JSON for programs, ids for scripts, tables for people.

Imports nothing heavy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from safeconduct.cli.terminal_text import json_text, printable

if TYPE_CHECKING:
    from google.protobuf.message import Message
    from google.protobuf.timestamp_pb2 import Timestamp

TABLE: Final = "table"
JSON: Final = "json"
JSON_LINES: Final = "jsonl"
FORMATS: Final = (TABLE, JSON, JSON_LINES)

M = TypeVar("M", bound="Message")


class FoundPage(Protocol):
    """The first elements of a list, and the size of the whole list."""

    @property
    def elements(self) -> Sequence[Message]: ...  # noqa: D102 - see the class
    @property
    def total_size(self) -> int: ...  # noqa: D102 - as above
    @property
    def has_more_than_total(self) -> bool: ...  # noqa: D102 - True: more than total_size


@dataclass(frozen=True, slots=True)
class Output:
    """Prints the results of one command for programs, in the form that its options name.

    `form` is one of FORMATS. `quiet` prints ids only, one a line, and wins over `form`. Every
    method returns False if people read the output: then the command prints a table, and only then
    imports the table library.
    """

    form: str = TABLE
    quiet: bool = False

    @property
    def is_json(self) -> bool:
        """Whether a program reads JSON."""
        return self.form != TABLE and not self.quiet

    def printed(self, result: Message | Mapping[str, Any], identifier: str = "") -> bool:
        """Prints one result: a message of the contracts, or a document.

        `identifier` is its id for `quiet`.
        """
        if self.quiet:
            if identifier:
                print(printable(identifier))
        elif self.is_json:
            indent = 2 if self.form == JSON else None
            print(json_text(_document(result), indent))
        return self.quiet or self.is_json

    def printed_list(self, name: str, messages: Sequence[M], identify: Callable[[M], str]) -> bool:
        """Prints a list.

        JSON wraps it in an object under `name`; JSON lines holds one element a line.
        """
        if self.quiet:
            for message in messages:
                print(printable(identify(message)))
        elif self.form == JSON_LINES:
            for message in messages:
                print(json_text(proto_json(message)))
        elif self.is_json:
            self.printed({name: [proto_json(message) for message in messages]})
        return self.quiet or self.is_json

    def printed_page(self, name: str, page: FoundPage, identify: Callable[[Any], str]) -> bool:
        """Prints the first elements of a list; JSON has the size of the whole list beside them."""
        if self.form == JSON and not self.quiet:
            return self.printed(
                {
                    name: [proto_json(message) for message in page.elements],
                    "totalSize": page.total_size,
                    "hasMoreThanTotal": page.has_more_than_total,
                }
            )
        return self.printed_list(name, page.elements, identify)

    def printed_event(
        self, result: Message | Mapping[str, Any], identifier: str = "", **more: Any
    ) -> bool:
        """Prints one element of a stream at once, as one line of JSON.

        `more` are further fields.
        """
        if self.quiet:
            print(printable(identifier), flush=True)
        elif self.is_json:
            print(json_text({**_document(result), **more}), flush=True)
        return self.quiet or self.is_json


def _document(result: Message | Mapping[str, Any]) -> Mapping[str, Any]:
    return result if isinstance(result, Mapping) else proto_json(result)


def proto_json(message: Message) -> dict[str, Any]:
    """A message as proto3 JSON. Empty fields are present, so that programs find them."""
    from google.protobuf.json_format import MessageToDict

    document: dict[str, Any] = MessageToDict(message, always_print_fields_with_no_presence=True)
    return document


def time_text(timestamp: Timestamp) -> str:
    """ISO 8601 in UTC, to the second; empty if the timestamp is not set."""
    if not timestamp.seconds and not timestamp.nanos:
        return ""
    return type(timestamp)(seconds=timestamp.seconds).ToJsonString()


def joined(words: Iterable[str]) -> str:
    """The words, separated by commas."""
    return ", ".join(words)
