"""`safeconduct trace`: everything that happened to one application, over all three services, with its spans."""

from __future__ import annotations

import asyncio
import json as json_format
import sys
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Annotated, Any, Final

import grpc
import typer
from rich.text import Text
from rich.tree import Tree

from safeconduct.applications.v1 import model_pb2 as model
from safeconduct.applications.v1 import service_pb2 as applications
from safeconduct.cli.connection import call, traces_base
from safeconduct.cli.failures import UNAVAILABLE
from safeconduct.cli.names import short
from safeconduct.cli.output import (
    Json,
    coloured,
    example,
    moment,
    print_json,
    proto_json,
    rows,
    show,
)
from safeconduct.cli.plain import plain
from safeconduct.cli.spans import Branch, Span, decode, linked_traces, tree
from safeconduct.client import Client
from safeconduct.enforcement.v1 import service_pb2 as enforcement
from safeconduct.errors import SafeconductError
from safeconduct.screening.v1 import service_pb2 as screening

Entry = (
    applications.ApplicationTimelineEntry
    | screening.ScreeningTimelineEntry
    | enforcement.LicenseTimelineEntry
)

MOST_TRACES: Final = 100
STORE_SECONDS: Final = 5.0


@dataclass(slots=True)
class Story:
    """What the services and the span store told, and who of them did not answer."""

    application: model.Application
    url_template: str
    entries: list[tuple[str, Entry]] = field(default_factory=list)
    spans: list[dict[str, Any]] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)

    def url(self, trace_id: str) -> str:
        """Where the trace is shown, or empty."""
        return (
            self.url_template.replace("{trace_id}", trace_id)
            if self.url_template and trace_id
            else ""
        )


def trace(
    application_id: Annotated[str, typer.Argument(metavar="APPLICATION", help="Application id.")],
    json: Json = False,
) -> None:
    """Show the timeline of an application over all services, with links to its traces, and the tree of its spans.

    Spans come from the store at SAFECONDUCT_TRACES, if that is set.
    """
    story = call(lambda client: _tell(client, application_id))
    _add_spans(story, traces_base())
    if json:
        print_json(_document(story))
    else:
        _show(story)
    for silent in story.silent:
        print(silent, file=sys.stderr)
    if story.silent:
        raise typer.Exit(UNAVAILABLE)


trace_epilog: Final = example("trace 5d0c3b1e-8a5f-4c6e-9e57-0a6cf3a7b001")


async def _tell(client: Client, application_id: str) -> Story:
    application, timeline = await asyncio.gather(
        client.applications.get(application_id), client.applications.timeline(application_id)
    )
    story = Story(application, timeline.trace_url_template)
    story.entries = [("applications", entry) for entry in timeline.entries]
    await _add(story, "screening", lambda: client.screening.timeline(application_id))
    if application.license_id:
        await _add(story, "enforcement", lambda: client.standing.timeline(application.license_id))
    story.entries.sort(
        key=lambda entry: (entry[1].occurred_at.ToNanoseconds(), entry[0], entry[1].version)
    )
    return story


async def _add(story: Story, service: str, ask: Callable[[], Awaitable[Any]]) -> None:
    """The timeline of another service; that it knows nothing yet, or does not answer, does not stop the story."""
    try:
        timeline = await ask()
    except SafeconductError as error:
        if error.code is not grpc.StatusCode.NOT_FOUND and error.reason != "NOT_VISIBLE":
            story.silent.append(f"{service} did not tell its part: {error}")
        return
    story.entries += [(service, entry) for entry in timeline.entries]


def _add_spans(story: Story, base: str) -> None:
    if not base:
        return
    wanted = list(dict.fromkeys(entry.trace_id for _, entry in story.entries if entry.trace_id))
    seen: set[str] = set()
    try:
        while wanted and len(seen) < MOST_TRACES:
            trace_id = wanted.pop(0)
            seen.add(trace_id)
            found = _fetch(f"{base}/traces/{trace_id}")
            story.spans += found
            wanted += sorted(linked_traces(map(decode, found)) - seen - set(wanted))
    except (OSError, ValueError, KeyError, TypeError) as error:
        story.silent.append(f"the span store at {base} did not answer as it should: {error}")


def _fetch(url: str) -> list[dict[str, Any]]:
    if not url.startswith(("http://", "https://")):
        raise ValueError("SAFECONDUCT_TRACES must be an http address")
    try:
        with urllib.request.urlopen(url, timeout=STORE_SECONDS) as answer:  # noqa: S310 - the scheme was checked
            found = json_format.load(answer)
    except urllib.error.HTTPError as error:
        if error.code == HTTPStatus.NOT_FOUND:
            return []  # not collected, or not any more
        raise
    return list(found)


def _document(story: Story) -> dict[str, Any]:
    return {
        "applicationId": story.application.application_id,
        "licenseId": story.application.license_id,
        "entries": [
            {"service": service, **proto_json(entry), "traceUrl": story.url(entry.trace_id)}
            for service, entry in story.entries
        ],
        "spans": story.spans,
    }


def _show(story: Story) -> None:
    lines = [
        (
            moment(entry.occurred_at),
            service,
            entry.event_type,
            coloured(_state(entry)),
            entry.actor,
            entry.trace_id,
        )
        for service, entry in story.entries
    ]
    show(rows(("TIME", "SERVICE", "EVENT", "STATE", "ACTOR", "TRACE"), lines))
    links = dict.fromkeys(story.url(entry.trace_id) for _, entry in story.entries)
    show("", *(Text(link, style="dim", overflow="fold") for link in links if link))
    for root in tree(map(decode, story.spans)):
        show("", _rendered(root))


def _state(entry: Entry) -> str:
    return (
        short(model.ApplicationState, entry.state)
        if isinstance(entry, applications.ApplicationTimelineEntry)
        else ""
    )


def _rendered(root: Branch) -> Tree:
    begun = root.span.start_ns

    def grow(branch: Branch, into: Tree | None) -> Tree:
        label = _label(branch, begun)
        grown = Tree(label) if into is None else into.add(label)
        for child in branch.children:
            grow(child, grown)
        return grown

    return grow(root, None)


def _label(branch: Branch, begun: int) -> Text:
    span: Span = branch.span
    return Text.assemble(
        ("linked " if branch.is_linked else "", "cyan"),
        (plain(span.service), "bold"),
        f" {plain(span.name)} ",
        (f"{span.milliseconds:.1f} ms", "green"),
        (f" at +{(span.start_ns - begun) / 1_000_000:.1f} ms", "dim"),
        (" ERROR" if span.is_error else "", "red"),
    )
