"""Limits of a key, by a clock of the test."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.keys.quota import KEPT_DAYS, MINUTE, Account, Limit, Window, until_tomorrow
from appliance.keys.types import DAY_SECONDS, NO_LIMITS, Instant, Limits, Use

NOON = 20_000.5 * DAY_SECONDS
PAUSES = st.lists(st.floats(min_value=0, max_value=90, allow_nan=False), max_size=60)


def at(seconds: float = 0.0) -> Instant:
    return Instant(NOON + seconds, 1000.0 + seconds)


def begun(most: int, pauses: list[float]) -> list[float]:
    """When requests were let in that came with these pauses."""
    account, now, let_in = Account(), 0.0, list[float]()
    for pause in pauses:
        now += pause
        if account.start(Limits(requests_per_minute=most), at(now)) is None:
            let_in.append(now)
    return let_in


@given(st.integers(1, 5), PAUSES)
def test_no_minute_sees_more_requests_than_allowed(most: int, pauses: list[float]) -> None:
    """Wherever one starts to count, not only at full minutes."""
    times = begun(most, pauses)
    assert all(later - first >= MINUTE - 0.01 for first, later in zip(times, times[most:], strict=False))


@given(st.integers(1, 5), PAUSES)
def test_nobody_is_refused_who_kept_the_limit(most: int, pauses: list[float]) -> None:
    """A refusal means that so many have begun within the last minute."""
    account, now, let_in = Account(), 0.0, list[float]()
    for pause in pauses:
        now += pause
        refused = account.start(Limits(requests_per_minute=most), at(now)) is not None
        assert refused == (sum(now - one < MINUTE - 0.0005 for one in let_in) >= most)
        let_in += [] if refused else [now]


@given(st.integers(1, 5), PAUSES)
def test_who_comes_back_when_told_is_let_in(most: int, pauses: list[float]) -> None:
    """And a second earlier he would not have been."""
    account, now, limits = Account(), 0.0, Limits(requests_per_minute=most)
    for pause in pauses:
        now += pause
        refusal = account.start(limits, at(now))
        if refusal is not None:
            assert account.start(limits, at(now + refusal.retry_after - 1.01)) is not None
            now += refusal.retry_after
            assert account.start(limits, at(now)) is None


def test_a_refusal_uses_nothing_up() -> None:
    """Knocking again does not make the wait longer."""
    account, limits = Account(), Limits(requests_per_minute=1)
    account.start(limits, at())
    waits = [refusal.wait for second in range(1, 59) if (refusal := account.start(limits, at(second)))]
    assert waits == [59.0 - second for second in range(58)]
    assert (account.today(at()), account.refused) == (Use(requests=1), 58)


def test_a_lowered_limit_counts_at_once() -> None:
    """What was let in before fills it."""
    window = Window()
    for second in range(5):
        window.add(float(second))
    assert window.wait(2, 10.0) == pytest.approx(53.0)  # three of five have to leave


def test_requests_without_a_limit_are_not_kept() -> None:
    """Memory stays bounded."""
    account = Account()
    for _ in range(1000):
        account.start(NO_LIMITS, at())
    assert account.start(Limits(requests_per_minute=1), at()) is None


def test_tokens_run_out_until_midnight_utc() -> None:
    """The answer that goes over is not cut; the next request is told when the day ends."""
    account, limits = Account(), Limits(tokens_per_day=100)
    assert account.start(limits, at()) is None
    account.end(90, 30, at())
    refusal = account.start(limits, at(60))
    assert refusal is not None
    assert (refusal.limit, refusal.most, refusal.retry_after) == (Limit.TOKENS, 100, DAY_SECONDS // 2 - 60)
    assert account.start(limits, at(DAY_SECONDS / 2)) is None


def test_tokens_count_for_the_day_on_which_they_are_told() -> None:
    """An answer over midnight belongs to the new day, its request to the old one."""
    account, tomorrow = Account(), at(DAY_SECONDS / 2)
    account.start(NO_LIMITS, at())
    account.end(3, 4, tomorrow)
    assert (account.today(at()), account.today(tomorrow)) == (Use(1, 0, 0), Use(0, 3, 4))


def test_places_at_once_are_given_back() -> None:
    """Each end frees one."""
    account, limits = Account(), Limits(concurrency=2)
    assert [account.start(limits, at()) for _ in range(2)] == [None, None]
    refusal = account.start(limits, at())
    assert refusal is not None
    assert (refusal.limit, refusal.retry_after, account.running) == (Limit.CONCURRENCY, 1, 2)
    account.end(0, 0, at())
    assert account.start(limits, at()) is None


def test_the_longest_wait_is_told() -> None:
    """Coming back for a minute that is over, only to hear of the day, would be a wasted way."""
    account, limits = Account(), Limits(requests_per_minute=1, tokens_per_day=1, concurrency=1)
    account.start(limits, at())
    account.end(5, 0, at())
    refusal = account.start(limits, at())
    assert refusal is not None
    assert refusal.limit is Limit.TOKENS


def test_room_is_what_is_left() -> None:
    """Of the limits that there are, with the time until all of it is back."""
    account, limits = Account(), Limits(requests_per_minute=10, tokens_per_day=100)
    for second in (0, 20):
        account.start(limits, at(second))
    account.end(30, 90, at(20))
    rooms = account.rooms(limits, at(30))
    requests, tokens = rooms[Limit.REQUESTS], rooms[Limit.TOKENS]
    assert (requests.most, requests.left) == (10, 8)
    assert requests.reset == pytest.approx(50)
    assert (tokens.most, tokens.left, tokens.reset) == (100, 0, until_tomorrow(at(30)))
    assert account.rooms(NO_LIMITS, at()) == {}


def test_a_month_of_days_is_kept() -> None:
    """Older ones go when a new one begins."""
    account = Account()
    for day in range(100):
        account.start(NO_LIMITS, at(day * DAY_SECONDS))
    assert len(account.days) == KEPT_DAYS
    assert max(account.days) == at(99 * DAY_SECONDS).day
