"""Booking many at once."""

from __future__ import annotations

from collections.abc import Callable

from appliance.proxy.batch import MOST, Batch


class Timer:
    def __init__(self) -> None:
        self.planned: list[Callable[[], None]] = []

    def __call__(self, _seconds: float, call: Callable[[], None]) -> None:
        self.planned.append(call)


def test_what_comes_in_a_moment_is_booked_together() -> None:
    """One timer for all of it, and the next only with the next entry."""
    booked, timer = list[list[int]](), Timer()
    batch = Batch[int](lambda entries: booked.append(list(entries)), timer)
    batch.add(1)
    batch.add(2)
    assert (booked, len(timer.planned)) == ([], 1)
    timer.planned[0]()
    batch.add(3)
    assert (booked, len(timer.planned)) == ([[1, 2]], 2)


def test_a_reader_has_it_booked_at_once() -> None:
    """The timer then finds nothing."""
    booked, timer = list[list[int]](), Timer()
    batch = Batch[int](lambda entries: booked.append(list(entries)), timer)
    batch.add(1)
    batch.settle()
    batch.settle()
    timer.planned[0]()
    assert booked == [[1]]


def test_not_more_than_so_many_wait() -> None:
    """However many come in a moment."""
    booked, timer = list[int](), Timer()
    batch = Batch[int](booked.extend, timer)
    for number in range(MOST + 1):
        batch.add(number)
    assert (len(booked), len(timer.planned)) == (MOST, 1)


def test_without_a_timer_nothing_waits() -> None:
    """Each is booked as it comes."""
    booked = list[int]()
    Batch[int](booked.extend, None).add(1)
    assert booked == [1]
