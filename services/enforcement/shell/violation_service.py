"""ViolationService: what enforcement officers ask."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol, TypeVar
from uuid import UUID, uuid4

from google.protobuf.message import Message
from safeconduct.enforcement.v1 import model_pb2, service_pb2_grpc
from safeconduct.enforcement.v1 import service_pb2 as pb

from chassis.rpc.authentication import Principal, current_principal
from chassis.rpc.errors import RefusalLike, rpc_error
from chassis.rpc.page_tokens import PageTokens, page_size
from chassis.store.idempotency import IdempotencyKey
from chassis.store.journal import Journal
from chassis.store.stream import check_etag, etag_of
from chassis.telemetry.tracing import annotate
from services.enforcement.core.commands import Command, Officer, Reinstate
from services.enforcement.core.decide import decide
from services.enforcement.core.errors import not_found
from services.enforcement.core.events import Event
from services.enforcement.core.evolve import LicenseConduct
from services.enforcement.shell import codec
from services.enforcement.shell.event_handlers import utc_now

M = TypeVar("M", bound=Message)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class _Mutation(Protocol):
    """What the requests of this service have in common."""

    etag: str
    validate_only: bool


class ViolationServicer(service_pb2_grpc.ViolationServiceServicer):
    """The officers' desk."""

    def __init__(
        self,
        journal: Journal[LicenseConduct, Event],
        tokens: PageTokens,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._journal, self._tokens, self._clock = journal, tokens, clock

    async def ListViolations(
        self, request: pb.ListViolationsRequest, context: Any
    ) -> pb.ListViolationsResponse:
        """Newest first."""
        state = codec.violation_state(request.state)
        license_id = UUID(request.license_id) if request.license_id else None
        purpose = f"ListViolations/{current_principal().name}/{state}/{license_id}"
        size = page_size(request.page_size)
        found = await self._find(
            state, license_id, self._behind(purpose, request.page_token), size + 1
        )
        page = found[:size]
        return pb.ListViolationsResponse(
            violations=page,
            next_page_token=self._tokens.seal(purpose, _place(page[-1]))
            if len(found) > size
            else "",
        )

    async def GetViolation(
        self, request: pb.GetViolationRequest, context: Any
    ) -> pb.GetViolationResponse:
        """One case with the standing of its license."""
        violation_id = UUID(request.violation_id)
        current = await self._journal.read(await self._license_of(violation_id))
        assert current is not None, "a case is stored with its license"
        return pb.GetViolationResponse(
            violation=_case(current.state, violation_id),
            standing=codec.standing(current.state.known_standing),
        )

    async def RecordFinding(
        self, request: pb.RecordFindingRequest, context: Any
    ) -> pb.RecordFindingResponse:
        """Proposes, confirms or rejects a finding."""
        command = codec.record_finding(request, _officer(current_principal()))
        return await self._change(
            await self._license_of(command.violation_id),
            request,
            "RecordFinding",
            command,
            lambda conduct: pb.RecordFindingResponse(
                violation=_case(conduct, command.violation_id)
            ),
            pb.RecordFindingResponse,
        )

    async def ImposeMeasure(
        self, request: pb.ImposeMeasureRequest, context: Any
    ) -> pb.ImposeMeasureResponse:
        """Warns, or proposes, confirms or rejects what stops access."""
        command = codec.impose_measure(request, _officer(current_principal()), uuid4())
        return await self._change(
            await self._license_of(command.violation_id),
            request,
            "ImposeMeasure",
            command,
            lambda conduct: pb.ImposeMeasureResponse(
                violation=_case(conduct, command.violation_id),
                standing=codec.standing(conduct.known_standing),
            ),
            pb.ImposeMeasureResponse,
        )

    async def Reinstate(self, request: pb.ReinstateRequest, context: Any) -> pb.ReinstateResponse:
        """Proposes or confirms that a suspended license holds again."""
        return await self._change(
            UUID(request.license_id),
            request,
            "Reinstate",
            Reinstate(_officer(current_principal()), request.rationale),
            lambda conduct: pb.ReinstateResponse(
                standing=codec.standing(conduct.known_standing),
                awaits_confirmation=conduct.reinstatement is not None,
                etag=etag_of(conduct.version),
            ),
            pb.ReinstateResponse,
        )

    async def _change(
        self,
        license_id: UUID,
        request: _Mutation,
        method: str,
        command: Command,
        respond: Callable[[LicenseConduct], M],
        response_type: type[M],
    ) -> M:
        """One command of an officer on one license."""
        principal = current_principal()
        annotate({"license.id": str(license_id)})

        def judge(conduct: LicenseConduct | None) -> tuple[Event, ...] | RefusalLike:
            if conduct is not None:
                check_etag(request.etag, conduct.version)
            return decide(conduct, command, self._clock())

        assert isinstance(request, Message)
        answer = await self._journal.execute(
            license_id,
            IdempotencyKey.of_request(principal.name, method, request),
            principal.name,
            judge,
            respond,
            response_type,
            dry_run=request.validate_only,
        )
        assert answer is not None
        return answer

    async def _license_of(self, violation_id: UUID) -> UUID:
        """The license that a case is about, which never changes. Raises Refused NOT_FOUND."""
        annotate({"violation.id": str(violation_id)})
        rows = await self._journal.fetch(
            "select license_id from violation where violation_id = $1", violation_id
        )
        if not rows:
            raise rpc_error(not_found("case"))
        license_id: UUID = rows[0]["license_id"]
        return license_id

    async def _find(
        self,
        state: str | None,
        license_id: UUID | None,
        behind: tuple[datetime, UUID] | None,
        limit: int,
    ) -> list[model_pb2.Violation]:
        moment, last = behind or (None, None)
        rows = await self._journal.fetch(
            _query(state, license_id), moment, last, limit, *_given(state, license_id)
        )
        streams = await self._journal.select(
            "where id = any($1::uuid[])", list({row["license_id"] for row in rows})
        )
        conducts = {each.id: each.state for each in streams}
        return [_case(conducts[row["license_id"]], row["violation_id"]) for row in rows]

    def _behind(self, purpose: str, token: str) -> tuple[datetime, UUID] | None:
        """The last case of the page before. Raises Refused INVALID_TOKEN."""
        if not token:
            return None
        micros, last = self._tokens.open(purpose, token)
        return _EPOCH + int(micros) * _MICROSECOND, UUID(str(last))


def _given(state: str | None, license_id: UUID | None) -> list[object]:
    return [value for value in (state, license_id) if value is not None]


def _query(state: str | None, license_id: UUID | None) -> str:
    """A query that walks the index made for what is asked: of all, of a state, of a license."""
    columns = [
        name for name, value in (("state", state), ("license_id", license_id)) if value is not None
    ]
    asked = "".join(f" and {name} = ${number}" for number, name in enumerate(columns, 4))
    return (
        "select violation_id, license_id from violation"  # noqa: S608 - column names of this function
        f" where ($1::timestamptz is null or (opened_at, violation_id) < ($1, $2::uuid)){asked}"
        " order by opened_at desc, violation_id desc limit $3"
    )


def _place(case: model_pb2.Violation) -> tuple[int, str]:
    stamp = case.opened_at
    return stamp.seconds * 1_000_000 + stamp.nanos // 1_000, case.violation_id


def _case(conduct: LicenseConduct, violation_id: UUID) -> model_pb2.Violation:
    case = conduct.violation(violation_id)
    assert case is not None, "the row of a case is written with its license"
    return codec.violation(case, conduct.version)


def _officer(principal: Principal) -> Officer:
    return Officer(principal.id, principal.partner_id)
