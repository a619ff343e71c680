"""`safeconduct trace`: the timeline of one application over all three services, with its spans."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import click

from safeconduct.cli.connection import call, traces_base
from safeconduct.cli.failures import UNAVAILABLE
from safeconduct.cli.options import example, id_argument, output_options
from safeconduct.cli.output import Output, proto_json
from safeconduct.cli.spans import decode, linked_traces

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from safeconduct.applications.v1 import model_pb2 as model
    from safeconduct.applications.v1 import service_pb2 as applications
    from safeconduct.client import Client
    from safeconduct.enforcement.v1 import service_pb2 as enforcement
    from safeconduct.screening.v1 import service_pb2 as screening

    Entry = (
        applications.ApplicationTimelineEntry
        | screening.ScreeningTimelineEntry
        | enforcement.LicenseTimelineEntry
    )

MOST_TRACES: Final = 100
STORE_SECONDS: Final = 5.0


@dataclass(slots=True)
class Timeline:
    """The events and spans of one application, and the errors of sources that did not answer."""

    application: model.Application
    url_template: str
    entries: list[tuple[str, Entry]] = field(default_factory=list)
    spans: list[dict[str, Any]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def url(self, trace_id: str) -> str:
        """The address of a page that shows the trace, or empty."""
        if not self.url_template or not trace_id:
            return ""
        return self.url_template.replace("{trace_id}", trace_id)


@click.command(epilog=example("trace 5d0c3b1e-8a5f-4c6e-9e57-0a6cf3a7b001"))
@id_argument("application")
@output_options
def command(application_id: str, out: Output) -> None:
    """Show the timeline of an application over all services, with traces and spans.

    Spans come from the store at SAFECONDUCT_TRACES, or at `traces` of the profile. Exits with 6 if
    a service or the store did not answer; the rest is printed.
    """
    timeline = call(lambda client: _collect(client, application_id))
    _add_spans(timeline, traces_base())
    if not out.printed(_document(timeline) if out.is_json else {}, application_id):
        from safeconduct.cli.trace_view import show_timeline

        show_timeline(timeline)
    for error in timeline.errors:
        print(error, file=sys.stderr)
    if timeline.errors:
        raise click.exceptions.Exit(UNAVAILABLE)


async def _collect(client: Client, application_id: str) -> Timeline:
    application, found = await asyncio.gather(
        client.applications.get(application_id), client.applications.timeline(application_id)
    )
    timeline = Timeline(application, found.trace_url_template)
    timeline.entries = [("applications", entry) for entry in found.entries]
    await _add(timeline, "screening", lambda: client.screening.timeline(application_id))
    if license_id := application.license_id:
        await _add(timeline, "enforcement", lambda: client.standing.timeline(license_id))
    timeline.entries.sort(
        key=lambda entry: (entry[1].occurred_at.ToNanoseconds(), entry[0], entry[1].version)
    )
    return timeline


async def _add(timeline: Timeline, service: str, read: Callable[[], Awaitable[Any]]) -> None:
    """Adds the entries of another service.

    If it does not know the application yet, there are none. If it does not answer, that is an error
    of the timeline.
    """
    from safeconduct.errors import SafeconductError

    try:
        found = await read()
    except SafeconductError as error:
        if error.code.name != "NOT_FOUND" and error.reason != "NOT_VISIBLE":
            timeline.errors.append(f"no timeline from {service}: {error}")
        return
    timeline.entries += [(service, entry) for entry in found.entries]


def _add_spans(timeline: Timeline, base: str) -> None:
    """Adds the spans of all traces in the timeline, and of the traces that they link to."""
    if not base:
        return
    waiting = list(dict.fromkeys(entry.trace_id for _, entry in timeline.entries if entry.trace_id))
    seen: set[str] = set()
    try:
        while waiting and len(seen) < MOST_TRACES:
            trace_id = waiting.pop(0)
            seen.add(trace_id)
            found = _fetch(f"{base}/traces/{trace_id}")
            timeline.spans += found
            waiting += sorted(linked_traces(map(decode, found)) - seen - set(waiting))
    except (OSError, ValueError, KeyError, TypeError) as error:
        timeline.errors.append(f"no spans from the store at {base}: {error}")


def _fetch(url: str) -> list[dict[str, Any]]:
    import json
    from urllib.error import HTTPError
    from urllib.request import urlopen

    if not url.startswith(("http://", "https://")):
        raise ValueError("SAFECONDUCT_TRACES must be an http address")
    try:
        with urlopen(url, timeout=STORE_SECONDS) as answer:  # noqa: S310 - the scheme was checked
            found = json.load(answer)
    except HTTPError as error:
        if error.code == 404:
            return []  # not collected yet, or deleted
        raise
    return list(found)


def _document(timeline: Timeline) -> dict[str, Any]:
    return {
        "applicationId": timeline.application.application_id,
        "licenseId": timeline.application.license_id,
        "entries": [
            {"service": service, **proto_json(entry), "traceUrl": timeline.url(entry.trace_id)}
            for service, entry in timeline.entries
        ],
        "spans": timeline.spans,
    }
