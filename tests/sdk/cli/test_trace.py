"""`safeconduct trace`: the timeline of all services and the tree of spans."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from tests.sdk import fake_services as expected
from tests.sdk.cli.running import Command
from tests.sdk.fake_services import (
    APPLICATION,
)


class SpanStore(BaseHTTPRequestHandler):
    """Two traces; the second began later and links to the first."""

    spans: dict[str, list[dict[str, Any]]] = {  # noqa: RUF012 - never changed
        expected.TRACE: [
            {
                "trace_id": expected.TRACE,
                "span_id": "01",
                "parent_span_id": "",
                "name": "SubmitApplication",
                "kind": "SERVER",
                "service": "applications",
                "start_ns": 1_000_000,
                "end_ns": 9_000_000,
                "attributes": {},
                "links": [],
                "status": "OK",
            },
            {
                "trace_id": expected.TRACE,
                "span_id": "02",
                "parent_span_id": "01",
                "name": "process",
                "kind": "CONSUMER",
                "service": "screening",
                "start_ns": 10_000_000,
                "end_ns": 14_500_000,
                "attributes": {},
                "links": [],
                "status": "ERROR",
            },
        ],
        expected.LATER_TRACE: [
            {
                "trace_id": expected.LATER_TRACE,
                "span_id": "03",
                "parent_span_id": "",
                "name": "AcceptConductCode",
                "kind": "SERVER",
                "service": "applications",
                "start_ns": 50_000_000,
                "end_ns": 52_000_000,
                "attributes": {},
                "links": [{"trace_id": expected.TRACE, "span_id": "02"}],
                "status": "UNSET",
            },
        ],
    }

    def do_GET(self) -> None:
        body = json.dumps(self.spans.get(self.path.removeprefix("/traces/"), [])).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Silence."""


@pytest.fixture
def span_store() -> Any:
    server = ThreadingHTTPServer(("127.0.0.1", 0), SpanStore)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


async def test_a_trace_is_the_timeline_of_all_services_and_the_tree_of_their_spans(
    command: Command, span_store: str
) -> None:
    told = await command("trace", APPLICATION, SAFECONDUCT_TRACES=span_store)
    as_json = await command("trace", APPLICATION, "--json", SAFECONDUCT_TRACES=span_store)

    assert told.code == 0, told.err
    assert [line.split()[2] for line in told.out.splitlines()[1:4]] == [
        "ApplicationSubmitted",
        "ScreeningCompleted",
        "LicenseIssued",
    ]
    assert f"http://viewer/#{expected.TRACE}" in told.out
    assert "applications SubmitApplication 8.0 ms at +0.0 ms" in told.out
    assert "└── screening process 4.5 ms at +9.0 ms ERROR" in told.out
    assert "    └── linked applications AcceptConductCode 2.0 ms at +49.0 ms" in told.out
    assert [entry["service"] for entry in as_json.json["entries"]] == [
        "applications",
        "screening",
        "applications",
    ]
    assert len(as_json.json["spans"]) == 3


async def test_a_service_that_does_not_answer_leaves_a_gap_that_is_named(command: Command) -> None:
    ran = await command("trace", APPLICATION, "--screening", "127.0.0.1:1")

    assert ran.code == 6
    assert "ApplicationSubmitted" in ran.out
    assert "no timeline from screening" in ran.err
