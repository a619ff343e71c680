"""The invariants that hold after a run, whatever was injected.

Each invariant is a pure function from the evidence to its violations; without a violation it holds.
The report names an invariant by its docstring.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tests.faults.fault_injector import InjectedExit, ProcessExit
from tests.faults.gates import Allowed
from tests.faults.injected_records import Poison, Refused
from tests.faults.scenario_load import Kind, ScenarioRecord

FINAL: Final = frozenset(
    {"ApplicationApproved", "ApplicationDenied", "ApplicationWithdrawn", "ApplicationLapsed"}
)
STANDING_TOPIC: Final = "safeconduct.standing.v1"
CLOCK_TOLERANCE_NS: Final = 50_000_000
"""Covers the time between PostgreSQL's commit timestamp and the end of the commit, and between two
clock readings."""


@dataclass(frozen=True, slots=True)
class Event:
    """An event as stored."""

    stream_id: str
    version: int
    event_id: str
    name: str
    digest: str
    """SHA-256 of the payload, hexadecimal."""
    hash: str


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream as stored, and as the fold of its events."""

    service: str
    id: str
    version: int
    head: str
    state_name: str
    events: tuple[Event, ...]
    broken_at: tuple[int, ...]
    """Versions at which the hash chain is broken."""
    stored: Any
    rebuilt: Any
    columns: tuple[object, ...]
    rebuilt_columns: tuple[object, ...]
    projected: frozenset[tuple[object, ...]]
    rebuilt_projected: frozenset[tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class PublishedRecord:
    """A record that a service published; copies are included.

    `is_injected`: the copy was sent by the run, perhaps to a topic that was recreated meanwhile.
    """

    topic: str
    partition: int
    offset: int
    key: str
    event_id: str
    subject: str
    version: int
    name: str
    digest: str
    is_injected: bool = False


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A dead letter with origin, consumer group and reason. `group` is empty if none is named."""

    topic: str
    partition: int
    offset: int
    group: str
    reason: str


@dataclass(frozen=True, slots=True)
class ParkedEvent:
    """An event that a service has parked, by its stream at the publisher."""

    service: str
    source: str
    stream_id: str
    version: int
    reason: str


@dataclass(frozen=True, slots=True)
class Order:
    """An order that ended access; the commit time is boot-time nanoseconds."""

    license_id: str
    committed_ns: int
    lease_s: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that was collected after the run."""

    records: Sequence[ScenarioRecord]
    streams: Sequence[Stream]
    screenings: Mapping[str, frozenset[str]]
    """Ids of the stored screenings by application id."""
    published: Sequence[PublishedRecord]
    recalled: Mapping[str, int]
    """Standing version by license id that a new replica reads after compaction."""
    outbox: Mapping[str, int]
    """Unpublished events by service."""
    lag: Mapping[str, int]
    """Consumer lag by group."""
    dead_letters: Sequence[DeadLetter]
    poisons: Sequence[Poison]
    parked: Sequence[ParkedEvent]
    refused: Sequence[Refused]
    """Injected events that must be parked. A copy is listed too."""
    orders: Sequence[Order]
    allowed: Sequence[Allowed]
    last_words: Mapping[str, frozenset[str]]
    """Verdicts of the gates at the end, by license id."""
    served: Mapping[str, int]
    """Calls and records by name of the replica."""
    process_exits: Sequence[ProcessExit]
    injected_exits: Sequence[InjectedExit]
    followed: Mapping[str, Sequence[int]]
    """Versions that the partners' watches delivered, in order, by application id."""
    is_standing_topic_new: bool = False
    """True if the topic was deleted and created in the run: it lacks the standings before that."""
    by_service: Mapping[str, Mapping[str, Stream]] = field(init=False)

    def __post_init__(self) -> None:
        found: dict[str, dict[str, Stream]] = defaultdict(dict)
        for stream in self.streams:
            found[stream.service][stream.id] = stream
        object.__setattr__(self, "by_service", found)

    def application(self, record: ScenarioRecord) -> Stream | None:
        """Returns the stored application of a scenario, or None."""
        return self.by_service.get("applications", {}).get(record.application_id)


def every_scenario_ended(evidence: Evidence) -> Iterator[str]:
    """every scenario ended"""
    for record in evidence.records:
        if not record.is_done:
            at = record.application_id or "not acknowledged"
            yield (
                f"scenario {record.number} ({record.kind}, {at}) did not end:"
                f" {record.fault or 'still waiting'}"
            )


_ENDS: Final = {
    Kind.APPROVED: ("APPROVED", "ApplicationApproved"),
    Kind.REFERRED: ("APPROVED", "ApplicationApproved"),
    Kind.DENIED: ("DENIED", "ApplicationDenied"),
    Kind.WITHDRAWN: ("WITHDRAWN", "ApplicationWithdrawn"),
    Kind.VIOLATED: ("APPROVED", "ApplicationApproved"),
    Kind.REVOKED: ("APPROVED", "ApplicationApproved"),
}


def one_final_decision(evidence: Evidence) -> Iterator[str]:
    """each acknowledged application ends in exactly one final decision, and the expected one"""
    for record in evidence.records:
        if not record.application_id:
            continue
        stream = evidence.application(record)
        if stream is None:
            yield f"application {record.application_id} was acknowledged and is not stored"
            continue
        final = [event.name for event in stream.events if event.name in FINAL]
        state, name = _ENDS[record.kind]
        if record.is_done and (final != [name] or stream.state_name != state):
            yield (
                f"application {record.application_id} ({record.kind}) is"
                f" {stream.state_name} by {final}"
            )
        elif len(final) > 1:
            yield f"application {record.application_id} has {len(final)} final decisions: {final}"


def nothing_done_twice(evidence: Evidence) -> Iterator[str]:
    """nothing happened twice: one submission, screening, decision, license and registration each"""
    once = FINAL | {
        "ApplicationSubmitted",
        "LicenseIssued",
        "LicenseRegistered",
        "ScreeningCompleted",
        "ListStarted",
    }
    for stream in evidence.streams:
        for name, count in Counter(event.name for event in stream.events).items():
            if name in once and count > 1:
                yield f"{stream.service} {stream.id}: {name} happened {count} times"


def license_rests_on_all(evidence: Evidence) -> Iterator[str]:
    """no license without a decision, a screening of every party and the given signature"""
    signatures = {record.application_id: record.signature for record in evidence.records}
    for stream in evidence.by_service.get("applications", {}).values():
        state = stream.stored
        if state.license is None:
            continue
        names = [event.name for event in stream.events]
        if "ApplicationApproved" not in names[: names.index("LicenseIssued")]:
            yield f"license {state.license.license_id} was issued before a decision"
        if state.decision is None or state.decision.outcome != "APPROVE":
            yield f"license {state.license.license_id} rests on no approval"
            continue
        screened = {finding.party_id for finding in state.decision.screening.findings}
        missing = {party.party_id for party in state.details.parties} - screened
        if missing:
            yield f"license {state.license.license_id}: not screened: {', '.join(sorted(missing))}"
        if str(state.decision.screening.screening_id) not in evidence.screenings.get(
            stream.id, frozenset()
        ):
            yield (
                f"license {state.license.license_id} rests on a screening that"
                " screening does not have"
            )
        expected = signatures.get(stream.id)
        if not state.license.acceptance.signature or (
            expected and state.license.acceptance.signature != expected
        ):
            yield f"license {state.license.license_id} does not carry the signature that was given"


def licenses_agree(evidence: Evidence) -> Iterator[str]:
    """license record and standing agree on every license, and neither exists alone"""
    wanted = {Kind.VIOLATED: "SUSPENDED", Kind.REVOKED: "REVOKED"}
    kinds = {record.license_id: record for record in evidence.records if record.license_id}
    granted = {
        str(stream.stored.license.license_id): stream.stored.license.state
        for stream in evidence.by_service.get("applications", {}).values()
        if stream.stored.license is not None
    }
    standing = {
        license_id: stream.stored.known_standing.state
        for license_id, stream in evidence.by_service.get("enforcement", {}).items()
    }
    for license_id in granted.keys() | standing.keys():
        here, there = granted.get(license_id), standing.get(license_id)
        if here != there:
            yield f"license {license_id}: applications says {here}, enforcement says {there}"
        record = kinds.get(license_id)
        if record is not None and record.is_done and there != wanted.get(record.kind, "ACTIVE"):
            yield f"license {license_id} ({record.kind}) stands {there}"


def published_whole(evidence: Evidence) -> Iterator[str]:
    """every stored event is published, with one content, and nothing else is published"""
    stored = {event.event_id: event for stream in evidence.streams for event in stream.events}
    published: dict[str, set[str]] = defaultdict(set)
    for record in evidence.published:
        published[record.event_id].add(record.digest)
        if record.event_id not in stored:
            yield (
                f"{record.topic}/{record.partition}/{record.offset}: {record.name}"
                f" {record.event_id} is not stored"
            )
    compacted = {record.event_id for record in evidence.published if record.topic == STANDING_TOPIC}
    for event_id, event in stored.items():
        digests = published.get(event_id, set())
        is_standing = event.name == "StandingChanged"
        if not digests and not (
            is_standing
            and (evidence.is_standing_topic_new or _was_overtaken(event, stored, compacted))
        ):
            yield (
                f"{event.name} {event_id} (stream {event.stream_id} version"
                f" {event.version}) was never published"
            )
        if digests - {event.digest}:
            yield (
                f"{event.name} {event_id} was published with another content than it is stored with"
            )


def _was_overtaken(
    event: Event, stored: Mapping[str, Event], compacted: frozenset[str] | set[str]
) -> bool:
    """Returns whether the compacted topic holds a later standing of the license."""
    return any(
        stored[other].stream_id == event.stream_id and stored[other].version > event.version
        for other in compacted
        if other in stored
    )


def ordered_per_key(evidence: Evidence) -> Iterator[str]:
    """the first copies of the events of a stream are in order on the topic"""
    newest: dict[tuple[str, str], int] = defaultdict(int)
    seen: set[str] = set()
    homes: dict[tuple[str, str], int] = {}
    for record in sorted(
        evidence.published, key=lambda each: (each.topic, each.partition, each.offset)
    ):
        where = f"{record.topic}/{record.partition}/{record.offset}"
        place = record.topic, record.subject
        if homes.setdefault(place, record.partition) != record.partition:
            yield f"{where}: {record.subject} is on partition {homes[place]} too"
        if record.event_id in seen or record.is_injected:
            continue
        seen.add(record.event_id)
        if record.version <= newest[place]:
            yield (
                f"{where}: version {record.version} of {record.subject} first came"
                f" after {newest[place]}"
            )
        newest[place] = max(newest[place], record.version)


def new_reader_knows_newest(evidence: Evidence) -> Iterator[str]:
    """a new replica knows the newest standing of every license after compaction"""
    for license_id, stream in evidence.by_service.get("enforcement", {}).items():
        newest, known = stream.stored.known_standing.version, evidence.recalled.get(license_id)
        if known != newest:
            yield (
                f"license {license_id}: a new replica knows version {known} of the"
                f" standing, not {newest}"
            )


def chains_whole(evidence: Evidence) -> Iterator[str]:
    """every hash chain is valid, without a gap, and ends in the stream's latest hash"""
    for stream in evidence.streams:
        if stream.broken_at:
            yield f"{stream.service} {stream.id}: the chain breaks at {stream.broken_at}"
        if [event.version for event in stream.events] != list(range(1, stream.version + 1)):
            yield (
                f"{stream.service} {stream.id}: events {[event.version for event in stream.events]}"
            )
        if not stream.events or stream.events[-1].hash != stream.head:
            yield f"{stream.service} {stream.id}: the head is not the last event's hash"


def state_is_fold(evidence: Evidence) -> Iterator[str]:
    """every state equals the fold of its events"""
    for stream in evidence.streams:
        if stream.stored != stream.rebuilt:
            yield (
                f"{stream.service} {stream.id}: the stored state is not the fold of its"
                f" {len(stream.events)} events"
            )


def projections_rebuild(evidence: Evidence) -> Iterator[str]:
    """every projection row equals its rebuild"""
    for stream in evidence.streams:
        if stream.columns != stream.rebuilt_columns:
            yield (
                f"{stream.service} {stream.id}: columns {stream.columns}, rebuilt"
                f" {stream.rebuilt_columns}"
            )
        for row in stream.projected ^ stream.rebuilt_projected:
            which = "should not be there" if row in stream.projected else "is missing"
            yield f"{stream.service} {stream.id}: projected row {row} {which}"


def bounded_at_gates(evidence: Evidence) -> Iterator[str]:
    """no gate allows later than one lease after the commit of the order, or after REVOKED"""
    orders = {order.license_id: order for order in evidence.orders}
    for each in evidence.allowed:
        if each.is_after_revoked:
            yield f"gate {each.gate} allowed {each.license_id} after it had said REVOKED"
        order = orders.get(each.license_id)
        if order is None:
            continue
        late = each.last_ns - order.committed_ns - order.lease_s * 1_000_000_000
        if late > CLOCK_TOLERANCE_NS:
            after = (each.last_ns - order.committed_ns) / 1e9
            yield (
                f"gate {each.gate} allowed {each.license_id} {after:.2f} s after the"
                f" order; lease {order.lease_s} s"
            )


def gates_agree_at_last(evidence: Evidence) -> Iterator[str]:
    """after recovery every gate returns the expected verdict for every license"""
    wanted = {Kind.VIOLATED: "SUSPENDED", Kind.REVOKED: "REVOKED"}
    for record in evidence.records:
        if record.license_id and record.is_done:
            words = evidence.last_words.get(record.license_id, frozenset())
            if words != {wanted.get(record.kind, "ALLOWED")}:
                yield f"license {record.license_id} ({record.kind}): the gates say {sorted(words)}"


def dead_letters_accounted(evidence: Evidence) -> Iterator[str]:
    """dead letters are exactly the injected poison records, once for each consumer group"""
    known = {(poison.topic, poison.partition, poison.offset): poison for poison in evidence.poisons}
    found: dict[tuple[str, int, int], list[DeadLetter]] = defaultdict(list)
    for letter in evidence.dead_letters:
        place = letter.topic, letter.partition, letter.offset
        found[place].append(letter)
        poison = known.get(place)
        if poison is None:
            yield f"a dead letter nobody accounts for: {letter}"
        elif letter.reason not in poison.reasons:
            yield f"a dead letter for another reason than {sorted(poison.reasons)}: {letter}"
    for place, poison in known.items():
        groups = {letter.group for letter in found[place]}
        named = groups - {""}
        missing = set(poison.groups) - named if named or not groups else set()
        if missing or len(found[place]) < len(poison.groups):
            yield (
                f"{'/'.join(map(str, place))} is no dead letter of"
                f" {sorted(missing or poison.groups)}"
            )


def parked_events_accounted(evidence: Evidence) -> Iterator[str]:
    """parked events are exactly the injected events that a handler refuses, in each service"""
    expected = {
        (service, each.source, each.stream_id, each.version): each.reasons
        for each in evidence.refused
        for service in each.services
    }
    found = {(e.service, e.source, e.stream_id, e.version): e for e in evidence.parked}
    for place, event in found.items():
        reasons = expected.get(place)
        if reasons is None:
            yield f"a parked event nobody accounts for: {event}"
        elif event.reason not in reasons:
            yield f"an event parked for another reason than {sorted(reasons)}: {event}"
    for service, source, stream_id, version in expected.keys() - found.keys():
        yield f"{source} {stream_id} version {version} is not parked in {service}"


def nothing_waits(evidence: Evidence) -> Iterator[str]:
    """after recovery no event is unpublished and no record is unhandled"""
    for name, count in {**evidence.outbox, **evidence.lag}.items():
        if count:
            yield f"{name}: {count} still wait"


def every_replica_served(evidence: Evidence) -> Iterator[str]:
    """every replica handled a call or a record"""
    for name, count in evidence.served.items():
        if not count:
            yield f"{name} served nothing"


def only_killed_died(evidence: Evidence) -> Iterator[str]:
    """no process exited except by an injection, and with the expected exit code"""
    for death in evidence.process_exits:
        if not any(_explains(blow, death) for blow in evidence.injected_exits):
            yield f"{death.process} ended with {death.exit_code}, and nobody killed it"


def _explains(blow: InjectedExit, death: ProcessExit) -> bool:
    is_then = blow.since <= death.at <= blow.until
    return blow.process == death.process and is_then and death.exit_code in blow.exits


def watch_delivered_all(evidence: Evidence) -> Iterator[str]:
    """the watch of a partner delivers every event once and in order, across interruptions"""
    for application_id, stream in evidence.by_service.get("applications", {}).items():
        published = list(evidence.followed.get(application_id, ()))
        if published != [event.version for event in stream.events]:
            yield (
                f"application {application_id}: the watch delivered {published} of"
                f" {len(stream.events)} events"
            )


Invariant = Callable[[Evidence], Iterator[str]]

INVARIANTS: Final[tuple[Invariant, ...]] = (
    every_scenario_ended,
    one_final_decision,
    nothing_done_twice,
    license_rests_on_all,
    licenses_agree,
    published_whole,
    ordered_per_key,
    new_reader_knows_newest,
    chains_whole,
    state_is_fold,
    projections_rebuild,
    bounded_at_gates,
    gates_agree_at_last,
    dead_letters_accounted,
    parked_events_accounted,
    nothing_waits,
    every_replica_served,
    only_killed_died,
    watch_delivered_all,
)


def check(evidence: Evidence) -> dict[str, list[str]]:
    """Returns the violations by invariant; every invariant has an entry."""
    return {
        (invariant.__doc__ or "").strip(): list(invariant(evidence)) for invariant in INVARIANTS
    }
