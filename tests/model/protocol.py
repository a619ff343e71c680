"""The steps of the model: what may happen next in a state, and the state after it."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Final, TypeAlias

from tests.model.assumptions import ALL, Assumption
from tests.model.state import (
    ACTIVE,
    HEARTBEAT,
    NEVER,
    OLD_TOPIC,
    ORDERED,
    UNKNOWN,
    Beat,
    Bounds,
    Gate,
    Renewal,
    Replica,
    Shard,
    State,
    Step,
    Stream,
)

Next: TypeAlias = tuple[Step, State]


class Taken(Enum):
    """The actor of a step."""

    BY_CODE = "code"
    BY_WORLD = "world"
    BY_BROKEN_ASSUMPTION = "broken assumption"


STEPS: Final = {
    "CommitOrder": Taken.BY_CODE,
    "StartHeartbeat": Taken.BY_CODE,
    "WriteHeartbeat": Taken.BY_CODE,
    "ClaimShard": Taken.BY_CODE,
    "PublishRecord": Taken.BY_CODE,
    "ReadRecord": Taken.BY_CODE,
    "Recall": Taken.BY_CODE,
    "OpenStream": Taken.BY_CODE,
    "SendChanges": Taken.BY_CODE,
    "SendRenewal": Taken.BY_CODE,
    "ReceiveRenewal": Taken.BY_CODE,
    "GrantLease": Taken.BY_CODE,
    "BreakStream": Taken.BY_CODE,
    "EndSession": Taken.BY_CODE,
    "ReturnHeartbeat": Taken.BY_CODE,
    "Tick": Taken.BY_WORLD,
    "CrashReplica": Taken.BY_WORLD,
    "LateRecord": Taken.BY_WORLD,
    "Compact": Taken.BY_WORLD,
    "RecreateTopic": Taken.BY_WORLD,
    "InsertRow": Taken.BY_BROKEN_ASSUMPTION,
    "LoseRecord": Taken.BY_BROKEN_ASSUMPTION,
    "LoseCommit": Taken.BY_BROKEN_ASSUMPTION,
    "PauseGate": Taken.BY_BROKEN_ASSUMPTION,
    "SecondOwner": Taken.BY_BROKEN_ASSUMPTION,
}
"""All steps. The code names the ones that it takes."""


class Protocol:
    """The steps within the bounds while the assumptions hold."""

    def __init__(self, bounds: Bounds, assumptions: frozenset[Assumption] = ALL) -> None:
        self._bounds = bounds
        self._off = ALL - assumptions
        self._licenses = range(bounds.licenses)

    def _may_fail(self, state: State, fault: str) -> bool:
        faults = self._bounds.faults
        return state.crashes_left > 0 and (faults is None or fault in faults)

    def steps(self, state: State) -> Iterator[Next]:
        """Yields every step that may happen in the state, with the state after it."""
        yield from self._database_steps(state)
        yield from self._topic_steps(state)
        yield from self._replica_steps(state)
        yield from self._gate_steps(state)
        yield self._tick(state)

    # Orders, heartbeats and the outbox

    def _database_steps(self, state: State) -> Iterator[Next]:
        one_transaction = Assumption.ONE_TRANSACTION not in self._off
        for s in self._licenses:
            shard = state.shards[s]
            if shard.standing == ACTIVE and shard.order_age == NEVER:
                outbox = (*shard.outbox, ORDERED) if one_transaction else shard.outbox
                ordered = shard._replace(standing=ORDERED, order_age=0, outbox=outbox)
                yield Step("CommitOrder", shard=s), _with_shard(state, s, ordered)
            elif not one_transaction and not _was_inserted(shard):
                inserted = shard._replace(outbox=(*shard.outbox, ORDERED))
                yield Step("InsertRow", shard=s), _with_shard(state, s, inserted)
            loses_commits = Assumption.POSTGRES_KEEPS_COMMITS in self._off
            if loses_commits and shard.standing == ORDERED and self._may_fail(state, "LoseCommit"):
                outbox = tuple(each for each in shard.outbox if each != ORDERED)
                lost = shard._replace(standing=ACTIVE, outbox=outbox)
                yield Step("LoseCommit", shard=s), _crashed(_with_shard(state, s, lost))

    def _topic_steps(self, state: State) -> Iterator[Next]:
        for s in self._licenses:
            shard = state.shards[s]
            yield from self._relay_steps(state, s, shard)
            for number, records in enumerate(shard.in_flight):
                if number and records == shard.in_flight[number - 1]:
                    continue
                rest = (records[1:],) if records[1:] else ()
                others = shard.in_flight[:number] + shard.in_flight[number + 1 :]
                arrived = shard._replace(
                    in_flight=tuple(sorted(others + rest)), topic=(*shard.topic, records[0])
                )
                yield Step("LateRecord", shard=s, number=records[0]), _with_shard(state, s, arrived)
            if self._bounds.faults is None or "Compact" in self._bounds.faults:
                yield from self._compactions(state, s, shard)
            loses_records = Assumption.KAFKA_KEEPS_RECORDS in self._off
            if loses_records and shard.topic and self._may_fail(state, "LoseRecord"):
                yield Step("LoseRecord", shard=s), _crashed(self._without_last(state, s))
        if self._may_fail(state, "RecreateTopic"):
            yield Step("RecreateTopic"), _crashed(self._recreated(state))

    def _relay_steps(self, state: State, s: int, shard: Shard) -> Iterator[Next]:
        if not shard.is_owned:
            yield Step("ClaimShard", shard=s), _with_shard(state, s, shard._replace(is_owned=True))
        elif shard.outbox:
            reach = 1 if Assumption.ORDER_IN_SHARD not in self._off else len(shard.outbox)
            for number in range(reach):
                record = shard.outbox[number]
                sent = shard._replace(
                    outbox=shard.outbox[:number] + shard.outbox[number + 1 :],
                    topic=(*shard.topic, record),
                )
                yield Step("PublishRecord", shard=s, number=record), _with_shard(state, s, sent)
        if self._may_fail(state, "EndSession") and shard.is_owned:
            # Without a record in flight, another owner goes on as the former one would have.
            for count in range(1, len(shard.outbox) + 1):
                ended = _crashed(_with_shard(state, s, self._session_ended(shard, count)))
                yield Step("EndSession", shard=s, number=count), ended
        if Assumption.ONE_OWNER in self._off and self._may_fail(state, "SecondOwner"):
            for count in range(1, len(shard.outbox) + 1):
                second = shard._replace(in_flight=_sorted(shard.in_flight, shard.outbox[:count]))
                yield (
                    Step("SecondOwner", shard=s, number=count),
                    _crashed(_with_shard(state, s, second)),
                )

    def _session_ended(self, shard: Shard, count: int) -> Shard:
        """Returns the shard after its relay's session ended with `count` records in flight."""
        if count == 0:
            return shard._replace(is_owned=False)
        if Assumption.DELETED_AFTER_ACK in self._off:
            return shard._replace(is_owned=False, outbox=shard.outbox[count:])
        in_flight = _sorted(shard.in_flight, shard.outbox[:count])
        return shard._replace(is_owned=False, in_flight=in_flight)

    def _compactions(self, state: State, s: int, shard: Shard) -> Iterator[Next]:
        """Yields compactions up to each standing: the earlier ones of the same license go."""
        standings = [at for at, each in enumerate(shard.topic) if each in (ACTIVE, ORDERED)]
        for last in standings[1:]:
            gone = [at for at in standings if at < last]
            topic = tuple(-each if at in gone else each for at, each in enumerate(shard.topic))
            replicas = tuple(
                self._outrun(replica, s, shard.topic, gone) for replica in state.replicas
            )
            compacted = _with_shard(state, s, shard._replace(topic=topic))
            yield Step("Compact", shard=s, number=last), compacted._replace(replicas=replicas)

    def _outrun(self, replica: Replica, s: int, topic: tuple[int, ...], gone: list[int]) -> Replica:
        """Returns the replica, which must recall if it will never read a standing that it lacks."""
        if Assumption.RECALL_AFTER_COMPACTION in self._off or replica.must_recall:
            return replica
        if replica.standings[s] == UNKNOWN:
            return replica  # a process that has just started was not away
        if any(at >= replica.read[s] and topic[at] > replica.standings[s] for at in gone):
            return replica._replace(must_recall=True)
        return replica

    def _without_last(self, state: State, s: int) -> State:
        shard = state.shards[s]
        length = len(shard.topic) - 1
        replicas = tuple(
            replica._replace(
                read=tuple(min(at, length) if n == s else at for n, at in enumerate(replica.read))
            )
            for replica in state.replicas
        )
        lost = _with_shard(state, s, shard._replace(topic=shard.topic[:-1]))
        return lost._replace(replicas=replicas)

    def _recreated(self, state: State) -> State:
        notices = Assumption.READER_NOTICES_TOPIC not in self._off
        return state._replace(
            shards=tuple(shard._replace(topic=()) for shard in state.shards),
            replicas=tuple(
                replica._replace(
                    read=(0,) * len(replica.read), must_recall=notices or replica.must_recall
                )
                for replica in state.replicas
            ),
            gates=tuple(
                gate if gate.token is None else gate._replace(token=OLD_TOPIC)
                for gate in state.gates
            ),
        )

    # Replicas

    def _replica_steps(self, state: State) -> Iterator[Next]:
        for r, replica in enumerate(state.replicas):
            if r < self._bounds.heartbeating:
                yield from self._heartbeat_steps(state, r, replica)
            for s in self._licenses:
                if not replica.must_recall and (read := self._read(state, r, s)) is not None:
                    yield Step("ReadRecord", replica=r, shard=s, number=read[0]), read[1]
            if replica.must_recall:
                yield Step("Recall", replica=r), self._recalled(state, r)
            if self._may_fail(state, "CrashReplica"):
                yield from self._replica_crashes(state, r)

    def _heartbeat_steps(self, state: State, r: int, replica: Replica) -> Iterator[Next]:
        notes_first = Assumption.START_NOTED_FIRST not in self._off
        beat = replica.beat
        if beat is None:
            nowhere = tuple(False for _ in state.shards)
            if notes_first:
                started = replica._replace(beat=Beat(0, False, nowhere))
                yield Step("StartHeartbeat", replica=r), _with_replica(state, r, started)
            else:
                yield (
                    Step("WriteHeartbeat", replica=r),
                    self._written(state, r, Beat(NEVER, True, nowhere)),
                )
        elif not beat.is_written:
            yield (
                Step("WriteHeartbeat", replica=r),
                self._written(state, r, beat._replace(is_written=True)),
            )
        else:
            if beat.age == NEVER:
                noted = beat._replace(age=0)
                yield Step("StartHeartbeat", replica=r), self._returned(state, r, noted)
            for s in range(self._bounds.licenses, self._bounds.shards):
                if not beat.returned[s]:
                    back = beat._replace(returned=_changed(beat.returned, s, True))
                    yield (
                        Step("ReturnHeartbeat", replica=r, shard=s),
                        self._returned(state, r, back),
                    )

    def _written(self, state: State, r: int, beat: Beat) -> State:
        """Returns the state with the heartbeat in the outbox of every shard of a license."""
        shards = tuple(
            shard._replace(outbox=(*shard.outbox, HEARTBEAT + r)) if s in self._licenses else shard
            for s, shard in enumerate(state.shards)
        )
        written = state._replace(shards=shards)
        return _with_replica(written, r, state.replicas[r]._replace(beat=beat))

    def _returned(self, state: State, r: int, beat: Beat) -> State:
        """Returns the state with the heartbeat, which counts if it has returned."""
        counts = all if Assumption.EVERY_PARTITION not in self._off else any
        replica = state.replicas[r]
        if beat.age == NEVER or not counts(beat.returned):
            return _with_replica(state, r, replica._replace(beat=beat))
        known = min(replica.known, beat.age)
        done = _with_replica(state, r, replica._replace(beat=None, known=known))
        return _without_heartbeat(done, r)

    def _read(self, state: State, r: int, s: int) -> tuple[int, State] | None:
        """Returns the next record that concerns the replica, and the state after it was read."""
        shard, replica = state.shards[s], state.replicas[r]
        at = replica.read[s]
        while at < len(shard.topic) and not self._concerns(shard.topic[at], r, replica):
            at += 1
        if at == len(shard.topic):
            return None
        record = shard.topic[at]
        replica = replica._replace(read=_changed(replica.read, s, at + 1))
        state = _with_replica(state, r, replica)
        if record >= HEARTBEAT:
            assert replica.beat is not None
            beat = replica.beat._replace(returned=_changed(replica.beat.returned, s, True))
            if record == HEARTBEAT + r:
                state = _without_heartbeat(state, r, s)
            return record, self._returned(state, r, beat)
        known = replica.standings[s]
        if Assumption.CACHE_NEVER_FALLS in self._off or record > known:
            return record, self._with_standings(state, r, _changed(replica.standings, s, record))
        return record, state

    def _concerns(self, record: int, r: int, replica: Replica) -> bool:
        if record < HEARTBEAT:
            return record > 0  # not compacted away
        if record != HEARTBEAT + r and Assumption.OWN_HEARTBEATS not in self._off:
            return False
        return replica.beat is not None

    def _recalled(self, state: State, r: int) -> State:
        # Another replica may have read a record that no longer is in the database (LoseCommit).
        standings = tuple(
            max(known, state.shards[s].standing)
            for s, known in enumerate(state.replicas[r].standings)
        )
        recalled = _with_replica(state, r, state.replicas[r]._replace(must_recall=False))
        return self._with_standings(recalled, r, standings)

    def _with_standings(self, state: State, r: int, standings: tuple[int, ...]) -> State:
        """Returns the state with these standings in the cache; the replica's streams get them."""
        before = state.replicas[r].standings
        gates = tuple(
            gate
            if gate.stream is None or gate.stream.replica != r or not any(gate.stream.left_out)
            else gate._replace(
                stream=gate.stream._replace(
                    left_out=tuple(
                        is_left_out and standings[n] == before[n]
                        for n, is_left_out in enumerate(gate.stream.left_out)
                    )
                )
            )
            for gate in state.gates
        )
        replica = state.replicas[r]._replace(standings=standings)
        return _with_replica(state._replace(gates=gates), r, replica)

    def _replica_crashes(self, state: State, r: int) -> Iterator[Next]:
        """Yields crashes of the process. Its relay may own any shard, with records in flight."""
        loads = Assumption.RECALL_AT_START not in self._off
        restarted = Replica(
            standings=(UNKNOWN,) * self._bounds.licenses,
            read=(0,) * self._bounds.shards,
            must_recall=loads,
            known=self._bounds.expired,
            beat=None,
        )
        gates = tuple(
            gate._replace(stream=None, renewal=None)
            if gate.stream is not None and gate.stream.replica == r
            else gate
            for gate in state.gates
        )
        crashed = _without_heartbeat(_with_replica(state, r, restarted), r)
        crashed = _crashed(crashed._replace(gates=gates))
        yield Step("CrashReplica", replica=r), crashed
        # A session that ends without a record in flight changes nothing: see EndSession.
        for s in self._licenses:
            shard = state.shards[s]
            for count in range(1, len(shard.outbox) + 1 if shard.is_owned else 0):
                ended = _with_shard(
                    state._replace(gates=gates), s, self._session_ended(shard, count)
                )
                both = _without_heartbeat(_with_replica(ended, r, restarted), r)
                yield Step("CrashReplica", replica=r, shard=s, number=count), _crashed(both)

    # Gates

    def _gate_steps(self, state: State) -> Iterator[Next]:
        for g, gate in enumerate(state.gates):
            stream = gate.stream
            if stream is None:
                for r in range(self._bounds.replicas):
                    yield from self._openings(state, g, gate, r)
                continue
            yield (
                Step("BreakStream", gate=g),
                _with_gate(state, g, gate._replace(stream=None, renewal=None)),
            )
            replica = state.replicas[stream.replica]
            at = Step("", replica=stream.replica, gate=g)
            yield at._replace(name="SendChanges"), self._changes_sent(state, g)
            if gate.renewal is None or gate.renewal.sent > 0:
                renewed = gate._replace(renewal=Renewal(0, NEVER))
                yield at._replace(name="SendRenewal"), _with_gate(state, g, renewed)
            if gate.renewal is not None and gate.renewal.received == NEVER:
                received = gate._replace(renewal=gate.renewal._replace(received=0))
                yield at._replace(name="ReceiveRenewal"), _with_gate(state, g, received)
            elif gate.renewal is not None and replica.known <= self._bounds.lease:
                waits = Assumption.SNAPSHOT_BEFORE_LEASE not in self._off
                if stream.is_complete or not waits:
                    yield at._replace(name="GrantLease"), self._lease_granted(state, g)
            if Assumption.CLOCK_IN_PAUSE in self._off:
                yield Step("PauseGate", gate=g), self._tick(state, paused=g)[1]

    def _openings(self, state: State, g: int, gate: Gate, r: int) -> Iterator[Next]:
        """Yields a stream from a snapshot, and one from the resume token."""
        nothing = tuple(False for _ in self._licenses)
        fresh = gate._replace(stream=Stream(r, is_complete=False, left_out=nothing))
        if Assumption.TOKEN_AFTER_SNAPSHOT in self._off:
            fresh = fresh._replace(token=self._token(state, r))
        yield Step("OpenStream", replica=r, gate=g, number=0), _with_gate(state, g, fresh)
        # A server answers a token of another topic with a snapshot.
        if gate.token is None or (
            gate.token == OLD_TOPIC and Assumption.TOKEN_NAMES_TOPIC not in self._off
        ):
            return
        left_out = tuple(
            (gate.token == OLD_TOPIC or gate.token[n] >= known) and gate.standings[n] < known
            for n, known in enumerate(state.replicas[r].standings)
        )
        resumed = gate._replace(stream=Stream(r, is_complete=True, left_out=left_out))
        yield Step("OpenStream", replica=r, gate=g, number=1), _with_gate(state, g, resumed)

    def _token(self, state: State, r: int) -> tuple[int, ...]:
        """Returns the token for the place up to which the replica has read."""
        return tuple(
            max((abs(each) for each in shard.topic[:read] if each < HEARTBEAT), default=UNKNOWN)
            for shard, read, _ in zip(
                state.shards, state.replicas[r].read, self._licenses, strict=False
            )
        )

    def _changes_sent(self, state: State, g: int) -> State:
        """Returns the state after the gate received a snapshot, or all changes until now."""
        gate = state.gates[g]
        assert gate.stream is not None
        replica = state.replicas[gate.stream.replica]
        falls = Assumption.GATE_NEVER_FALLS in self._off and not gate.stream.is_complete
        received = tuple(
            mine if is_left_out else theirs if falls else max(mine, theirs)
            for mine, theirs, is_left_out in zip(
                gate.standings, replica.standings, gate.stream.left_out, strict=True
            )
        )
        return _with_gate(
            state,
            g,
            gate._replace(
                standings=received,
                token=self._token(state, gate.stream.replica),
                stream=gate.stream._replace(is_complete=True),
            ),
        )

    def _lease_granted(self, state: State, g: int) -> State:
        """Returns the state after the gate received the changes until now, and a lease."""
        gate = state.gates[g]
        assert gate.stream is not None
        assert gate.renewal is not None
        known = state.replicas[gate.stream.replica].known
        lease_age = max(0, known - gate.renewal.received)
        sent = gate.renewal.sent if Assumption.SEND_TIME not in self._off else 0
        if Assumption.CHANGES_BEFORE_LEASE not in self._off and gate.stream.is_complete:
            state = self._changes_sent(state, g)
            gate = state.gates[g]
        as_of = min(gate.known, sent + lease_age, self._bounds.expired)
        return _with_gate(state, g, gate._replace(known=as_of, renewal=None))

    # Time

    def _tick(self, state: State, paused: int = -1) -> Next:
        """Returns the step in which a tick of time passes, except for a paused gate."""
        expired = self._bounds.expired
        shards = tuple(
            shard
            if shard.order_age in (NEVER, expired)
            else shard._replace(order_age=shard.order_age + 1)
            for shard in state.shards
        )
        replicas = tuple(
            replica._replace(known=min(replica.known + 1, expired), beat=_older(replica.beat))
            for replica in state.replicas
        )
        gates = tuple(
            gate
            if g == paused
            else gate._replace(
                known=min(gate.known + 1, expired), renewal=self._older_renewal(gate.renewal)
            )
            for g, gate in enumerate(state.gates)
        )
        state = state._replace(shards=shards, replicas=replicas, gates=gates)
        for r, replica in enumerate(replicas):
            if replica.beat is not None and replica.beat.age >= expired:
                # Its return would give no lease. So it is as good as never written.
                state = _with_replica(state, r, state.replicas[r]._replace(beat=None))
                state = _without_heartbeat(state, r)
        return Step("Tick"), state

    def _older_renewal(self, renewal: Renewal | None) -> Renewal | None:
        if renewal is None:
            return None
        is_useless = renewal.sent >= self._bounds.lease and Assumption.SEND_TIME not in self._off
        if is_useless:
            return None
        most = self._bounds.expired
        received = renewal.received if renewal.received == NEVER else renewal.received + 1
        return Renewal(min(renewal.sent + 1, most), min(received, most))


