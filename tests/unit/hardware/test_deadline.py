"""Calls that may hang."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import pytest

from appliance.hardware.deadline import Hung, Watched

SHORT, LONG = 0.02, 20.0


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Holds whoever waits at it; opened at the end so that no thread is left."""
    event = threading.Event()
    yield event
    event.set()


def test_gives_the_answer() -> None:
    """What does not hang is as if called directly."""
    assert Watched("w", lambda: 7, LONG).call() == 7


@pytest.mark.parametrize("error", [KeyError("mine"), TimeoutError("mine")])
def test_raises_what_the_work_raised(error: Exception) -> None:
    """Also its own TimeoutError, which does not mean that it hangs."""

    def fail() -> None:
        raise error

    with pytest.raises(type(error), match="mine"):
        Watched("w", fail, LONG).call()


def test_does_not_wait_for_what_hangs(gate: threading.Event) -> None:
    """After the deadline the caller goes on."""
    with pytest.raises(Hung):
        Watched("w", gate.wait, SHORT).call()


def test_begins_no_second_call_while_one_hangs(gate: threading.Event) -> None:
    """A stuck driver costs one thread, not one at every round."""
    begun = []

    def work() -> None:
        begun.append(1)
        gate.wait(LONG)

    watched = Watched("w", work, SHORT)
    for _ in range(5):
        with pytest.raises(Hung):
            watched.call()
    assert begun == [1]


def test_goes_on_when_it_comes_back(gate: threading.Event) -> None:
    """Once the stuck call has ended the next one is made afresh; the late answer is not given out."""
    answers = iter([1, 2])

    def work() -> int:
        gate.wait(LONG)
        return next(answers)

    watched = Watched("w", work, SHORT)
    with pytest.raises(Hung):
        watched.call()
    gate.set()
    assert first_answer(watched) == 2


def first_answer(watched: Watched[int]) -> int:
    while True:
        with contextlib.suppress(Hung):
            return watched.call()
