"""Lists of cases: summaries, bounded pages, filters, order and the indexes behind them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, Final, cast
from uuid import UUID

import asyncpg
import msgspec
import pytest
from safeconduct.enforcement.v1 import model_pb2
from safeconduct.enforcement.v1 import service_pb2 as pb
from safeconduct.standing import Clause

from chassis.rpc.authentication import Principal
from chassis.rpc.errors import RpcError
from chassis.rpc.page_tokens import MAX_PAGE_BYTES, PageTokens
from chassis.store.migrations import migrate
from infra.cache import CHECKOUT
from infra.local.postgres import Database
from services.enforcement.core.model import ConductReport, LicenseConduct, ReporterKind, Violation
from services.enforcement.shell import listings
from services.enforcement.shell.projections import LicenseStream
from services.enforcement.shell.violation_service import ViolationServicer
from tests.chassis.callers import acting_as
from tests.chassis.plans import steps_of
from tests.enforcement.core import builders as b
from tests.enforcement.shell.test_projections import licenses

OFFICER: Final = Principal("officer", "enforcement-1", None, frozenset({"ENFORCEMENT_OFFICER"}), 1)
ANOTHER: Final = Principal("officer", "enforcement-2", None, frozenset({"ENFORCEMENT_OFFICER"}), 1)
SERVER_MAY_SEND: Final = 4 * 1_048_576
NO_FILTER: Final = pb.ViolationFilter()


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[asyncpg.Pool]:
    folder = CHECKOUT / "services" / "enforcement" / "migrations"
    migrate(database.owner_dsn, database.app_role, folder)
    opened = await asyncpg.create_pool(database.app_dsn, min_size=0, max_size=2)
    yield opened
    await opened.close()


@pytest.fixture
def service(pool: asyncpg.Pool) -> ViolationServicer:
    journal = licenses(pool, LicenseStream())
    dependencies = SimpleNamespace(
        journal=journal, page_tokens=PageTokens([b"k" * 32]), mutations=lambda: None
    )
    return ViolationServicer(cast("Any", dependencies))


async def listed(
    service: ViolationServicer, caller: Principal = OFFICER, **request: Any
) -> pb.ListViolationsResponse:
    with acting_as(caller):
        return await service.ListViolations(pb.ListViolationsRequest(**request), None)


def reported(number: int, digests: int = 1, **case: Any) -> LicenseConduct:
    """Returns a license with one case, reported by the license's own partner."""
    conduct = b.issued(b.report())
    (violation,) = conduct.violations
    license_id, opened_at = UUID(int=number), b.NOW + timedelta(minutes=number)
    report = ConductReport(
        UUID(int=number),
        f"partner/{conduct.partner_id}",
        ReporterKind.SELF_DISCLOSURE,
        tuple(index.to_bytes(32, "big") for index in range(digests)),
        opened_at,
    )
    changed: Violation = replace(
        violation,
        violation_id=UUID(int=number),
        license_id=license_id,
        reports=(report,),
        opened_at=opened_at,
        **case,
    )
    return replace(conduct, license_id=license_id, violations=(changed,))


async def store(pool: asyncpg.Pool, *conducts: LicenseConduct) -> None:
    stream = LicenseStream()
    columns = [name for name, _ in stream.projection.columns]
    values = ", ".join(f"${number}" for number in range(1, len(columns) + 1))
    for conduct in conducts:
        await pool.execute(
            "insert into stream (id, version, state_data, latest_hash, state, traceparent,"
            " created_at, updated_at, schema)"
            " values ($1, $2, $3, $4, 'ACTIVE', '', now(), now(), $5)",
            conduct.license_id,
            conduct.version,
            msgspec.msgpack.encode(conduct),
            bytes(32),
            stream.schema,
        )
        for row in stream.project(conduct):
            await pool.execute(
                f"insert into violation ({', '.join(columns)}) values ({values})", *row
            )


def numbers(response: pb.ListViolationsResponse) -> list[int]:
    return [UUID(each.violation_id).int for each in response.summaries]


async def test_five_licenses_with_large_self_reports_fit_a_response(
    pool: asyncpg.Pool, service: ViolationServicer
) -> None:
    await store(pool, *(reported(number, digests=25_000) for number in range(5)))

    summaries = await listed(service, filter=NO_FILTER)
    first = await listed(service)
    second = await listed(service, page_token=first.next_page_token)

    assert numbers(summaries) == [4, 3, 2, 1, 0]
    assert (summaries.next_page_token, summaries.total_size) == ("", 5)
    assert summaries.ByteSize() < 2_000
    # Clients of the release before read whole cases, as many as fit a page.
    assert sum(each.ByteSize() for each in first.violations) < MAX_PAGE_BYTES < SERVER_MAY_SEND
    assert [len(each.reports[0].evidence_digests) for each in first.violations] == [25_000]
    assert [UUID(each.violation_id).int for each in second.violations] == [3]


async def test_a_summary_has_what_the_officer_needs_to_choose_a_case(
    pool: asyncpg.Pool, service: ViolationServicer
) -> None:
    await store(pool, reported(7))

    (summary,) = (await listed(service, filter=NO_FILTER)).summaries

    assert UUID(summary.license_id).int == 7
    assert summary.partner_id == b.issued().partner_id
    assert summary.report_count == 1
    assert summary.state == model_pb2.VIOLATION_STATE_REPORTED
    assert summary.opened_at == summary.last_reported_at


async def test_a_row_of_the_release_before_gets_its_summary_from_the_state(
    pool: asyncpg.Pool, service: ViolationServicer
) -> None:
    await store(pool, reported(1), reported(2))
    stored = await listed(service, filter=NO_FILTER)
    await pool.execute("update violation set summary = null")

    assert await listed(service, filter=NO_FILTER) == stored


