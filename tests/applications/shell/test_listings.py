"""Lists of applications, cases and licenses: summaries, filters, visibility and indexes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, Final, cast
from uuid import UUID

import asyncpg
import msgspec
import pytest
from safeconduct.applications.v1 import model_pb2
from safeconduct.applications.v1 import service_pb2 as pb

from chassis.rpc.authentication import Principal
from chassis.rpc.errors import RpcError
from chassis.rpc.page_tokens import MAX_PAGE_BYTES, PageTokens
from chassis.store.journal import Journal
from chassis.store.list_pages import Lists
from chassis.store.list_query import ListQuery
from chassis.store.migrations import migrate
from chassis.telemetry.tracing import setup
from infra.cache import CHECKOUT
from infra.local.postgres import Database
from services.applications.core.application_details import EndUserStatement, PartyRole
from services.applications.core.model import Application, ApplicationState
from services.applications.shell import listings
from services.applications.shell.application_service import ApplicationServicer
from services.applications.shell.license_service import LicenseServicer
from services.applications.shell.projections import ApplicationStream
from services.applications.shell.review_service import ReviewServicer
from services.applications.shell.stored_texts import StoredTexts
from tests.applications import builders as b
from tests.chassis.callers import acting_as
from tests.chassis.plans import steps_of

OFFICER: Final = Principal("officer", "licensing-1", None, frozenset({"LICENSING_OFFICER"}), 1)
PARTNER: Final = Principal("partner", b.PARTNER, b.PARTNER, frozenset(), 0)
STRANGER: Final = Principal("partner", "example-2", "example-2", frozenset(), 0)
SERVER_MAY_SEND: Final = 4 * 1_048_576
COUNTRIES: Final = b.REFERENCE_DATA.countries


@dataclass(frozen=True, slots=True)
class Services:
    """The servicers that list, on one database."""

    pool: asyncpg.Pool
    applications: ApplicationServicer
    reviews: ReviewServicer
    licenses: LicenseServicer

    async def cases(self, caller: Principal = OFFICER, **request: Any) -> pb.ListCasesResponse:
        with acting_as(caller):
            return await self.reviews.ListCases(pb.ListCasesRequest(**request), None)

    async def found(self, caller: Principal, **request: Any) -> list[int]:
        """Returns the numbers of the applications that the caller lists."""
        asked = pb.ListApplicationsRequest(**request)
        with acting_as(caller):
            page = await self.applications.ListApplications(asked, None)
        return [UUID(each.application_id).int for each in page.summaries]

    async def licensed(self, caller: Principal, **request: Any) -> list[int]:
        """Returns the numbers of the licenses that the caller lists."""
        asked = pb.ListLicensesRequest(**request)
        with acting_as(caller):
            page = await self.licenses.ListLicenses(asked, None)
        return [UUID(each.license_id).int for each in page.summaries]

    async def store(self, *applications: Application) -> None:
        stream = ApplicationStream()
        names = ", ".join(stream.columns)
        places = ", ".join(f"${number}" for number in range(7, 7 + len(stream.columns)))
        for each in applications:
            await self.pool.execute(
                "insert into stream (id, version, state_data, latest_hash, state, traceparent,"
                f" created_at, updated_at, schema, {names})"
                f" values ($1, $2, $3, $4, $5, '', now(), now(), $6, {places})",
                each.application_id,
                each.version,
                msgspec.msgpack.encode(each),
                bytes(32),
                stream.state_name(each),
                stream.schema,
                *stream.index(each),
            )


@pytest.fixture
async def services(database: Database) -> AsyncIterator[Services]:
    folder = CHECKOUT / "services" / "applications" / "migrations"
    migrate(database.owner_dsn, database.app_role, folder)
    pool = await asyncpg.create_pool(database.app_dsn, min_size=0, max_size=2)
    telemetry = setup("applications", "0.0.0", log_level="CRITICAL")
    journal = Journal(pool, ApplicationStream(), telemetry, lambda: None)
    dependencies: Any = SimpleNamespace(
        lists=lambda: Lists(cast("Any", journal), PageTokens([b"k" * 32])),
        mutations=lambda: None,
        reference_data=b.REFERENCE_DATA,
        texts=StoredTexts(cast("Any", journal), ()),
    )
    yield Services(
        pool,
        ApplicationServicer(dependencies),
        ReviewServicer(dependencies),
        LicenseServicer(dependencies),
    )
    await pool.close()


def referred(number: int, **details: Any) -> Application:
    application = b.application_in(ApplicationState.UNDER_REVIEW)
    return replace(
        application,
        application_id=UUID(int=number),
        submitted_at=b.NOW + timedelta(minutes=number),
        details=replace(application.details, **details),
    )


def issued(number: int, days: int) -> Application:
    application = b.approved()
    assert application.license is not None
    license_ = replace(
        application.license,
        license_id=UUID(int=number),
        not_before=b.NOW + timedelta(days=number),
        not_after=b.NOW + timedelta(days=days),
    )
    return replace(application, application_id=UUID(int=number), license=license_)


def numbers(response: pb.ListCasesResponse) -> list[int]:
    return [UUID(each.application.application_id).int for each in response.summaries]


async def test_five_referred_submissions_of_850_kilobytes_fit_a_response(
    services: Services,
) -> None:
    statement = EndUserStatement("end-user", b.NOW, "x" * 850_000)
    await services.store(*(referred(number, end_user_statement=statement) for number in range(5)))

    summaries = await services.cases(filter=pb.CaseFilter())
    first = await services.cases()
    second = await services.cases(page_token=first.next_page_token)

    assert numbers(summaries) == [0, 1, 2, 3, 4]
    assert (summaries.next_page_token, summaries.total_size) == ("", 5)
    assert summaries.ByteSize() < 5_000
    # Clients of the release before read whole cases, as many as fit a page.
    assert first.ByteSize() < MAX_PAGE_BYTES < SERVER_MAY_SEND
    assert [UUID(each.application.application_id).int for each in first.cases] == [0]
    assert [UUID(each.application.application_id).int for each in second.cases] == [1]


async def test_a_summary_is_small_whatever_the_applicant_wrote(services: Services) -> None:
    users = [
        b.party(f"user-{number}", PartyRole.END_USER, name="\u4e2d" * 400) for number in range(20)
    ]
    await services.store(referred(1, parties=(b.APPLICANT, *users)))

    (summary,) = (await services.cases(filter=pb.CaseFilter())).summaries

    assert summary.application.party_count == 21
    assert [len(name) for name in summary.application.end_user_names] == [100, 100, 100]
    assert summary.ByteSize() < MAX_PAGE_BYTES // 200


async def test_cases_are_found_by_party_country_model_rule_and_tier(services: Services) -> None:
    named = b.party(
        "end-user", PartyRole.END_USER, name="Universit\u00e9 de Lom\u00e9", country="TG"
    )
    case = referred(1, parties=(b.APPLICANT, named))
    await services.store(case, referred(2))
    assert case.policy is not None
    rule, tier = case.policy.fired[0].rule_id, case.policy.tier

    async def found(**wanted: Any) -> list[int]:
        return numbers(await services.cases(filter=pb.CaseFilter(**wanted)))

    assert await found(party_name="LOME universite") == [1]
    assert await found(party_name="Lome hospital") == []
    assert await found(country="TG") == [1]
    assert await found(model_id=case.details.items[0].model_id) == [1, 2]
    assert await found(model_id="no-such-model") == []
    assert await found(rule_id=rule, tier=tier) == [1, 2]
    assert await found(tier=3 - tier) == []
    assert await found(partner_id="example-2") == []
    assert await found(state=model_pb2.APPLICATION_STATE_PENDING_COUNTERSIGN) == []


async def test_a_partner_lists_its_own_and_an_officer_those_of_all(services: Services) -> None:
    await services.store(referred(1), replace(referred(2), partner_id="example-2"))
    every, foreign = pb.ApplicationFilter(), pb.ApplicationFilter(partner_id="example-2")

    assert await services.found(PARTNER, filter=every) == [1]
    assert await services.found(STRANGER, filter=every) == [2]
    assert await services.found(OFFICER, filter=every) == [2, 1]
    assert await services.found(OFFICER, filter=foreign) == [2]
    assert await services.found(PARTNER, filter=foreign) == []


async def test_a_total_counts_only_what_the_caller_may_see(services: Services) -> None:
    foreign = [replace(issued(number, days=90), partner_id="example-2") for number in (2, 3)]
    await services.store(issued(1, days=90), *foreign)

    async def totals(caller: Principal) -> tuple[int, int]:
        with acting_as(caller):
            applications = await services.applications.ListApplications(
                pb.ListApplicationsRequest(filter=pb.ApplicationFilter(), page_size=1), None
            )
            licenses = await services.licenses.ListLicenses(
                pb.ListLicensesRequest(filter=pb.LicenseFilter(), page_size=1), None
            )
        return applications.total_size, licenses.total_size

    assert await totals(PARTNER) == (1, 1)
    assert await totals(STRANGER) == (2, 2)
    assert await totals(OFFICER) == (3, 3)


async def test_lists_and_totals_leave_out_the_partner_that_the_officer_belongs_to(
    services: Services,
) -> None:
    foreign = replace(referred(2), partner_id="example-2")
    await services.store(referred(1), foreign, issued(3, days=9))
    affiliated = replace(OFFICER, partner_id=b.PARTNER)

    page = await services.cases(affiliated, filter=pb.CaseFilter())

    assert (numbers(page), page.total_size) == ([2], 1)
    assert await services.found(affiliated, filter=pb.ApplicationFilter()) == [2]
    assert await services.licensed(affiliated, filter=pb.LicenseFilter()) == []
    asked = pb.CaseFilter(partner_id=b.PARTNER)
    assert numbers(await services.cases(affiliated, filter=asked)) == []


async def test_licenses_are_sorted_by_begin_or_end_and_filtered_by_state(
    services: Services,
) -> None:
    await services.store(issued(1, days=90), issued(2, days=60), issued(3, days=120))
    await services.store(referred(4))
    active = pb.LicenseFilter(state=model_pb2.LICENSE_STATE_ACTIVE)
    revoked = pb.LicenseFilter(state=model_pb2.LICENSE_STATE_REVOKED)
    ending = pb.LICENSE_ORDER_ENDING_FIRST

    assert await services.licensed(PARTNER, filter=active) == [3, 2, 1]
    assert await services.licensed(OFFICER, filter=active, order_by=ending) == [2, 1, 3]
    assert await services.licensed(STRANGER, filter=active) == []
    assert await services.licensed(PARTNER, filter=revoked) == []


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"country": "UK"}, "ISO 3166-1 alpha-2"),
        ({"party_name": "--"}, "must have a letter or digit"),
    ],
)
async def test_a_value_that_cannot_match_is_refused_with_the_standard(
    services: Services, wanted: dict[str, str], said: str
) -> None:
    with pytest.raises(RpcError) as refused:
        await services.cases(filter=pb.CaseFilter(**wanted))

    assert refused.value.reason == "VALIDATION_FAILED"
    assert said in refused.value.message


async def test_a_row_of_the_release_before_gets_its_summary_from_the_state(
    services: Services,
) -> None:
    await services.store(referred(1), referred(2))
    stored = await services.cases(filter=pb.CaseFilter())
    await services.pool.execute("update stream set summary = null")

    assert await services.cases(filter=pb.CaseFilter()) == stored


async def fill(database: Database) -> None:
    owner = await asyncpg.connect(database.owner_dsn)
    await owner.execute("""
        insert into stream (id, version, state_data, latest_hash, state, traceparent, created_at,
                            updated_at, schema, partner_id, submitted_at, license_id, licensed_at,
                            license_ends_at, license_state, party_words, countries, model_ids,
                            rule_ids, tier, summary)
        select gen_random_uuid(), 1, '', '', s.state, '', now(), now(), 2,
               'example-' || n % 50, s.at,
               case when s.state = 'APPROVED' then gen_random_uuid() end,
               case when s.state = 'APPROVED' then s.at end,
               case when s.state = 'APPROVED' then s.at + interval '90 days' end,
               case when s.state = 'APPROVED' then 'ACTIVE' end,
               array['word' || n % 3000, 'hospital'], array['KE', 'DE'], array['model-' || n % 900],
               array['rule-' || n % 900],
               case when n % 60 = 1 then 2 else 1 end, ''
          from generate_series(1, 12000) n
          cross join lateral (
            select case when n % 60 = 2 then 'DENIED' else
                     (array['APPROVED', 'UNDER_REVIEW', 'LAPSED', 'APPROVED',
                            'PENDING_COUNTERSIGN'])[1 + n % 5] end as state,
                   timestamptz '2026-01-01' + n * interval '1 minute' as at) s""")
    await owner.execute("vacuum analyze stream")
    await owner.close()


def queries() -> Sequence[tuple[str, ListQuery]]:
    """Returns queries of all lists, filters and orders, each with the index of its first page."""
    review = model_pb2.APPLICATION_STATE_UNDER_REVIEW
    denied = model_pb2.APPLICATION_STATE_DENIED
    own, one = listings.applications, "example-1"

    def case(**wanted: Any) -> ListQuery:
        request = pb.ListCasesRequest(filter=pb.CaseFilter(**wanted))
        return listings.cases(request, OFFICER, COUNTRIES)

    def license_(order_by: Any, caller: Principal) -> ListQuery:
        request = pb.ListLicensesRequest(filter=pb.LicenseFilter(), order_by=order_by)
        return listings.licenses(request, caller, COUNTRIES)

    def application(caller: Principal, **wanted: Any) -> ListQuery:
        request = pb.ListApplicationsRequest(filter=pb.ApplicationFilter(**wanted))
        return own(request, caller, COUNTRIES)

    newest, ending = pb.LICENSE_ORDER_NEWEST_FIRST, pb.LICENSE_ORDER_ENDING_FIRST
    return [
        ("stream_waiting_oldest", case()),
        ("stream_waiting", case(state=review)),
        ("stream_waiting_in_tier", case(tier=2)),
        ("stream_listed_by", case(party_name="word77")),
        ("stream_listed_by", case(rule_id="rule-77")),
        ("stream_licensed_newest", license_(newest, OFFICER)),
        ("stream_licensed", license_(newest, PARTNER)),
        ("stream_license_ends", license_(ending, OFFICER)),
        ("stream_license_ends_of_partner", license_(ending, PARTNER)),
        ("stream_newest", application(OFFICER)),
        ("stream_in_state", application(OFFICER, state=denied)),
        ("stream_of_partner", application(PARTNER)),
        ("stream_of_partner_in_state", application(PARTNER, state=denied)),
        ("stream_of_partner", application(OFFICER, partner_id=one)),
        ("stream_listed_by", application(OFFICER, model_id="model-77")),
    ]


async def test_a_page_of_many_rows_is_read_from_an_index_for_each_filter_and_order(
    services: Services, database: Database
) -> None:
    await fill(database)
    after = (datetime(2026, 1, 5, tzinfo=UTC), UUID(int=0))
    for index, query in queries():
        pages = [query.page(position, 51) for position in (None, after)]
        for steps in [await steps_of(services.pool, page) for page in pages]:
            assert "Seq Scan" not in steps, (index, steps)
        assert index in " ".join(await steps_of(services.pool, pages[0])), index
        # A rare word is found by its own index, and the few rows are sorted.
        if index != "stream_listed_by":
            steps = await steps_of(services.pool, pages[0], avoids_sorting=True)
            assert "Sort" not in steps, (index, steps)
            assert index in " ".join(steps), (index, steps)
