"""How much callers and addresses may ask of a process."""

import asyncio
import threading
from uuid import UUID, uuid4

import pytest

from app.web import rates
from app.web.rates import Budget, Rates
from app.web.refusals import BudgetExceeded, RateLimited

UNLIMITED = 10**9


def limits(*, requests: int = UNLIMITED, of_address: int = UNLIMITED, cost: int = UNLIMITED) -> Rates:
    return Rates(requests=requests, requests_of_address=of_address, cost=cost)


def count(counted: Rates, caller: UUID, times: int) -> None:
    for _ in range(times):
        counted.count_request(caller, 0)


def test_three_seconds_worth_of_requests_may_come_at_once_and_the_next_is_told_when_to_come_again() -> None:
    counted, caller = limits(requests=200), uuid4()
    count(counted, caller, 10)
    with pytest.raises(RateLimited) as refused:
        counted.count_request(caller, 0)
    assert (refused.value.status, refused.value.code) == (429, "RATE_LIMITED")
    assert refused.value.headers == {"retry-after": "1"}
    assert refused.value.indonesian == "Terlalu banyak permintaan. Coba lagi setelah 1 detik."
    assert refused.value.english == "Too many requests. Try again in 1 seconds."


def test_the_wait_is_told_in_whole_seconds_and_never_as_none() -> None:
    slow, quick = limits(requests=2), limits(requests=6_000)
    caller = uuid4()
    with pytest.raises(RateLimited) as refused:
        count(slow, caller, 2)
    assert refused.value.retry_after == 30
    with pytest.raises(RateLimited) as refused:
        count(quick, caller, 2_000)  # at 100 a second some come back meanwhile
    assert refused.value.retry_after == 1


async def test_requests_come_back_as_time_goes_by() -> None:
    counted, caller = limits(requests=1_200), uuid4()
    with pytest.raises(RateLimited):
        count(counted, caller, 400)
    await asyncio.sleep(0.06)
    counted.count_request(caller, 0)


def test_callers_and_addresses_do_not_use_up_what_others_have() -> None:
    counted = limits(requests=6, of_address=6)
    for _ in range(2):
        counted.count_request(uuid4(), 0)
        counted.count_address(uuid4().hex)
    counted.count_address("192.0.2.1")
    with pytest.raises(RateLimited):
        counted.count_address("192.0.2.1")


@pytest.mark.parametrize(("body_bytes", "admitted"), [(0, 10), (16_383, 10), (16_384, 5), (40_000, 3), (262_144, 1)])
def test_a_large_body_counts_as_several_requests(body_bytes: int, admitted: int) -> None:
    counted, caller = limits(requests=200), uuid4()
    for _ in range(admitted):
        counted.count_request(caller, body_bytes)
    with pytest.raises(RateLimited):
        counted.count_request(caller, body_bytes)


def test_new_documents_are_counted_by_their_characters_apart_from_requests() -> None:
    counted, caller = limits(requests=60), uuid4()
    counted.count_document(caller, 140)  # of 480 a minute a third may come at once
    with pytest.raises(RateLimited) as refused:
        counted.count_document(caller, 100)
    assert "`variables`" in refused.value.english
    assert "`variables`" in refused.value.indonesian
    counted.count_document(uuid4(), 5_000)
    counted.count_request(caller, 0)


def test_a_request_takes_its_cost_from_the_budget_and_is_told_what_is_left() -> None:
    counted, caller = limits(cost=1_000), uuid4()
    assert counted.charge(caller, 250) == Budget(limit=1_000, remaining=750, resets_in=15)
    assert counted.charge(caller, 0).remaining == 750
    with pytest.raises(BudgetExceeded) as refused:
        counted.charge(caller, 900)
    assert (refused.value.status, refused.value.code, refused.value.retry_after) == (429, "BUDGET_EXCEEDED", 9)
    assert "hingga 900 nilai" in refused.value.indonesian
    assert "up to 900 values" in refused.value.english
    assert counted.charge(caller, 750).remaining == 0
    assert counted.charge(uuid4(), 1_000).remaining == 0


def test_a_request_that_no_budget_would_hold_is_not_told_to_wait() -> None:
    with pytest.raises(BudgetExceeded) as refused:
        limits(cost=1_000).charge(uuid4(), 1_001)
    assert refused.value.retry_after is None
    assert refused.value.headers == {}
    assert "Ask for less at once" in refused.value.english


def test_an_address_that_often_proves_nothing_waits_before_another_token_is_verified() -> None:
    counted = limits(of_address=6_000)  # of its failures, 60 a minute, ten may come at once
    for _ in range(10):
        counted.may_verify("192.0.2.1")
        assert counted.count_failure("192.0.2.1")
    assert not counted.count_failure("192.0.2.1")
    with pytest.raises(RateLimited) as refused:
        counted.may_verify("192.0.2.1")
    assert refused.value.retry_after == 1
    counted.may_verify("192.0.2.2")
    counted.count_address("192.0.2.1")


def test_what_an_address_sends_at_once_is_let_in_at_the_pace_of_its_limit_and_refused_where_it_is_too_much() -> None:
    counted = limits(of_address=600)
    waits = [counted.count_address("192.0.2.1") for _ in range(30)]
    assert waits[:10] == [0] * 10  # a second's worth
    assert waits[10:] == pytest.approx([number / 10 for number in range(1, 21)], abs=0.11)
    with pytest.raises(RateLimited):
        waits += [counted.count_address("192.0.2.1") for _ in range(30)]
    assert counted.count_address("192.0.2.2") == 0


@pytest.mark.parametrize("of_address", [1, 6, 59, 60, 61])
def test_however_small_a_limit_is_the_first_request_does_not_wait(of_address: int) -> None:
    assert limits(of_address=of_address).count_address("192.0.2.1") == 0


def test_only_so_many_addresses_are_remembered_and_those_that_go_on_sending_stay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rates, "_REMEMBERED", 100)
    counted = limits(of_address=6)
    for address in ("gone", "busy"):
        counted.count_address(address)
    for number in range(150):
        counted.count_address(f"other {number}")
        with pytest.raises(RateLimited):
            counted.count_address("busy")
    counted.count_address("gone")


def test_counting_starts_no_thread() -> None:
    before = threading.active_count()
    counted = limits(requests=6)
    for number in range(50):
        counted.count_address(str(number))
        counted.charge(uuid4(), 5)
    assert threading.active_count() == before