def _older(beat: Beat | None) -> Beat | None:
    return beat if beat is None or beat.age == NEVER else beat._replace(age=beat.age + 1)


def _was_inserted(shard: Shard) -> bool:
    """Whether the record of the order was written to the outbox."""
    places = (*shard.outbox, *shard.topic, *(each for some in shard.in_flight for each in some))
    return ORDERED in map(abs, places)


def _sorted(
    in_flight: tuple[tuple[int, ...], ...], more: tuple[int, ...]
) -> tuple[tuple[int, ...], ...]:
    return tuple(sorted((*in_flight, more)))


def _changed(values: tuple, at: int, value: object) -> tuple:
    return (*values[:at], value, *values[at + 1 :])


def _with_shard(state: State, s: int, shard: Shard) -> State:
    return state._replace(shards=_changed(state.shards, s, shard))


def _with_replica(state: State, r: int, replica: Replica) -> State:
    return state._replace(replicas=_changed(state.replicas, r, replica))


def _with_gate(state: State, g: int, gate: Gate) -> State:
    return state._replace(gates=_changed(state.gates, g, gate))


def _crashed(state: State) -> State:
    return state._replace(crashes_left=state.crashes_left - 1)


def _without_heartbeat(state: State, r: int, only_shard: int = -1) -> State:
    """Returns the state without the replica's heartbeat, which counts no more (in this shard)."""
    beat = HEARTBEAT + r
    for s in range(len(state.shards)):
        if only_shard not in (-1, s):
            continue
        shard = state.shards[s]
        if beat in shard.outbox:
            shard = shard._replace(outbox=tuple(each for each in shard.outbox if each != beat))
        if any(beat in records for records in shard.in_flight):
            rest = (tuple(e for e in records if e != beat) for records in shard.in_flight)
            shard = shard._replace(in_flight=tuple(sorted(each for each in rest if each)))
        if beat in shard.topic:
            places = [at for at, each in enumerate(shard.topic) if each == beat]
            replicas = tuple(
                replica._replace(
                    read=_changed(
                        replica.read,
                        s,
                        replica.read[s] - sum(at < replica.read[s] for at in places),
                    )
                )
                for replica in state.replicas
            )
            topic = tuple(each for each in shard.topic if each != beat)
            shard = shard._replace(topic=topic)
            state = state._replace(replicas=replicas)
        if shard is not state.shards[s]:
            state = _with_shard(state, s, shard)
    return state
