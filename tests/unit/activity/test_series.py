"""Bins side by side: totals, bounds, clocks that jump."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.activity.bins import Bin
from appliance.activity.series import DAY, MINUTE, MOST_POINTS, QUARTER, RANGES, History, Range, Series, Window, ranges
from appliance.activity.types import Ended
from tests.unit.activity.builders import NOON, ended, reading

HOUR = RANGES[0]
CLOCKS = st.lists(st.floats(0, 5e9, allow_nan=False), max_size=60)


def numbers(series: Series) -> list[int]:
    changed, _ = series.take_changes()
    return sorted(changed)


def watched(history: History, *moments: float) -> None:
    for at in moments:
        history.add_reading(at, reading(5))


@given(st.integers(0, 10**7), st.floats(0, 3000), st.floats(0, 1e9))
def test_spread_tokens_are_all_there(tokens: int, took: float, begin: float) -> None:
    """Every token is booked, in the time in which it was made, whatever the lengths are."""
    series = Series(5, 720)
    series.spread("m", tokens, begin, begin + took)
    assert sum(one.tokens_out for one in series) == tokens
    assert sum(one.models["m"].tokens_out for one in series) == tokens
    assert all(begin // 5 <= number <= (begin + took) // 5 for number in numbers(series))


def test_tokens_are_spread_evenly() -> None:
    """An answer of ten seconds that ends in the middle of a bin."""
    series = Series(5, 720)
    series.spread("m", 100, 102.5, 112.5)
    changed, _ = series.take_changes()
    assert {number: one.tokens_out for number, one in sorted(changed.items())} == {20: 25, 21: 50, 22: 25}


@given(CLOCKS)
def test_memory_is_bounded_whatever_the_clock_does(moments: list[float]) -> None:
    """Forward and back over decades."""
    series = Series(60, 10)
    for at in moments:
        series.at(at).answered += 1
        assert len(series) <= 10
    assert len(series._changed) <= 10


@given(st.lists(st.tuples(st.floats(0, DAY - 1), st.integers(0, 500), st.floats(0, 60)), max_size=40))
def test_every_grade_of_detail_tells_the_same_totals(requests: list[tuple[float, int, float]]) -> None:
    """Minutes and quarter hours, and the steps of a window over them."""
    history = History()
    for ago, tokens, took in requests:
        history.add_request(ended(NOON - ago, tokens_out=tokens, tokens_in=1, generating=took))
    expected = (len(requests), sum(tokens for _, tokens, _ in requests))
    for wanted in RANGES[2:]:
        whole = history.window(Range("x", wanted.seconds + 2 * wanted.step, wanted.step), NOON + 60).whole()
        assert (whole.answered, whole.tokens_out) == expected
    today = history.since(NOON - 2 * DAY, NOON)
    assert (today.answered, today.tokens_out, today.models["m"].requests if requests else 0) == (
        *expected,
        len(requests),
    )


def test_a_clock_that_was_wrong_for_a_while_does_not_cost_the_history() -> None:
    """Ten years ahead for a minute, then right again: the day before is still there, and the next hour fits in."""
    history = History()
    watched(history, *(NOON + 60 * minute for minute in range(1440)))
    evening = NOON + DAY
    watched(history, evening + 10 * 365 * DAY)
    watched(history, *(evening + 60 * minute for minute in range(60)))
    window = history.window(Range("x", DAY, MINUTE), evening + 3540)
    assert sum(one is None for one in window.bins) <= 1


def test_a_clock_that_goes_back_goes_on_counting() -> None:
    """The hour is there twice; nothing raises, nothing is lost."""
    history = History()
    for at in (NOON, NOON + 3600, NOON, NOON + 3600):
        history.add_request(ended(at))
    assert history.window(RANGES[1], NOON + 3660).whole().answered == 4


def test_what_was_not_recorded_is_a_gap() -> None:
    """A stop of ten minutes; and a step in which nothing was asked is none."""
    history = History()
    start = NOON - 3600
    watched(history, *(start + 5 * n for n in range(240)), *(start + 1800 + 5 * n for n in range(361)))
    window = history.window(HOUR, NOON)
    missing = [number for number, one in enumerate(window.bins) if one is None]
    assert missing == list(range(missing[0], missing[-1] + 1))
    assert len(window.bins) == 180
    assert len(missing) * window.step == pytest.approx(600, abs=20)


def test_after_a_start_the_last_hour_is_known_by_minutes() -> None:
    """The finest bins end with the process; the minutes were stored."""
    history, before = History(), History()
    watched(before, *(NOON - 3600 + 5 * n for n in range(600)))
    for ours, theirs in zip(history.stored, before.stored, strict=True):
        ours.load(theirs.take_changes()[0], NOON)
    watched(history, NOON - 10, NOON - 5)
    window = history.window(HOUR, NOON)
    assert window.step == 60
    assert sum(one is not None for one in window.bins) == pytest.approx(51, abs=2)


def test_a_new_box_shows_its_first_minutes_in_detail() -> None:
    """There is nothing that only minutes know."""
    history = History()
    watched(history, NOON - 10, NOON - 5)
    assert history.window(HOUR, NOON).step == 20


@pytest.mark.parametrize("days", [1, 14, 15, 30, 90])
def test_no_range_has_too_many_points(days: int) -> None:
    """And each can be told from what is kept."""
    for one in ranges(days):
        assert one.seconds // one.step <= MOST_POINTS
        assert one.seconds % one.step == 0 or one.key == "all"
    assert (len(ranges(days)), ranges(days)[-1].seconds >= 14 * DAY) == (5 if days > 14 else 4, True)


def test_the_window_ends_with_the_step_that_goes_on() -> None:
    """Once something is known of it, so that its beginning is no gap. Its steps are round times."""
    history = History()
    watched(history, NOON)
    before = history.window(RANGES[2], NOON + 1)
    watched(history, NOON + 5)
    after = history.window(RANGES[2], NOON + 5)
    assert (before.end, before.start, before.bins[:-1]) == (NOON, NOON - DAY, (None,) * 143)
    assert (after.end, after.start, after.bins[:-2]) == (NOON + 600, NOON + 600 - DAY, (None,) * 142)


def test_a_merged_step_follows_its_parts() -> None:
    """A step is merged once; when one of its bins is written to, dropped or loaded, it is merged anew."""
    series = Series(QUARTER, 8)
    series.at(0.0).answered += 1
    series.at(900.0).answered += 1
    assert [one.answered for one in (series.step(0, 7200), series.step(0, 7200)) if one] == [2, 2]
    series.at(0.0).answered += 1
    after_write = series.step(0, 7200)
    series.load({2: Bin(answered=4)}, 0)
    after_load = series.step(0, 7200)
    series.keep(1, 0)
    after_drop = series.step(0, 7200)
    assert [one.answered for one in (after_write, after_load, after_drop) if one] == [3, 7, 2]


def test_changes_are_taken_once_and_can_be_given_back() -> None:
    """What could not be stored is stored later; what was dropped meanwhile is not."""
    series = Series(60, 2)
    series.at(0.0)
    series.at(60.0)
    changed, dropped = series.take_changes()
    assert (set(changed), dropped, series.take_changes()) == ({0, 1}, set(), ({}, set()))
    series.at(120.0)
    series.give_back(changed, dropped)
    changed, dropped = series.take_changes()
    assert (set(changed), dropped) == ({1, 2}, {0})


def test_fewer_days_drop_the_oldest() -> None:
    """The setting takes effect at once."""
    history = History(14)
    watched(history, *(NOON - hours * 3600 for hours in range(14 * 24)))
    history.keep_days(1, NOON)
    assert len(history.quarters) <= DAY / QUARTER + 8
    assert history.quarters.begins(0) == pytest.approx(NOON - DAY, abs=3 * 3600 + DAY * 4)


def test_a_request_without_a_time_of_making_is_spread_over_all_of_it() -> None:
    """The engine told its tokens and not its speed."""
    history = History()
    history.add_request(ended(NOON, seconds=10.0, tokens_out=100, generating=None))
    assert [history.speed(NOON - ago) for ago in (10, 5, 0)] == [0, 10, 10]


def test_it_is_known_whether_anything_was_ever_asked() -> None:
    """So that an empty page says the right words."""
    history = History()
    watched(history, NOON)
    before = history.asked_ever()
    history.add_request(ended(NOON - DAY))
    assert (before, history.asked_ever()) == (False, True)


def test_a_window_without_anything_is_empty() -> None:
    """All of it at once."""
    assert Window(0, 60, (None, None)).whole() == Bin()


ENDED = st.builds(
    ended,
    at=st.floats(NOON, NOON + 40),
    model=st.sampled_from(["a", "b"]),
    status=st.sampled_from([200, 404, 499, 502]),
    seconds=st.floats(0, 20),
    generating=st.none() | st.floats(0, 20),
    first_token=st.none() | st.floats(0, 5),
    tokens_in=st.none() | st.integers(0, 50),
    tokens_out=st.none() | st.integers(0, 50),
    sent=st.integers(0, 50),
)


@given(st.lists(ENDED, max_size=12))
def test_many_requests_at_once_are_booked_as_one_by_one(requests: list[Ended]) -> None:
    """In each series, in each bin."""
    together, single = History(), History()
    together.add_requests(requests)
    for one in requests:
        single.add_request(one)
    for ours, theirs in zip(together.all, single.all, strict=True):
        assert ours._bins == theirs._bins
