"""The client against real servers: identity, retries, typed errors, resumed watches."""

# ruff: noqa: ANN001, ANN201, N802 - names and types of the methods are the contract's
from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2
from grpc import aio
from safeconduct.applications.v1 import model_pb2 as model
from safeconduct.applications.v1 import service_pb2 as rpc
from safeconduct.applications.v1 import service_pb2_grpc as stubs
from safeconduct.backoff import Backoff
from safeconduct.client import (
    Client,
    Credentials,
    Endpoints,
    FieldViolation,
    NotConfiguredError,
    SafeconductError,
)
from safeconduct.rpc.calls import Listing
from safeconduct.screening.v1 import model_pb2 as screening
from safeconduct.screening.v1 import service_pb2 as screening_rpc
from safeconduct.screening.v1 import service_pb2_grpc as screening_stubs

from infra.local.certificate_authority import Identity
from tests.sdk.servers import reason, refuse, serving

AN_ID = "5d0c3b1e-8a5f-4c6e-9e57-0a6cf3a7b001"


@dataclass
class Applications(stubs.ApplicationServiceServicer):
    """Answers what the test prepared."""

    failures: list[tuple[object, ...]] = field(default_factory=list)
    request_ids: list[str] = field(default_factory=list)
    metadata: list[dict[str, str]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    streams: list[list[rpc.WatchApplicationsResponse]] = field(default_factory=list)

    async def SubmitApplication(self, request, context):
        self.request_ids.append(request.request_id)
        self.metadata.append(
            {key: value for key, value in context.invocation_metadata() if isinstance(value, str)}
        )
        if self.failures:
            await refuse(context, *self.failures.pop(0))
        return rpc.SubmitApplicationResponse(application=model.Application(application_id=AN_ID))

    async def ListApplications(self, request, context):
        start = int(request.page_token or 0)
        return rpc.ListApplicationsResponse(
            summaries=[
                rpc.ApplicationSummary(application_id=str(number))
                for number in range(start, start + 2)
            ],
            next_page_token=str(start + 2) if start < 4 else "",
            total_size=6,
        )

    async def WatchApplications(self, request, context):
        self.tokens.append(request.resume_token)
        for message in self.streams.pop(0) if self.streams else []:
            await context.write(message)
        await refuse(context, grpc.StatusCode.UNAVAILABLE, "ending", reason("DRAINING"))

    def register(self, server: aio.Server) -> None:
        stubs.add_ApplicationServiceServicer_to_server(self, server)


for _name in (
    "GetApplication",
    "WithdrawApplication",
    "AcceptConductCode",
    "GetApplicationTimeline",
):
    setattr(Applications, _name, getattr(stubs.ApplicationServiceServicer, _name))
Applications.__abstractmethods__ = frozenset()


class Lists(screening_stubs.ListServiceServicer):
    """Ends its first upload after the first message, and answers the second one."""

    ActivateList = GetListStatus = screening_stubs.ListServiceServicer.ActivateList

    def __init__(self) -> None:
        self.uploads: list[list[screening_rpc.ImportListRequest]] = []

    async def ImportList(self, request_iterator, context):
        self.uploads.append([])
        async for request in request_iterator:
            self.uploads[-1].append(request)
            if len(self.uploads) == 1:
                await refuse(context, grpc.StatusCode.UNAVAILABLE, "ending", reason("DRAINING"))
        return screening_rpc.ImportListResponse()

    def register(self, server: aio.Server) -> None:
        screening_stubs.add_ListServiceServicer_to_server(self, server)


@asynccontextmanager
async def calling(
    files: Identity, partner: Credentials, servicer: Applications, **options: object
) -> AsyncIterator[Client]:
    async with (
        serving(files, servicer.register) as port,
        Client(Endpoints(applications=f"127.0.0.1:{port}"), partner, **options) as client,
    ):
        yield client


def message(token: str, *versions: int) -> rpc.WatchApplicationsResponse:
    changes = [rpc.ApplicationChange(application_id=AN_ID, version=version) for version in versions]
    return rpc.WatchApplicationsResponse(changes=changes, resume_token=token)


AWAY = (grpc.StatusCode.UNAVAILABLE, "no database", reason("STORAGE_UNAVAILABLE"))


@pytest.mark.parametrize(
    "away",
    [AWAY, (grpc.StatusCode.CANCELLED, "CANCELLED")],
    ids=["unavailable", "cancelled by the server"],
)
async def test_a_command_keeps_its_request_id_while_the_service_is_unavailable(
    server_files: Identity, partner: Credentials, away: tuple[object, ...]
) -> None:
    servicer = Applications(failures=[away, away])

    async with calling(server_files, partner, servicer) as client:
        application = await client.applications.submit(model.ApplicationDetails())

    assert application.application_id == AN_ID
    assert len(servicer.request_ids) == 3
    assert len(set(servicer.request_ids)) == 1


# gRPC itself makes five attempts.
@pytest.mark.parametrize(
    "away",
    [AWAY, (grpc.StatusCode.CANCELLED, "CANCELLED")],
    ids=["unavailable", "cancelled by the server"],
)
async def test_a_command_is_sent_again_after_grpc_has_given_up(
    server_files: Identity, partner: Credentials, away: tuple[object, ...]
) -> None:
    servicer = Applications(failures=[away] * 7)

    async with calling(server_files, partner, servicer) as client:
        application = await client.applications.submit(model.ApplicationDetails())

    assert application.application_id == AN_ID
    assert len(servicer.request_ids) == 8
    assert len(set(servicer.request_ids)) == 1


async def test_a_command_is_not_sent_again_when_its_time_for_retries_is_over(
    server_files: Identity, partner: Credentials
) -> None:
    servicer = Applications(failures=[AWAY] * 7)

    async with calling(server_files, partner, servicer, retry_seconds=0) as client:
        with pytest.raises(SafeconductError) as away:
            await client.applications.submit(model.ApplicationDetails())

    assert away.value.reason == "STORAGE_UNAVAILABLE"
    assert len(servicer.request_ids) == 5


async def test_another_refusal_is_not_sent_again(
    server_files: Identity, partner: Credentials
) -> None:
    servicer = Applications(failures=[(grpc.StatusCode.ABORTED, "many", reason("CONTENTION"))])

    async with calling(server_files, partner, servicer) as client:
        with pytest.raises(SafeconductError):
            await client.applications.submit(model.ApplicationDetails())

    assert len(servicer.request_ids) == 1


async def test_a_call_above_the_callers_limits_is_sent_again_after_the_time_that_the_server_names(
    server_files: Identity, partner: Credentials
) -> None:
    retry = error_details_pb2.RetryInfo(retry_delay=Duration(nanos=10_000_000))
    limited = (grpc.StatusCode.RESOURCE_EXHAUSTED, "too many", reason("RATE_LIMITED"), retry)
    servicer = Applications(failures=[limited, limited])

    async with calling(server_files, partner, servicer) as client:
        application = await client.applications.submit(model.ApplicationDetails())

    assert application.application_id == AN_ID
    assert len(servicer.request_ids) == 3
    assert len(set(servicer.request_ids)) == 1


async def test_a_message_that_is_too_large_for_grpc_is_not_sent_again(
    server_files: Identity, partner: Credentials
) -> None:
    servicer = Applications(failures=[(grpc.StatusCode.RESOURCE_EXHAUSTED, "too large")])

    async with calling(server_files, partner, servicer) as client:
        with pytest.raises(SafeconductError):
            await client.applications.submit(model.ApplicationDetails())

    assert len(servicer.request_ids) == 1


@pytest.mark.parametrize("text", ["soon", "-1", "inf"])
def test_a_time_for_retries_that_is_no_number_of_seconds_is_named(
    partner_files: Identity, text: str
) -> None:
    files = {
        "SAFECONDUCT_CA": str(partner_files.ca),
        "SAFECONDUCT_CERT": str(partner_files.cert),
        "SAFECONDUCT_KEY": str(partner_files.key),
    }

    with pytest.raises(NotConfiguredError, match="SAFECONDUCT_RETRY_SECONDS must be a number"):
        Client.from_env({**files, "SAFECONDUCT_RETRY_SECONDS": text})


class FirstCallHangs(Applications):
    """Answers every submission but the first one, which waits until it is cancelled."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.cancelled = asyncio.Event(), asyncio.Event()

    async def SubmitApplication(self, request, context):
        if self.begun.is_set():
            return await super().SubmitApplication(request, context)
        self.request_ids.append(request.request_id)
        self.begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.cancelled.set()


async def test_a_call_that_the_caller_cancels_is_not_sent_again(
    server_files: Identity, partner: Credentials
) -> None:
    servicer = FirstCallHangs()

    async with calling(server_files, partner, servicer) as client:
        call = asyncio.ensure_future(client.applications.submit(model.ApplicationDetails()))
        await servicer.begun.wait()
        call.cancel()
        await servicer.cancelled.wait()
        # The next command is retried twice. That takes longer than gRPC waits before a first retry.
        servicer.failures = [AWAY, AWAY]
        await client.applications.submit(model.ApplicationDetails())

    assert call.cancelled()
    assert servicer.request_ids.count(servicer.request_ids[0]) == 1
    assert len(servicer.request_ids) == 4


async def test_an_upload_that_breaks_is_sent_again_from_its_start_with_its_request_id(
    server_files: Identity, partner: Credentials
) -> None:
    servicer = Lists()
    files = {screening.LIST_PART_PRIMARY: b"a list"}

    async with (
        serving(server_files, servicer.register) as port,
        Client(Endpoints(screening=f"127.0.0.1:{port}"), partner) as client,
    ):
        await client.lists.import_list(
            "X", files, format=screening.LIST_FORMAT_CSL_CSV, publication="2026"
        )

    broken, (header, content) = servicer.uploads
    assert broken == [header]
    assert content.content == b"a list"
    assert content.request_id == header.request_id != ""


async def test_an_upload_is_sent_once_without_time_for_retries(
    server_files: Identity, partner: Credentials
) -> None:
    # gRPC itself must not retry it: its retry may lose messages that were already sent.
    servicer = Lists()

    async with (
        serving(server_files, servicer.register) as port,
        Client(Endpoints(screening=f"127.0.0.1:{port}"), partner, retry_seconds=0) as client,
    ):
        with pytest.raises(SafeconductError) as away:
            await client.lists.import_list(
                "X",
                {screening.LIST_PART_PRIMARY: b"a list"},
                format=screening.LIST_FORMAT_CSL_CSV,
                publication="2026",
            )

    assert away.value.code is grpc.StatusCode.UNAVAILABLE
    assert len(servicer.uploads) == 1


async def test_two_commands_have_two_request_ids_and_a_given_one_is_used(
    server_files: Identity, partner: Credentials
) -> None:
    servicer = Applications()

    async with calling(server_files, partner, servicer) as client:
        await client.applications.submit(model.ApplicationDetails())
        await client.applications.submit(model.ApplicationDetails())
        await client.applications.submit(model.ApplicationDetails(), request_id=AN_ID)

    assert len(set(servicer.request_ids)) == 3
    assert servicer.request_ids[-1] == AN_ID


async def test_a_refusal_carries_reason_fields_and_metadata(
    server_files: Identity, partner: Credentials
) -> None:
    bad = error_details_pb2.BadRequest()
    bad.field_violations.add(
        field="details.parties[0].country", reason="string.pattern", description="two letters"
    )
    refused = (
        grpc.StatusCode.INVALID_ARGUMENT,
        "1 field breaks the contract",
        reason("VALIDATION_FAILED", violationCount="1"),
        bad,
    )

    async with calling(server_files, partner, Applications(failures=[refused])) as client:
        with pytest.raises(SafeconductError) as caught:
            await client.applications.submit(model.ApplicationDetails())

    error = caught.value
    assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "VALIDATION_FAILED")
    assert error.message == "1 field breaks the contract"
    assert error.metadata == {"violationCount": "1"}
    assert error.violations == (
        FieldViolation("details.parties[0].country", "string.pattern", "two letters"),
    )
    assert error.retry_after is None


async def test_a_refusal_says_when_to_come_back(
    server_files: Identity, partner: Credentials
) -> None:
    retry = error_details_pb2.RetryInfo(retry_delay=Duration(seconds=1, nanos=500_000_000))
    refused = (grpc.StatusCode.ABORTED, "many writers", reason("CONTENTION"), retry)

    async with calling(server_files, partner, Applications(failures=[refused])) as client:
        with pytest.raises(SafeconductError) as caught:
            await client.applications.submit(model.ApplicationDetails())

    assert caught.value.retry_after == 1.5


async def test_several_replicas_share_the_calls_and_one_that_goes_is_not_missed(
    server_files: Identity, partner: Credentials
) -> None:
    here, there = Applications(), Applications()
    async with (
        serving(server_files, here.register) as one,
        serving(server_files, there.register) as other,
    ):
        async with Client(
            Endpoints(applications=f"127.0.0.1:{one},127.0.0.1:{other}"), partner
        ) as client:
            async with asyncio.timeout(30):
                while not (here.request_ids and there.request_ids):
                    await client.applications.submit(model.ApplicationDetails())
        async with Client(
            Endpoints(applications=f"127.0.0.1:1,127.0.0.1:{other}"), partner
        ) as client:
            answered = await client.applications.submit(model.ApplicationDetails())

    assert answered.application_id == AN_ID


async def test_a_service_that_is_not_there_is_unavailable(partner: Credentials) -> None:
    nowhere = Endpoints(applications="127.0.0.1:1")
    async with Client(nowhere, partner, retry_seconds=0) as client:
        with pytest.raises(SafeconductError) as caught:
            await client.applications.get(AN_ID)

    assert (caught.value.code, caught.value.reason) == (grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE")


async def test_a_call_may_wait_for_a_service_that_comes_up_late(
    server_files: Identity, partner: Credentials
) -> None:
    async with serving(server_files) as port:
        pass  # a port that was free a moment ago
    client = Client(Endpoints(applications=f"127.0.0.1:{port}"), partner, waits_for_ready=True)
    waiting = asyncio.create_task(client.applications.submit(model.ApplicationDetails()))
    await asyncio.sleep(0)

    async with serving(server_files, Applications().register, port=port), client:
        application = await waiting

    assert application.application_id == AN_ID


async def test_without_a_certificate_nobody_gets_in(
    server_files: Identity, partner: Credentials
) -> None:
    stranger = Credentials(ca=partner.ca, cert=b"", key=b"")

    async with calling(server_files, stranger, Applications(), retry_seconds=0) as client:
        with pytest.raises(SafeconductError) as caught:
            await client.applications.submit(model.ApplicationDetails())

    assert caught.value.code is grpc.StatusCode.UNAVAILABLE


async def test_the_callers_trace_goes_along(server_files: Identity, partner: Credentials) -> None:
    servicer = Applications()
    traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    async with calling(
        server_files, partner, servicer, metadata=lambda: [("traceparent", traceparent)]
    ) as client:
        await client.applications.submit(model.ApplicationDetails())

    assert servicer.metadata[0]["traceparent"] == traceparent


async def test_a_list_goes_over_all_pages(server_files: Identity, partner: Credentials) -> None:
    async with calling(server_files, partner, Applications()) as client:
        listing = client.applications.list()
        ids = [application.application_id async for application in listing]

    assert ids == ["0", "1", "2", "3", "4", "5"]
    assert (listing.total_size, listing.has_more_than_total) == (6, False)


async def test_a_service_that_knows_no_filter_is_named_and_its_answer_is_not_shown_as_a_list() -> (
    None
):
    async def fetch(_: str) -> rpc.ListApplicationsResponse:
        return rpc.ListApplicationsResponse(applications=[model.Application()])

    with pytest.raises(SafeconductError, match="SERVICE_TOO_OLD"):
        await anext(Listing(fetch, lambda page: page.summaries))


async def test_a_watch_resumes_after_the_last_token_and_hands_out_every_change_once(
    server_files: Identity, partner: Credentials
) -> None:
    servicer = Applications(
        streams=[[message("t2", 1, 2)], [], [message("t2"), message("t3", 3), message("t5", 4, 5)]]
    )

    async with calling(server_files, partner, servicer) as client:
        watch = client.applications.watch(AN_ID)
        seen = []
        async for change in watch:
            seen.append((change.version, watch.resume_token))
            if change.version == 4:
                break
        await watch.aclose()

    assert seen == [(1, ""), (2, "t2"), (3, "t3"), (4, "t3")]
    assert servicer.tokens == ["", "t2", "t2"]


async def test_a_watch_gives_up_when_its_patience_is_over(partner: Credentials) -> None:
    async with Client(Endpoints(applications="127.0.0.1:1"), partner) as client:
        with pytest.raises(SafeconductError) as caught:
            await anext(client.applications.watch(give_up_after=0.0))

    assert caught.value.code is grpc.StatusCode.UNAVAILABLE


def test_a_missing_setting_is_named_with_how_to_set_it(partner_files: Identity) -> None:
    with pytest.raises(NotConfiguredError, match=r"SAFECONDUCT_CA=FILE\.pem"):
        Client.from_env({})
    with pytest.raises(NotConfiguredError, match=r"SAFECONDUCT_CERT: cannot read nowhere\.pem"):
        Client.from_env(
            {"SAFECONDUCT_CA": str(partner_files.ca), "SAFECONDUCT_CERT": "nowhere.pem"}
        )
    with pytest.raises(NotConfiguredError, match="SAFECONDUCT_SCREENING=HOST:PORT"):
        Endpoints().target("screening")


def test_credentials_do_not_show_their_key(partner: Credentials) -> None:
    assert "PRIVATE" not in repr(partner)


def test_waiting_times_double_up_to_a_limit_and_begin_again() -> None:
    backoff = Backoff(first=0.1, most=1.0)
    waits = [backoff.step() for _ in range(8)]
    backoff.reset()

    assert all(0.05 * 2**step <= wait <= 0.1 * 2**step for step, wait in enumerate(waits[:4]))
    assert all(0.5 <= wait <= 1.0 for wait in waits[4:])
    assert backoff.step() <= 0.1
    assert backoff.step(at_least=3.0) >= 3.0
