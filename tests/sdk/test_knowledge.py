"""The gate's bookkeeping, and the bound it keeps whatever order things happen in."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from safeconduct.knowledge import Knowledge
from safeconduct.standing import NANOSECONDS, Standing, StandingState, judge

from tests.sdk.test_standing import ACCESS, LICENSE, NOON

LEASE_NS = LICENSE.lease_seconds * NANOSECONDS


def apply_changes(
    knowledge: Knowledge, *standings: Standing, has_more: bool = False, is_snapshot: bool = True
) -> None:
    knowledge.apply_changes(standings, is_snapshot=is_snapshot, has_more=has_more)


def test_a_lower_version_is_ignored() -> None:
    knowledge = Knowledge()
    knowledge.start_stream(resumes=False)
    apply_changes(knowledge, replace(LICENSE, version=3, state=StandingState.REVOKED))

    changed = knowledge.apply_changes(
        [replace(LICENSE, version=2)], is_snapshot=False, has_more=False
    )

    assert (changed, knowledge.standings["a-license"].state) == ([], StandingState.REVOKED)


def test_a_lease_before_the_snapshot_is_complete_does_not_count() -> None:
    knowledge = Knowledge()
    knowledge.start_stream(resumes=False)

    assert not knowledge.apply_lease(100, 0)
    apply_changes(knowledge, LICENSE, has_more=True)
    assert not knowledge.apply_lease(100, 0)
    apply_changes(knowledge)
    assert knowledge.apply_lease(100, 0)


def test_a_lagging_replica_neither_ages_the_knowledge_nor_makes_it_forget() -> None:
    knowledge = Knowledge()
    knowledge.start_stream(resumes=False)
    apply_changes(knowledge, LICENSE)
    knowledge.apply_lease(1_000, 0)

    knowledge.start_stream(resumes=False)
    apply_changes(knowledge)
    knowledge.apply_lease(2_000, 1_500)

    assert (knowledge.known_as_of, set(knowledge.standings)) == (1_000, {"a-license"})


def test_a_license_that_a_newer_snapshot_does_not_name_is_forgotten() -> None:
    knowledge = Knowledge()
    knowledge.start_stream(resumes=False)
    apply_changes(knowledge, LICENSE)
    knowledge.apply_lease(1_000, 0)

    knowledge.start_stream(resumes=False)
    apply_changes(knowledge, replace(LICENSE, license_id="another"))
    knowledge.apply_lease(2_000, 0)

    assert set(knowledge.standings) == {"another"}


def test_a_negative_age_makes_nothing_newer_than_the_renewal() -> None:
    knowledge = Knowledge()
    knowledge.start_stream(resumes=True)
    knowledge.apply_lease(1_000, -500)

    assert knowledge.known_as_of == 1_000


def test_renewals_come_every_third_of_the_shortest_lease_but_once_a_second_at_most() -> None:
    knowledge = Knowledge()
    assert knowledge.renew_every() == NANOSECONDS
    knowledge.start_stream(resumes=False)
    apply_changes(knowledge, LICENSE, replace(LICENSE, license_id="b", lease_seconds=6))
    assert knowledge.renew_every() == 2 * NANOSECONDS
    apply_changes(knowledge, replace(LICENSE, license_id="c", lease_seconds=1), is_snapshot=False)
    assert knowledge.renew_every() == NANOSECONDS


@dataclass
class ReplicaModel:
    """Length of the log that it has read, and the start of its newest heartbeat."""

    known: int
    tick: int
    ticks: deque[tuple[int, int]] = field(default_factory=deque)


Message = tuple[str, object]
DELAYS = st.sampled_from([0.0, 0.001, 0.5, 5.0, 29.0, 31.0])


class BoundedRevocation(RuleBasedStateMachine):
    """Commits, heartbeats, renewals, deliveries and moves in any order, on one fake clock.

    The invariant: whenever the gate allows, the license was ACTIVE at some moment within the last
    lease.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = 10**12
        self.committed = [(self.now, LICENSE)]
        self.replicas = [ReplicaModel(known=1, tick=self.now) for _ in range(3)]
        self.gate = Knowledge()
        self.sent: dict[int, int] = {}
        self.sequence = 0
        self.token = 0
        self._open(0, resumes=False)

    def _open(self, replica: int, *, resumes: bool) -> None:
        self.replica = self.replicas[replica]
        self.gate.start_stream(resumes=resumes)
        self.to_replica: deque[int] = deque()
        self.to_gate: deque[Message] = deque()
        self.sent.clear()
        self.position = self.token if resumes else self.replica.known
        if not resumes:
            latest = {one.license_id: one for _, one in self.committed[: self.replica.known]}
            self.to_gate.append(("snapshot", (tuple(latest.values()), self.replica.known)))

    @rule(seconds=DELAYS)
    def time_passes(self, seconds: float) -> None:
        self.now += int(seconds * NANOSECONDS)

    @rule(state=st.sampled_from(StandingState))
    def an_order_commits(self, state: StandingState) -> None:
        before = self.committed[-1][1]
        if before.state is not StandingState.REVOKED and state is not before.state:
            self.committed.append(
                (self.now, replace(before, version=before.version + 1, state=state))
            )

    @rule(replica=st.integers(0, 2))
    def a_tick_begins(self, replica: int) -> None:
        self.replicas[replica].ticks.append((self.now, len(self.committed)))

    @rule(replica=st.integers(0, 2))
    def a_tick_comes_back_behind_everything_committed_before_it(self, replica: int) -> None:
        one = self.replicas[replica]
        if one.ticks:
            begun, behind = one.ticks.popleft()
            one.known = max(one.known, behind)
            one.tick = begun

    @rule(replica=st.integers(0, 2), wait=DELAYS)
    def a_tick_goes_round(self, replica: int, wait: float) -> None:
        self.a_tick_begins(replica)
        self.time_passes(wait)
        while self.replicas[replica].ticks:
            self.a_tick_comes_back_behind_everything_committed_before_it(replica)

    @rule(replica=st.integers(0, 2))
    def a_replica_reads_ahead_of_its_tick(self, replica: int) -> None:
        one = self.replicas[replica]
        one.known = min(one.known + 1, len(self.committed))

    @rule()
    def the_gate_renews(self) -> None:
        self.sequence += 1
        self.sent[self.sequence] = self.now
        self.to_replica.append(self.sequence)

    @rule()
    def a_renewal_arrives(self) -> None:
        if not self.to_replica:
            return
        sequence = self.to_replica.popleft()
        if self.position < self.replica.known:
            changes = tuple(one for _, one in self.committed[self.position : self.replica.known])
            self.to_gate.append(("changes", (changes, self.replica.known)))
            self.position = self.replica.known
        self.to_gate.append(("lease", (sequence, self.now - self.replica.tick)))

    @rule()
    def a_message_arrives_at_the_gate(self) -> None:
        if not self.to_gate:
            return
        kind, body = self.to_gate.popleft()
        if kind == "lease":
            sequence, age = body  # type: ignore[misc]  # what a message holds depends on its kind
            self.gate.apply_lease(self.sent.pop(sequence), age)
        else:
            standings, self.token = body  # type: ignore[misc]  # same
            self.gate.apply_changes(standings, is_snapshot=kind == "snapshot", has_more=False)

    @rule(waits=st.tuples(DELAYS, DELAYS))
    def a_renewal_goes_round(self, waits: tuple[float, float]) -> None:
        self.the_gate_renews()
        self.time_passes(waits[0])
        while self.to_replica:
            self.a_renewal_arrives()
        self.time_passes(waits[1])
        while self.to_gate:
            self.a_message_arrives_at_the_gate()
            self.no_access_is_allowed_later_than_one_lease_after_the_order()

    @rule(replica=st.integers(0, 2), resumes=st.booleans())
    def the_gate_moves(self, replica: int, resumes: bool) -> None:
        self._open(replica, resumes=resumes and self.token > 0)

    @invariant()
    def no_access_is_allowed_later_than_one_lease_after_the_order(self) -> None:
        verdict = judge(
            self.gate.standings.get("a-license"), ACCESS, NOON, self.gate.age_ns(self.now)
        )
        if verdict.allowed:
            ends = [at for at, _ in self.committed[1:]] + [self.now]
            held = [
                end
                for (_, standing), end in zip(self.committed, ends, strict=True)
                if standing.state is StandingState.ACTIVE
            ]
            assert max(held) >= self.now - LEASE_NS


BoundedRevocation.TestCase.settings = settings(
    max_examples=300, stateful_step_count=60, deadline=None
)
TestBoundedRevocation = BoundedRevocation.TestCase
