"""Which applications are compared with the active lists, in table `rescreening_progress`.

An application was compared if it was screened against the index version, or if its row says so for
its present version. An application that changed after its row was written must be compared again:
the replica that screened it may not have loaded the newer lists yet.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Final
from uuid import UUID

from chassis.store.journal import Journal
from chassis.store.stream import StoredStream
from services.screening.core.events import Event
from services.screening.core.evolve import ScreenedApplication

_PAGE: Final = 10_000
_WAITING: Final = """
  from stream s
  left join rescreening_progress p on p.application_id = s.id and p.version = s.version
 where s.kind = 'screening' and s.state in ('SCREENED', 'LICENSED')
   and s.list_version is distinct from $1 and p.list_version is distinct from $1
"""
_NEXT: Final = f"""
select s.id, s.version, coalesce(p.list_version, s.list_version, '') as base {_WAITING}
   and s.id > $2 order by s.id limit $3
"""
_COUNT: Final = f"select count(*) {_WAITING}"
_MARK: Final = """
insert into rescreening_progress (application_id, version, list_version)
select application_id, version, $3 from unnest($1::uuid[], $2::int[]) as r(application_id, version)
on conflict (application_id)
   do update set version = excluded.version, list_version = excluded.list_version
"""
_ONLY_COMPARED: Final = """
where kind = 'screening' and state in ('SCREENED', 'LICENSED')
  and id > $1 and list_version is distinct from $2
  and exists (select from rescreening_progress p
               where p.application_id = id and p.version = stream.version and p.list_version = $2)
order by id limit 1
"""


class RescreeningProgress:
    """Reads and writes the progress. Every method raises RpcError if the database is away."""

    def __init__(self, journal: Journal[ScreenedApplication, Event]) -> None:
        self._journal = journal

    async def count_waiting(self, index_version: str) -> int:
        """Returns the number of monitored applications that wait for a comparison."""
        (row,) = await self._journal.fetch(_COUNT, index_version)
        return int(row["count"])

    async def waiting(self, index_version: str) -> Mapping[str, Mapping[UUID, int]]:
        """Returns the waiting applications with versions, by the index version compared last."""
        by_base: dict[str, dict[UUID, int]] = defaultdict(dict)
        last = UUID(int=0)
        while rows := await self._journal.fetch(_NEXT, index_version, last, _PAGE):
            for row in rows:
                by_base[row["base"]][row["id"]] = row["version"]
            last = rows[-1]["id"]
        return by_base

    async def mark(self, versions: Mapping[UUID, int], index_version: str) -> None:
        """Records that applications, at these versions, were compared with the index version."""
        ids = sorted(versions)
        for start in range(0, len(ids), _PAGE):
            some = ids[start : start + _PAGE]
            await self._journal.fetch(_MARK, some, [versions[each] for each in some], index_version)

    async def next_only_compared(
        self, index_version: str, after: UUID
    ) -> StoredStream[ScreenedApplication] | None:
        """Returns the next application that was compared but not screened in full, or None."""
        found = await self._journal.select(_ONLY_COMPARED, after, index_version)
        return found[0] if found else None
