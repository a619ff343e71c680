"""One state for all states that cannot differ in whether they lead to a breach of the bound.

The reductions of `reduced` hold while all assumptions are on. A test checks them by random walks:
every step of a state has its counterpart in the reduced state.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tests.model.assumptions import Assumption
from tests.model.state import (
    ACTIVE,
    HEARTBEAT,
    NEVER,
    ORDERED,
    Bounds,
    Gate,
    Replica,
    Shard,
    State,
)


def reduced(state: State, bounds: Bounds) -> State:
    """Returns the state that stands for this one while all assumptions are on."""
    gates = tuple(_reduced_gate(gate, state, bounds) for gate in state.gates)
    if all(_knows_all_orders(gate.standings) for gate in gates):
        # Every gate knows every order, for good: the bound cannot be broken any more.
        return _over(state, bounds)
    replicas = tuple(_reduced_replica(replica, state, bounds) for replica in state.replicas)
    state = state._replace(gates=gates, replicas=replicas)
    if bounds.licenses == 1:
        state = _without_hopeless_heartbeats(state, bounds)
    for s in range(bounds.licenses):
        state = _reduced_shard(state, s, bounds)
    return state


def cut_off(state: State, bounds: Bounds, off: frozenset[Assumption]) -> State:
    """Returns the state that stands for this one in a search with broken assumptions.

    The steps from it are the same. So the trace of a counterexample is one without reductions.
    """
    if Assumption.GATE_NEVER_FALLS not in off and all(
        _knows_all_orders(gate.standings) for gate in state.gates
    ):
        return _over(state, bounds)
    if off & _ABOUT_TOKENS:
        return state
    return state._replace(gates=tuple(gate._replace(token=None) for gate in state.gates))


_ABOUT_TOKENS: Final = frozenset(
    {
        Assumption.TOKEN_NAMES_TOPIC,
        Assumption.TOKEN_AFTER_SNAPSHOT,
    }
)


def _knows_all_orders(standings: Iterable[int]) -> bool:
    return all(standing == ORDERED for standing in standings)


def _over(state: State, bounds: Bounds) -> State:
    shard = Shard(ORDERED, bounds.expired, (), (), (), is_owned=True)
    return State((shard,) * bounds.shards, (), (), 0)


def _reduced_gate(gate: Gate, state: State, bounds: Bounds) -> Gate:
    if _knows_all_orders(gate.standings):
        return Gate(gate.standings, bounds.expired, None, None, None)
    # A license that the gate does not know is denied. Until the first lease it may count as known.
    standings = tuple(max(ACTIVE, standing) for standing in gate.standings)
    # A lease from before every order that the gate lacks cannot break the bound.
    known = gate.known
    if all(
        standing == ORDERED or state.shards[n].order_age in range(NEVER, known + 1)
        for n, standing in enumerate(standings)
    ):
        known = bounds.expired
    stream, renewal = gate.stream, gate.renewal
    if stream is not None:
        # A lease comes with all changes until then. So a snapshot before it makes no difference.
        stream = stream._replace(is_complete=True)
        if stream.replica >= bounds.heartbeating:
            renewal = None
    # A token that covers no more than the gate knows leaves nothing out.
    assert gate.token is None or all(
        covered <= known for covered, known in zip(gate.token, gate.standings, strict=False)
    )
    return Gate(standings, known, stream, renewal, None)


def _reads(replica: Replica, state: State, bounds: Bounds) -> bool:
    """Whether the replica may still read a heartbeat without knowing all orders."""
    return not (
        _knows_all_orders(replica.standings)
        or (
            replica.must_recall
            and all(state.shards[n].standing == ORDERED for n in range(bounds.licenses))
        )
    )


def _reduced_replica(replica: Replica, state: State, bounds: Bounds) -> Replica:
    """Returns the replica without what cannot matter once it knows all orders, or will."""
    if _reads(replica, state, bounds):
        return replica
    nowhere = (0,) * bounds.shards
    if _knows_all_orders(replica.standings):
        return Replica(replica.standings, nowhere, False, bounds.expired, None)
    return replica._replace(read=nowhere, beat=None)


def _without_hopeless_heartbeats(state: State, bounds: Bounds) -> State:
    """Returns the state without heartbeats that cannot return before an order is known."""
    replicas = list(state.replicas)
    for r, replica in enumerate(replicas):
        beat = replica.beat
        if beat is None:
            continue
        for s in range(bounds.licenses):
            if beat.returned[s] or replica.standings[s] == ORDERED:
                continue
            shard = state.shards[s]
            if beat.is_written:
                unread = shard.topic[replica.read[s] :]
                hopes = [_ahead(unread)]
                if ORDERED not in unread:
                    hopes += map(_ahead, (shard.outbox, *shard.in_flight))
                if any(HEARTBEAT + r in records for records in hopes):
                    continue
            elif shard.standing == ACTIVE:
                continue
            replicas[r] = replica._replace(beat=None)
            break
    return state._replace(replicas=tuple(replicas))


def _ahead(records: tuple[int, ...]) -> tuple[int, ...]:
    """Returns the records before the first standing that tells the order."""
    return records[: records.index(ORDERED)] if ORDERED in records else records


def _reduced_shard(state: State, s: int, bounds: Bounds) -> State:
    """Returns the state without records that no reader can gain from."""
    shard, replicas = state.shards[s], state.replicas
    readers = [r for r, replica in enumerate(replicas) if _reads(replica, state, bounds)]
    if not readers:
        return _changed_shard(state, s, shard._replace(**_EMPTY), (0,) * len(replicas))
    awaited = {HEARTBEAT + r for r, each in enumerate(replicas) if each.beat is not None}
    places = {r: _next_place(shard.topic, r, replicas[r], s) for r in readers}
    # After a crash, with no order committed, the records until now change nothing.
    lasting = [
        places[r]
        for r in readers
        if not replicas[r].must_recall or replicas[r].beat or shard.standing == ORDERED
    ]
    start = min(lasting, default=len(shard.topic))
    is_alone = bounds.licenses == 1
    kept: list[int] = []
    is_published = is_superseded = False
    for at in range(start, len(shard.topic)):
        record = shard.topic[at]
        if record >= HEARTBEAT:
            if record in awaited and not (is_alone and is_published):
                kept.append(at)
        elif record == ORDERED or (record == ACTIVE and is_published):
            kept.append(at)
            if is_published and is_alone:
                is_superseded = True
                break
            is_published = True
    topic = tuple(ACTIVE if is_superseded and at == kept[-1] else shard.topic[at] for at in kept)
    outbox = tuple(each for each in shard.outbox if each < HEARTBEAT or each in awaited)
    in_flight = [
        tuple(each for each in records if each < HEARTBEAT or each in awaited)
        for records in shard.in_flight
    ]
    if is_alone:
        outbox, in_flight = _cut(outbox), [_cut(records) for records in in_flight]
        if is_published:
            # From here on it only matters whether compaction may remove the order's record.
            may_supersede = not is_superseded and bool(
                [each for records in (outbox, *in_flight) for each in records if each < HEARTBEAT]
            )
            outbox, in_flight = (), [(ACTIVE,)] if may_supersede else []
    read = tuple(
        sum(at < places[r] for at in kept) if r in readers else 0 for r in range(len(replicas))
    )
    return _changed_shard(
        state,
        s,
        shard._replace(
            outbox=outbox,
            in_flight=tuple(
                sorted([each for each in in_flight if len(each) > 1])
                + sorted({each for each in in_flight if len(each) == 1})
            ),
            topic=topic,
            # A shard without an owner gets one at any time.
            is_owned=True,
        ),
        read,
    )


_EMPTY: Final = {"outbox": (), "in_flight": (), "topic": (), "is_owned": True}


def _next_place(topic: tuple[int, ...], r: int, replica: Replica, s: int) -> int:
    """Returns the place of the next record that changes something for the replica."""
    at = replica.read[s]
    while at < len(topic) and topic[at] != ORDERED:
        if topic[at] == HEARTBEAT + r and replica.beat is not None:
            break
        at += 1
    return at


def _cut(records: tuple[int, ...]) -> tuple[int, ...]:
    """Returns the records up to the first one of an order."""
    return records[: records.index(ORDERED) + 1] if ORDERED in records else records


def _changed_shard(state: State, s: int, shard: Shard, read: tuple[int, ...]) -> State:
    replicas = tuple(
        replica
        if replica.read[s] == read[r]
        else replica._replace(read=(*replica.read[:s], read[r], *replica.read[s + 1 :]))
        for r, replica in enumerate(state.replicas)
    )
    shards = (*state.shards[:s], shard, *state.shards[s + 1 :])
    return state._replace(shards=shards, replicas=replicas)
