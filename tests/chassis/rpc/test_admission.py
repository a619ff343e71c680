from __future__ import annotations

from chassis.rpc.admission import BYTES_PER_TOKEN, HOLD_S, Admission, Exceeded, Refusal
from chassis.rpc.authentication import Kind
from chassis.rpc.limits import Capacity, Limit

LIMIT = Limit(calls_per_second=10, burst=5, concurrent_calls=3, streams=2)
WIDE = Limit(calls_per_second=1_000_000, burst=1_000_000, concurrent_calls=1_000, streams=1_000)


def call(
    admission: Admission, now: float, name: str = "partner/a", limit: Limit = LIMIT
) -> Refusal | None:
    """Makes a call that ends at once."""
    refusal = admission.enter("partner", name, limit, now, is_stream=False)
    if refusal is None:
        admission.leave(name, is_stream=False)
    elif refusal.hold_s:
        admission.release(name)
    return refusal


def test_a_burst_is_served_and_the_next_call_is_refused() -> None:
    admission = Admission()

    assert [call(admission, 0) for _ in range(5)] == [None] * 5
    assert call(admission, 0) == Refusal(Exceeded.RATE, 0.1, 0)


def test_after_the_time_that_a_refusal_names_the_call_is_served() -> None:
    admission = Admission()
    refused = [call(admission, 0) for _ in range(6)][-1]
    assert refused is not None

    assert call(admission, refused.retry_after_s) is None


def test_calls_that_are_refused_together_are_told_different_times() -> None:
    admission = Admission()
    refused = [call(admission, 0) for _ in range(10)][5:]

    assert [round(each.retry_after_s, 3) for each in refused if each] == [0.1, 0.2, 0.3, 0.4, 0.5]


def test_no_refusal_names_a_time_above_ten_seconds() -> None:
    admission = Admission()
    refused = [call(admission, 0) for _ in range(1_000)]

    assert max(each.retry_after_s for each in refused if each) == 10


def test_in_the_long_run_a_caller_gets_its_rate() -> None:
    admission = Admission()
    served = sum(call(admission, tick / 1_000) is None for tick in range(10_000))

    assert served == 5 + 99


def test_a_large_request_costs_the_calls_of_several() -> None:
    admission = Admission()
    admission.enter("partner", "partner/a", LIMIT, 0, is_stream=False)
    admission.charge("partner/a", 14 * BYTES_PER_TOKEN)
    admission.leave("partner/a", is_stream=False)

    refused = call(admission, 1.0)
    assert refused is not None
    assert refused.exceeded is Exceeded.RATE
    assert call(admission, 1.2) is None


def test_one_callers_refusals_leave_another_its_calls() -> None:
    admission = Admission()
    for _ in range(1_000):
        call(admission, 0)

    assert call(admission, 0, "partner/b") is None


def test_calls_at_the_same_time_are_bounded_until_one_ends() -> None:
    admission = Admission()
    begun = [admission.enter("partner", "partner/a", LIMIT, 0, is_stream=False) for _ in range(4)]
    admission.leave("partner/a", is_stream=False)

    assert [each and each.exceeded for each in begun] == [None, None, None, Exceeded.CALLS]
    assert call(admission, 1) is None


def test_streams_are_bounded_and_keep_out_no_call() -> None:
    admission = Admission()
    opened = [admission.enter("partner", "partner/a", LIMIT, 0, is_stream=True) for _ in range(3)]

    assert [each and each.exceeded for each in opened] == [None, None, Exceeded.STREAMS]
    assert call(admission, 0) is None


def fill(admission: Admission, kind: Kind, count: int, *, is_stream: bool) -> list[Refusal | None]:
    return [
        admission.enter(kind, f"{kind}/{number}", WIDE, 0, is_stream=is_stream)
        for number in range(count)
    ]


def test_a_part_of_the_streams_and_of_the_calls_is_for_gates_alone() -> None:
    capacity = Capacity(calls=5, calls_for_gates=2, streams=7, streams_for_gates=3)
    for is_stream, shared, for_gates in ((True, 4, 3), (False, 3, 2)):
        admission = Admission(capacity)
        partners = fill(admission, "partner", shared + 1, is_stream=is_stream)
        gates = fill(admission, "gate", for_gates + 1, is_stream=is_stream)

        for found, served in ((partners, shared), (gates, for_gates)):
            assert found[:served] == [None] * served
            last = found[-1]
            assert last is not None
            assert last.exceeded is Exceeded.CAPACITY


def test_a_caller_that_does_not_wait_gets_its_refusals_late() -> None:
    admission = Admission()
    held = [refusal.hold_s for _ in range(30) if (refusal := call(admission, 0))]

    assert held == [0.0] * 20 + [HOLD_S] * 5


def test_a_caller_that_waits_gets_its_refusals_at_once_again() -> None:
    admission = Admission()
    for _ in range(30):
        call(admission, 0)
    admission.charge("partner/a", 100 * BYTES_PER_TOKEN)
    refused = call(admission, 1)
    assert refused is not None

    assert refused.hold_s == 0


def test_only_a_bounded_number_of_refusals_is_held_back() -> None:
    admission = Admission()
    refusals = [
        admission.enter("partner", "partner/a", LIMIT, 0, is_stream=False) for _ in range(2_000)
    ]

    assert sum(bool(each and each.hold_s) for each in refusals) == 1_000


def test_principals_that_are_away_are_forgotten_and_those_with_calls_are_not() -> None:
    admission = Admission()
    admission.enter("partner", "partner/busy", LIMIT, 0, is_stream=True)
    for number in range(4_095):
        call(admission, 0, f"partner/{number}")
    call(admission, 100, "partner/late")

    assert set(admission._accounts) == {"partner/busy", "partner/late"}