async def test_cases_are_filtered_and_sorted_and_counted_page_by_page(
    pool: asyncpg.Pool, service: ViolationServicer
) -> None:
    await store(pool, *(reported(number) for number in range(4)))
    await store(pool, *(reported(number, clause=Clause.OVER_USE) for number in (4, 5)))
    over_use = pb.ViolationFilter(clause=model_pb2.CLAUSE_OVER_USE)

    oldest = pb.VIOLATION_ORDER_OLDEST_FIRST
    first = await listed(service, filter=NO_FILTER, order_by=oldest, page_size=4)
    rest = await listed(
        service,
        filter=NO_FILTER,
        order_by=oldest,
        page_size=4,
        page_token=first.next_page_token,
    )

    assert (numbers(first), numbers(rest)) == ([0, 1, 2, 3], [4, 5])
    assert (first.total_size, rest.total_size, rest.has_more_than_total) == (6, 6, False)
    assert numbers(await listed(service, filter=over_use)) == [5, 4]
    assert numbers(await listed(service, filter=pb.ViolationFilter(partner_id="other"))) == []
    own = pb.ViolationFilter(partner_id=b.issued().partner_id, license_id=str(UUID(int=3)))
    assert numbers(await listed(service, filter=own)) == [3]


async def test_the_list_and_its_total_leave_out_the_partner_that_the_officer_belongs_to(
    service: ViolationServicer, pool: asyncpg.Pool
) -> None:
    unknown = replace(reported(3), partner_id="")
    await store(pool, reported(1), replace(reported(2), partner_id="example-2"), unknown)
    affiliated = replace(OFFICER, partner_id="example-2")

    page = await listed(service, affiliated, filter=NO_FILTER)
    whole = await listed(service, affiliated)

    assert (numbers(page), page.total_size) == ([1], 1)
    assert [UUID(each.violation_id).int for each in whole.violations] == [1]


@pytest.mark.parametrize(
    ("caller", "change"),
    [
        (ANOTHER, {}),
        (OFFICER, {"order_by": pb.VIOLATION_ORDER_OLDEST_FIRST}),
        (OFFICER, {"filter": pb.ViolationFilter(partner_id="example-1")}),
    ],
)
async def test_a_page_token_is_of_its_caller_filter_and_order(
    pool: asyncpg.Pool, service: ViolationServicer, caller: Principal, change: dict[str, Any]
) -> None:
    await store(pool, *(reported(number) for number in range(3)))
    token = (await listed(service, filter=NO_FILTER, page_size=1)).next_page_token

    with pytest.raises(RpcError) as refused:
        await listed(
            service, caller, **{"filter": NO_FILTER, "page_size": 2, "page_token": token} | change
        )

    assert refused.value.reason == "INVALID_TOKEN"
    assert numbers(await listed(service, filter=NO_FILTER, page_size=2, page_token=token)) == [1, 0]


async def fill(database: Database) -> None:
    owner = await asyncpg.connect(database.owner_dsn)
    await owner.execute("""
        insert into violation (violation_id, license_id, state, opened_at, partner_id, clause,
                               severity, credibility, summary)
        select gen_random_uuid(), lpad(to_hex(n % 50), 32, '0')::uuid,
               (array['REPORTED', 'FOUND', 'CLOSED'])[1 + n % 3],
               timestamptz '2026-01-01' + n * interval '1 minute', 'example-' || n % 50,
               (array['OVER_USE', 'FALSE_STATEMENT'])[1 + n % 2],
               (array['MINOR', 'SERIOUS', null])[1 + n % 3], 'LOW', ''
          from generate_series(1, 15000) n""")
    await owner.execute("analyze violation")
    await owner.close()


FILTERS: Final[Sequence[tuple[pb.ViolationFilter, str]]] = [
    (NO_FILTER, "violation_newest"),
    (pb.ViolationFilter(state=model_pb2.VIOLATION_STATE_REPORTED), "violation_in_state"),
    (pb.ViolationFilter(license_id=str(UUID(int=9))), "violation_of_license"),
    (pb.ViolationFilter(partner_id="example-1"), "violation_of_partner"),
    (pb.ViolationFilter(clause=model_pb2.CLAUSE_OVER_USE), "violation_of_clause"),
    (pb.ViolationFilter(severity=model_pb2.SEVERITY_SERIOUS), "violation_of_severity"),
]


async def test_a_page_is_read_in_order_from_an_index_for_each_filter_and_order(
    pool: asyncpg.Pool, database: Database
) -> None:
    await fill(database)
    after = (datetime(2026, 1, 5, tzinfo=UTC), UUID(int=0))
    for wanted, index in FILTERS:
        for order in pb.ViolationOrder.values():
            request = pb.ListViolationsRequest(filter=wanted, order_by=order)
            query = listings.violations(request, OFFICER)
            for position in (None, after):
                limit, scan = await steps_of(pool, query.page(position, 51))
                assert (limit, scan[:10]) == ("Limit", "Index Scan"), (wanted, order, position)
                assert position or scan == f"Index Scan {index}"


async def test_a_list_of_very_many_cases_is_counted_to_a_bound(
    database: Database, service: ViolationServicer
) -> None:
    await fill(database)
    first = await listed(service, filter=NO_FILTER, page_size=1)
    second = await listed(service, filter=NO_FILTER, page_token=first.next_page_token)

    assert (first.total_size, first.has_more_than_total) == (10_000, True)
    assert (second.total_size, second.has_more_than_total) == (10_000, True)
