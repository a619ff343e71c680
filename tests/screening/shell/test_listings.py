"""The list of hits: its filters and the indexes behind them, on many generated rows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import asyncpg
import pytest
from safeconduct.screening.v1 import model_pb2, service_pb2

from chassis.rpc.authentication import Principal
from chassis.store.migrations import migrate
from infra.local.postgres import Database
from services.screening.shell import listings
from tests.chassis.plans import steps_of
from tests.screening.shell.replica import MIGRATIONS

OFFICER: Final = Principal("officer", "licensing-1", None, frozenset({"LICENSING_OFFICER"}), 1)
AFTER: Final = (datetime(2026, 1, 5, tzinfo=UTC), UUID(int=0))
FILTERS: Final = [
    ("hit_newest", service_pb2.HitFilter()),
    ("hit_in_state", service_pb2.HitFilter(state=model_pb2.HIT_STATE_CONFIRMED)),
    ("hit_of_application", service_pb2.HitFilter(application_id=str(UUID(int=9)))),
    ("hit_of_partner", service_pb2.HitFilter(partner_id="example-1")),
    ("hit_of_list", service_pb2.HitFilter(list_code="LIST-7")),
    ("hit_of_strength", service_pb2.HitFilter(strength=model_pb2.MATCH_STRENGTH_EXACT)),
    ("hit_words", service_pb2.HitFilter(party_name="Word77")),
]


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[asyncpg.Pool]:
    migrate(database.owner_dsn, database.app_role, MIGRATIONS)
    owner = await asyncpg.connect(database.owner_dsn)
    await owner.execute("""
        insert into hit (hit_id, application_id, party_content, entry_content, state, is_judged,
                         found_at, partner_id, list_code, strength, words, summary)
        select gen_random_uuid(), lpad(to_hex(n % 50), 32, '0')::uuid, '', '',
               case when n % 50 = 0 then 'CONFIRMED' else 'OPEN' end, false,
               timestamptz '2026-01-01' + n * interval '1 minute', 'example-' || n % 50,
               'LIST-' || n % 50, case when n % 50 = 0 then 'EXACT' else 'WEAK' end,
               'hospital word' || n % 3000, ''
          from generate_series(1, 12000) n""")
    await owner.execute("vacuum analyze hit")
    await owner.close()
    opened = await asyncpg.create_pool(database.app_dsn, min_size=0, max_size=2)
    yield opened
    await opened.close()


async def test_a_page_of_many_hits_is_read_from_an_index_for_each_filter_and_order(
    pool: asyncpg.Pool,
) -> None:
    for index, wanted in FILTERS:
        for order in service_pb2.HitOrder.values():
            request = service_pb2.ListHitsRequest(filter=wanted, order_by=order)
            query = listings.hits(request, OFFICER)
            first, second = [
                await steps_of(pool, query.page(position, 51)) for position in (None, AFTER)
            ]
            assert index in " ".join(first), (index, first)
            assert "Seq Scan" not in {*first, *second}, (index, first, second)
            # A rare word is found by its own index, and the few rows are sorted.
            if index != "hit_words":
                steps = await steps_of(pool, query.page(None, 51), avoids_sorting=True)
                assert "Sort" not in steps, (index, steps)
                assert index in " ".join(steps), (index, steps)
